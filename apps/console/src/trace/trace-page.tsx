/** One trace: its waterfall, and beside it everything about the chosen span. */
import type { TraceDetail } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { refusalsQuery, traceQuery } from "../data/queries.ts";
import { clockText, countText, durationText, shortHost } from "../format/numbers.ts";
import { DenialNotice } from "../logs/denial-notice.tsx";
import { lineKey } from "../logs/tail-buffer.ts";
import { useMesh, usePageSearch, useTimeRange } from "../route/page-search.ts";
import { CopyButton } from "../ui/copy-button.tsx";
import { Page } from "../ui/page.tsx";
import { Answer, Skeleton } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { failed, spanTree } from "./span-tree.ts";
import { SpanPanel } from "./span-panel.tsx";
import "./trace.css";
import { Waterfall } from "./waterfall.tsx";

export function TracePage() {
  const mesh = useMesh();
  const id = useParams({ strict: false }).id ?? "";
  const trace = useQuery(traceQuery(mesh, id));
  const root = trace.data?.spans.find((span) => span.parentSpanId === null) ?? trace.data?.spans[0];
  const errors = trace.data?.spans.filter(failed).length ?? 0;
  return (
    <Page
      title={root ? `${root.service} ${shortHost(root.operation)}` : "Trace"}
      fill
      crumb={
        <Link to="/m/$mesh/traces" params={{ mesh }}>
          Traces
        </Link>
      }
      beside={
        trace.data ? (
          <Status health={errors > 0 ? "bad" : "ok"}>
            {errors > 0 ? countText(errors, "failed span") : "ok"}
          </Status>
        ) : null
      }
      actions={
        <Link
          to="/m/$mesh/logs"
          params={{ mesh }}
          search={{ q: `trace = ${id}` }}
          className="button"
        >
          Logs of this trace
        </Link>
      }
    >
      <Refusals mesh={mesh} id={id} start={trace.data?.start} />
      <Answer
        of={trace}
        loading={
          <div className="card">
            <Skeleton lines={10} height={20} />
          </div>
        }
      >
        {(data) => <TraceBody mesh={mesh} trace={data} />}
      </Answer>
    </Page>
  );
}

function TraceBody({ mesh, trace }: { mesh: string; trace: TraceDetail }) {
  const [{ sel }, change] = usePageSearch();
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const roots = useMemo(() => spanTree(trace.spans), [trace.spans]);
  const chosen = trace.spans.find((span) => span.spanId === sel);
  const services = new Set(trace.spans.map((span) => span.service));
  const [opened] = useState(() => Date.now());
  return (
    <>
      <div className="toolbar muted small">
        <span>{durationText(trace.durationMs)}</span>
        <span>{countText(trace.spans.length, "span")}</span>
        <span>{countText(services.size, "service")}</span>
        <span>{clockText(trace.start, opened)}</span>
        <code>{trace.traceId}</code>
        <CopyButton text={trace.traceId} label="Copy the trace's id" />
        <span>Full colour is the critical path: what would have made the trace shorter.</span>
      </div>
      <div className={`with-panel${chosen ? " with-panel--open" : ""}`}>
        <Waterfall
          roots={roots}
          durationNs={trace.durationMs * 1e6}
          folded={folded}
          onFold={(spanId) =>
            setFolded((old) => {
              const next = new Set(old);
              if (!next.delete(spanId)) next.add(spanId);
              return next;
            })
          }
          selected={sel}
          onSelect={(spanId) => change({ sel: spanId === sel ? undefined : spanId })}
        />
        {chosen ? (
          <SpanPanel mesh={mesh} span={chosen} close={() => change({ sel: undefined })} />
        ) : null}
      </div>
    </>
  );
}

/** What refused a request on its way, where anything did: logs have it also of a trace that was not sampled. */
function Refusals({ mesh, id, start }: { mesh: string; id: string; start: string | undefined }) {
  const [range] = useTimeRange();
  const { data } = useQuery(refusalsQuery(mesh, id, range, start));
  // The proxy that refuses is its server's.
  const lines = (data?.items ?? []).filter(({ reporter }) => reporter === "destination");
  return lines.map((line) => <DenialNotice key={lineKey(line)} mesh={mesh} line={line} />);
}
