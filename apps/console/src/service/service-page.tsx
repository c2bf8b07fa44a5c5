/** One service: is it well, since when not, who calls it and whom it calls, what runs it, what configures it, what it did last. */
import type { ServicePage as ServiceAnswer } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { serviceQuery } from "../data/queries.ts";
import { countText, durationText, percentText, rateText } from "../format/numbers.ts";
import { healthOf } from "../health/health.ts";
import { explainFlags } from "../logs/flags.ts";
import { useMesh, usePageSearch, useTimeRange } from "../route/page-search.ts";
import { Page } from "../ui/page.tsx";
import { Answer, Skeleton } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { CallTables } from "./call-tables.tsx";
import { ConfigCard } from "./config-card.tsx";
import { GoldenCharts } from "./golden-charts.tsx";
import { RecentLogs } from "./recent-logs.tsx";
import { RecentTraces } from "./recent-traces.tsx";
import { WorkloadsCard } from "./workloads-card.tsx";

export function ServicePage() {
  const mesh = useMesh();
  const host = useParams({ strict: false }).service ?? "";
  const [range] = useTimeRange();
  const [{ vs }, change] = usePageSearch();
  const answer = useQuery(serviceQuery(mesh, host, range));
  const service = answer.data?.service;
  const name = service?.name ?? host.split(".")[0] ?? host;
  const asked = service ? `${service.name}.${service.namespace}` : host;
  return (
    <Page
      title={name}
      crumb={
        <Link to="/m/$mesh/services" params={{ mesh }}>
          Services
        </Link>
      }
      beside={service ? <Status health={healthOf(service.golden)} /> : null}
      actions={
        <div className="toolbar">
          <select
            className="input"
            aria-label="Compare with"
            value={vs ?? ""}
            onChange={(event) => change({ vs: event.target.value || undefined })}
          >
            <option value="">compare with…</option>
            <option value="before">the range before</option>
            <option value="yesterday">yesterday</option>
          </select>
          <Link
            to="/m/$mesh/graph"
            params={{ mesh }}
            search={{ q: `name = ${name}` }}
            className="button"
          >
            In the graph
          </Link>
          <Link
            to="/m/$mesh/traces"
            params={{ mesh }}
            search={{ service: asked }}
            className="button"
          >
            Traces
          </Link>
          <Link to="/m/$mesh/logs" params={{ mesh }} search={{ service: asked }} className="button">
            Logs
          </Link>
        </div>
      }
    >
      <Answer
        of={answer}
        loading={
          <div className="card">
            <Skeleton lines={2} />
          </div>
        }
      >
        {(data) => <Summary data={data} />}
      </Answer>
      <GoldenCharts mesh={mesh} host={host} />
      {answer.data ? (
        <>
          <CallTables mesh={mesh} data={answer.data} />
          <div className="columns">
            <WorkloadsCard service={answer.data.service} />
            <ConfigCard mesh={mesh} service={answer.data.service} />
          </div>
        </>
      ) : null}
      <div className="columns">
        <RecentTraces mesh={mesh} asked={asked} />
        <RecentLogs mesh={mesh} asked={asked} />
      </div>
    </Page>
  );
}

function Summary({ data: { service, codes, flags } }: { data: ServiceAnswer }) {
  const { golden } = service;
  const failing = Object.entries(flags)
    .filter(([flag, count]) => flag !== "-" && flag !== "" && count > 0)
    .sort(([, one], [, other]) => other - one);
  return (
    <section className="card card__body" aria-label="Golden signals">
      <div className="signals">
        <Signal value={rateText(golden.rate)} label="requests per second" />
        <Signal
          value={golden.requests === 0 ? "–" : percentText(golden.errorRate)}
          label="of requests fail"
          tone={golden.errorRate > 0 ? healthOf(golden) : undefined}
        />
        <Signal value={durationText(golden.p50)} label="p50 latency" />
        <Signal value={durationText(golden.p95)} label="p95 latency" />
        <Signal value={durationText(golden.p99)} label="p99 latency" />
        <div className="signal signal--wide small" style={{ gap: 4 }}>
          <code>{service.host}</code>
          <span>
            {service.ports.map((port) => `${port.port} ${port.protocol}`).join(", ") ||
              "no port known"}
            , {countText(service.workloads.length, "workload")}
          </span>
          <span className="num">
            {Object.entries(codes)
              .filter(([, count]) => count > 0)
              .map(([code, count]) => `${code}: ${Math.round(count)}`)
              .join("   ")}
          </span>
        </div>
      </div>
      {failing.length > 0 ? (
        <ul className="small" style={{ marginTop: 12, display: "grid", gap: 4 }}>
          {failing.slice(0, 4).map(([flag, count]) => (
            <li key={flag}>
              <code className="tone-bad">{flag}</code> {Math.round(count)} times:{" "}
              {explainFlags(flag)[0]?.title}.{" "}
              <span className="muted">{explainFlags(flag)[0]?.hint}</span>
            </li>
          ))}
        </ul>
      ) : null}
    </section>
  );
}

function Signal({
  value,
  label,
  tone,
}: {
  value: string;
  label: string;
  tone?: string | undefined;
}) {
  return (
    <div className="signal">
      <b className={tone ? `tone-${tone}` : ""}>{value}</b>
      <span>{label}</span>
    </div>
  );
}
