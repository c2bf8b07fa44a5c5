/** Access logs: a tail that follows, filtered by any value, each flag explained in words. */
import type { LogLine } from "@heddle/client";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { FilterField } from "../filter/filter-field.tsx";
import { matches, parseQuery } from "../filter/query.ts";
import { countText, durationText } from "../format/numbers.ts";
import { useMesh, usePageSearch, useTimeRange } from "../route/page-search.ts";
import { useRowKeys } from "../table/use-row-keys.ts";
import { toggleLive } from "../time/range.ts";
import { Icon } from "../ui/icon.tsx";
import { Page } from "../ui/page.tsx";
import { Broken, Empty, Skeleton } from "../ui/states.tsx";
import { Status, StatusShape } from "../ui/status.tsx";
import { useNarrow } from "../ui/use-media.ts";
import { denialSentence, explainDenial } from "./denial.ts";
import { flagsSentence } from "./flags.ts";
import { LinePanel } from "./line-panel.tsx";
import { lineHealth } from "./line-health.ts";
import { logFields, serverFilter } from "./log-fields.ts";
import "./logs.css";
import { lineKey } from "./tail-buffer.ts";
import { useLogTail } from "./use-log-tail.ts";

export function LogsPage() {
  const mesh = useMesh();
  const [range, setRange] = useTimeRange();
  const [{ q = "", service, sel }, change] = usePageSearch();
  const query = useMemo(() => parseQuery(q, logFields), [q]);
  const filter = useMemo(() => serverFilter(query, service), [query, service]);
  const tail = useLogTail(mesh, range, filter);
  const lines = useMemo(
    () => tail.lines.filter((line) => matches(query, line, logFields)),
    [tail.lines, query],
  );
  const chosen = sel === undefined ? undefined : tail.lines.find((line) => lineKey(line) === sel);
  const live = range.kind === "live";
  const select = useCallback(
    (line: LogLine | undefined) => change({ sel: line && lineKey(line) }),
    [change],
  );
  return (
    <Page title="Logs" fill>
      <div className="toolbar">
        {service === undefined ? null : (
          <span className="chip">
            service {service}
            <button
              type="button"
              className="link"
              aria-label="Remove the service filter"
              onClick={() => change({ service: undefined })}
            >
              ×
            </button>
          </span>
        )}
        <FilterField
          fields={logFields}
          query={query}
          placeholder="status >= 500  refused = yes  path ~ /api  took > 300ms"
        />
        <button
          type="button"
          className="button"
          onClick={() => setRange(toggleLive(range, Date.now()))}
        >
          <Icon name={live ? "pause" : "play"} />
          {live ? "Pause" : "Follow"}
        </button>
        <span className="muted small num toolbar" role="status">
          {countText(lines.length, "line")}
          {tail.skipped > 0 ? `, ${countText(tail.skipped, "line")} too many to show` : ""}
          {live ? (
            tail.connected ? (
              <Status health="ok">following</Status>
            ) : (
              <Status health="warn">connecting</Status>
            )
          ) : null}
        </span>
      </div>
      {tail.error && !tail.loaded ? (
        <Broken error={tail.error} retry={() => void tail.refetch()} />
      ) : !tail.loaded ? (
        <div className="card">
          <Skeleton lines={12} />
        </div>
      ) : (
        <div className={`with-panel${chosen ? " with-panel--open" : ""}`}>
          {lines.length === 0 ? (
            <div className="card">
              <NoLines
                filtered={q !== "" || service !== undefined}
                live={live}
                clear={() => change({ q: undefined, service: undefined })}
              />
            </div>
          ) : (
            <Lines lines={lines} follow={live} selected={sel} onSelect={select} />
          )}
          {chosen ? <LinePanel mesh={mesh} line={chosen} close={() => select(undefined)} /> : null}
        </div>
      )}
    </Page>
  );
}

