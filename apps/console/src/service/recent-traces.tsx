/** The last traces through a service, failed ones first. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { tracesQuery } from "../data/queries.ts";
import { agoText, countText, durationText, shortHost } from "../format/numbers.ts";
import { useTimeRange } from "../route/page-search.ts";
import { Answer, Empty } from "../ui/states.tsx";
import { StatusShape } from "../ui/status.tsx";
import { useNow } from "../ui/use-now.ts";

const SHOWN = 6;

export function RecentTraces({ mesh, asked }: { mesh: string; asked: string }) {
  const [range] = useTimeRange();
  const traces = useQuery(tracesQuery(mesh, range, { service: asked }, 40));
  const now = useNow();
  return (
    <section aria-label="Recent traces">
      <h2 style={{ marginBottom: 8 }}>
        <Link to="/m/$mesh/traces" params={{ mesh }} search={{ service: asked }}>
          Recent traces
        </Link>
      </h2>
      <div className="card">
        <Answer of={traces}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No trace in this range" />
            ) : (
              <ul className="rows">
                {items
                  .toSorted((one, other) => Number(other.errors > 0) - Number(one.errors > 0))
                  .slice(0, SHOWN)
                  .map((trace) => (
                    <li key={trace.traceId}>
                      <StatusShape health={trace.errors > 0 ? "bad" : "ok"} />
                      <div className="grow">
                        <Link
                          to="/m/$mesh/traces/$id"
                          params={{ mesh, id: trace.traceId }}
                          className="cut"
                          style={{ display: "block" }}
                        >
                          {shortHost(trace.rootOperation || trace.rootService)}
                        </Link>
                        <div className="muted small">
                          {trace.rootService}, {countText(trace.spans, "span")}
                          {trace.errors > 0 ? `, ${countText(trace.errors, "error")}` : ""},{" "}
                          {agoText(trace.start, now)}
                        </div>
                      </div>
                      <span className="num">{durationText(trace.durationMs)}</span>
                    </li>
                  ))}
              </ul>
            )
          }
        </Answer>
      </div>
    </section>
  );
}
