/** The mesh's own golden signals, as numbers with their course. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { seriesQuery } from "../data/queries.ts";
import { durationText, percentText, rateText } from "../format/numbers.ts";
import { useTimeRange } from "../route/page-search.ts";
import { Sparkline } from "../table/sparkline.tsx";

const signals = [
  { metric: "rate", label: "requests per second", text: rateText, tone: "plain" },
  { metric: "error_rate", label: "of requests fail", text: percentText, tone: "bad" },
  { metric: "p50", label: "p50 latency", text: durationText, tone: "plain" },
  { metric: "p95", label: "p95 latency", text: durationText, tone: "plain" },
] as const;

export function TrafficCard({ mesh }: { mesh: string }) {
  return (
    <section className="card" aria-label="Traffic of the mesh">
      <div className="card__head">
        <h2>Traffic</h2>
        <span className="spread" />
        <Link to="/m/$mesh/graph" params={{ mesh }} className="small">
          Graph
        </Link>
        <Link to="/m/$mesh/services" params={{ mesh }} className="small">
          All services
        </Link>
      </div>
      <div className="card__body signals">
        {signals.map((signal) => (
          <Signal key={signal.metric} mesh={mesh} {...signal} />
        ))}
      </div>
    </section>
  );
}

function Signal({ mesh, metric, label, text, tone }: { mesh: string } & (typeof signals)[number]) {
  const [range] = useTimeRange();
  const { data, error } = useQuery(seriesQuery(mesh, range, { metric }));
  const values = data?.series[0]?.values ?? [];
  // The newest step is still filling.
  const latest = values.slice(0, -1).findLast((value) => value !== null);
  return (
    <div className="signal" title={`series?metric=${metric}`}>
      <b>
        {error && !data ? "–" : data ? text(latest ?? (metric === "rate" ? 0 : null)) : "\u00a0"}
      </b>
      <span>{label}</span>
      <Sparkline values={values} label={`${label} over the range`} tone={tone} />
    </div>
  );
}