function NoLines({
  filtered,
  live,
  clear,
}: {
  filtered: boolean;
  live: boolean;
  clear: () => void;
}) {
  if (filtered) {
    return (
      <Empty
        title="No line fits"
        actions={
          <button type="button" className="button" onClick={clear}>
            Clear the filters
          </button>
        }
      >
        {live ? "Lines that fit appear here as they arrive." : null}
      </Empty>
    );
  }
  return (
    <Empty title="No request was logged in this range">
      Proxies write a line for each request. {live ? "New lines appear here by themselves." : ""}{" "}
      Access logs can be switched off in the mesh's settings.
    </Empty>
  );
}

interface LinesProps {
  lines: readonly LogLine[];
  follow: boolean;
  selected: string | undefined;
  onSelect: (line: LogLine | undefined) => void;
}

const ROW_PX = 26;
const TWO_LINES_PX = 48;
/** As near to the end as counts for being at the end. */
const END_PX = 40;

function Lines({ lines, follow, selected, onSelect }: LinesProps) {
  const narrow = useNarrow();
  const scroller = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const height = narrow ? TWO_LINES_PX : ROW_PX;
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: (index) => lineKey(lines[index]!),
    overscan: 16,
    initialRect: { width: 1000, height: 800 },
  });
  const keys = useRowKeys(scroller, lines.length, (index) => virtual.scrollToIndex(index), true);
  const toEnd = useCallback(() => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight;
  }, []);
  const last = lines.at(-1);
  // The end is followed only by who stands there: scrolling up holds what is being read.
  useEffect(() => {
    if (atEnd) toEnd();
  }, [last, atEnd, toEnd]);
  return (
    <div className="log card">
      <div
        className="log__scroll"
        ref={scroller}
        role="table"
        aria-label="Log lines"
        aria-rowcount={lines.length}
        onScroll={(event) => {
          const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
          setAtEnd(scrollHeight - scrollTop - clientHeight < END_PX);
        }}
      >
        <div style={{ height: virtual.getTotalSize(), position: "relative" }} role="rowgroup">
          {virtual.getVirtualItems().map(({ index, start, key }) => {
            const line = lines[index]!;
            return (
              <div
                key={String(key)}
                role="row"
                data-index={index}
                tabIndex={index === keys.focused ? 0 : -1}
                aria-selected={key === selected}
                className={`log__row log__row--${lineHealth(line)}`}
                style={{ height, transform: `translateY(${start}px)` }}
                onFocus={() => keys.setFocused(index)}
                onClick={() => onSelect(line)}
                onKeyDown={(event) => {
                  if (event.key === "Enter") onSelect(line);
                }}
              >
                <Line line={line} />
              </div>
            );
          })}
        </div>
      </div>
      {follow && !atEnd ? (
        <button type="button" className="button log__end" onClick={toEnd}>
          <Icon name="down" /> Newest
        </button>
      ) : null}
    </div>
  );
}

function Line({ line }: { line: LogLine }) {
  const why = flagsSentence(line.flags);
  const denial = explainDenial(line);
  return (
    <>
      <span role="cell" className="muted log__time">
        {clockWithMillis(line.time)}
      </span>
      <span role="cell" className="log__status">
        <StatusShape health={lineHealth(line)} /> {line.status === 0 ? "–" : line.status}
      </span>
      <span role="cell" className="log__ends cut">
        {line.source.workload || "unknown"} <span className="muted">→</span>{" "}
        {line.destination.workload || line.destination.service || "unknown"}
      </span>
      <span role="cell" className="log__path cut">
        {line.method === "" ? line.body : `${line.method} ${line.path}`}
      </span>
      <span role="cell" className="log__why cut">
        {denial ? (
          <b title={denialSentence(denial)}>{denialSentence(denial)}</b>
        ) : why === "" ? null : (
          <>
            <b>{line.flags}</b> <span className="muted">{why}</span>
          </>
        )}
      </span>
      <span role="cell" className="log__took">
        {durationText(line.durationMs)}
      </span>
    </>
  );
}

function clockWithMillis(time: string): string {
  const date = new Date(time);
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
