/** The last requests that went wrong at a service, else the last ones at all. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { logsQuery } from "../data/queries.ts";
import { clockText, durationText } from "../format/numbers.ts";
import { flagsSentence } from "../logs/flags.ts";
import { lineHealth } from "../logs/line-health.ts";
import { useTimeRange } from "../route/page-search.ts";
import { Answer, Empty } from "../ui/states.tsx";
import { StatusShape } from "../ui/status.tsx";
import { useNow } from "../ui/use-now.ts";

const SHOWN = 6;

export function RecentLogs({ mesh, asked }: { mesh: string; asked: string }) {
  const [range] = useTimeRange();
  const logs = useQuery({
    ...logsQuery(mesh, range, { service: asked }, 100),
    refetchInterval: range.kind === "live" ? 5000 : false,
  });
  const now = useNow();
  return (
    <section aria-label="Recent requests">
      <h2 style={{ marginBottom: 8 }}>
        <Link to="/m/$mesh/logs" params={{ mesh }} search={{ service: asked }}>
          Recent requests
        </Link>
      </h2>
      <div className="card">
        <Answer of={logs}>
          {({ items }) => {
            const failed = items.filter((line) => lineHealth(line) === "bad");
            const shown = (failed.length > 0 ? failed : items).slice(0, SHOWN);
            if (shown.length === 0) return <Empty title="No log line in this range" />;
            return (
              <ul className="rows">
                {shown.map((line) => (
                  <li key={`${line.time}${line.traceId}${line.reporter}`}>
                    <StatusShape health={lineHealth(line)} />
                    <div className="grow">
                      <div className="cut mono small">
                        {line.method} {line.path}
                      </div>
                      <div className="muted small cut">
                        {line.source.workload || "unknown"} →{" "}
                        {line.destination.workload || line.destination.service || "unknown"},{" "}
                        {clockText(line.time, now)}
                        {flagsSentence(line.flags) ? `: ${flagsSentence(line.flags)}` : ""}
                      </div>
                    </div>
                    <span className="num small end">
                      {line.status || "–"}
                      <br />
                      <span className="muted">{durationText(line.durationMs)}</span>
                    </span>
                  </li>
                ))}
              </ul>
            );
          }}
        </Answer>
      </div>
    </section>
  );
}
