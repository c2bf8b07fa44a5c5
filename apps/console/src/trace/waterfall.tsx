/** A trace over time: each span a bar, the part of the critical path that is its own drawn full, failures in red. */
import { type CSSProperties, useMemo, useRef } from "react";
import { seriesColours } from "../chart/chart-colours.ts";
import { durationText, shortHost } from "../format/numbers.ts";
import { useRowKeys } from "../table/use-row-keys.ts";
import { Icon } from "../ui/icon.tsx";
import { StatusShape } from "../ui/status.tsx";
import { failed, type SpanNode, visibleSpans } from "./span-tree.ts";

interface WaterfallProps {
  roots: readonly SpanNode[];
  /** Length of the trace, nanoseconds. */
  durationNs: number;
  folded: ReadonlySet<string>;
  onFold: (spanId: string) => void;
  selected: string | undefined;
  onSelect: (spanId: string) => void;
}

const TICKS = 5;

export function Waterfall({
  roots,
  durationNs,
  folded,
  onFold,
  selected,
  onSelect,
}: WaterfallProps) {
  const rows = visibleSpans(roots, folded);
  const colours = useMemo(() => serviceColours(roots), [roots]);
  const scroller = useRef<HTMLDivElement>(null);
  const keys = useRowKeys(scroller, rows.length, () => {}, true);
  const length = Math.max(
    durationNs,
    ...rows.map(({ span }) => span.offsetNs + span.durationNs),
    1,
  );
  return (
    <div
      className="waterfall card"
      ref={scroller}
      role="table"
      aria-label="Spans"
      aria-rowcount={rows.length}
    >
      <div className="waterfall__row waterfall__head">
        <span className="waterfall__name">Service and operation</span>
        <span className="waterfall__ticks">
          {Array.from({ length: TICKS }, (_, tick) => (
            <span key={tick}>{durationText((length / 1e6) * (tick / (TICKS - 1)))}</span>
          ))}
        </span>
      </div>
      {rows.map((node, index) => {
        const { span } = node;
        const bad = failed(span);
        const style = { "--span": bad ? "var(--bad)" : colours.get(span.service) } as CSSProperties;
        return (
          <div
            key={span.spanId}
            className="waterfall__row"
            role="row"
            data-index={index}
            tabIndex={index === keys.focused ? 0 : -1}
            aria-selected={span.spanId === selected}
            style={style}
            onFocus={() => keys.setFocused(index)}
            onClick={() => onSelect(span.spanId)}
            onKeyDown={(event) => {
              if (event.target !== event.currentTarget) return;
              if (event.key === "Enter") onSelect(span.spanId);
              else if (
                event.key === "ArrowLeft" &&
                !folded.has(span.spanId) &&
                node.children.length > 0
              )
                onFold(span.spanId);
              else if (event.key === "ArrowRight" && folded.has(span.spanId)) onFold(span.spanId);
            }}
          >
            <span
              className="waterfall__name"
              role="cell"
              style={{ paddingLeft: 8 + node.depth * 14 }}
            >
              {node.children.length > 0 ? (
                <button
                  type="button"
                  className="waterfall__fold"
                  tabIndex={-1}
                  aria-label={folded.has(span.spanId) ? "Unfold" : "Fold"}
                  onClick={(event) => {
                    event.stopPropagation();
                    onFold(span.spanId);
                  }}
                >
                  <Icon name={folded.has(span.spanId) ? "right" : "down"} />
                </button>
              ) : (
                <span className="waterfall__fold" />
              )}
              {bad ? <StatusShape health="bad" /> : null}
              <b>{span.service}</b>
              <span className="muted cut">{shortHost(span.operation)}</span>
            </span>
            <span className="waterfall__track" role="cell">
              <Bars node={node} length={length} />
            </span>
          </div>
        );
      })}
    </div>
  );
}

function Bars({ node: { span, critical, selfNs }, length }: { node: SpanNode; length: number }) {
  const share = (ns: number): string => `${(ns / length) * 100}%`;
  const text = durationText(span.durationNs / 1e6);
  const own =
    selfNs > 0
      ? `, ${durationText(selfNs / 1e6)} of the critical path is its own`
      : ", not on the critical path";
  return (
    <span title={`${text}${own}`}>
      <i
        className="span-bar"
        style={{ left: share(span.offsetNs), width: share(span.durationNs) }}
      />
      {critical.map(({ from, to }) => (
        <i
          key={from}
          className="span-critical"
          style={{ left: share(from), width: share(to - from) }}
        />
      ))}
      <span className="span-text num" style={{ left: share(span.offsetNs + span.durationNs) }}>
        {text}
      </span>
    </span>
  );
}

/** One colour a service, in the order in which they appear; what is beyond the fifth shares one. */
function serviceColours(roots: readonly SpanNode[]): Map<string, string> {
  const colours = new Map<string, string>();
  for (const { span } of visibleSpans(roots, new Set())) {
    if (!colours.has(span.service))
      colours.set(span.service, seriesColours[colours.size] ?? "var(--series-others)");
  }
  return colours;
}
