/** Is it healthy, and what needs me: one sentence, then each finding with its number and its place. */
import "./overview.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import {
  agentsQuery,
  objectsQuery,
  proxiesQuery,
  revisionsQuery,
  servicesQuery,
} from "../data/queries.ts";
import { clockText, countText } from "../format/numbers.ts";
import { worst } from "../health/health.ts";
import { useTimeRange } from "../route/page-search.ts";
import { Broken, Empty, Skeleton } from "../ui/states.tsx";
import { StatusShape } from "../ui/status.tsx";
import { useNow } from "../ui/use-now.ts";
import { type Finding, findFindings, headline } from "./findings.ts";

export function FindingsCard({ mesh }: { mesh: string }) {
  const [range] = useTimeRange();
  const now = useNow();
  const services = useQuery(servicesQuery(mesh, range));
  const revisions = useQuery(revisionsQuery(mesh));
  const objects = useQuery(objectsQuery(mesh));
  const proxies = useQuery(proxiesQuery(mesh));
  const agents = useQuery(agentsQuery(mesh));

  if (agents.data?.length === 0 && services.data?.items.length === 0)
    return <NoAgent mesh={mesh} />;
  if (services.error && !services.data)
    return <Broken error={services.error} retry={() => void services.refetch()} />;
  if (!services.data)
    return (
      <div className="card">
        <Skeleton lines={3} />
      </div>
    );
  const findings = findFindings(
    {
      services: services.data.items,
      from: Date.parse(services.data.from),
      stepMs: services.data.stepMs,
      revisions: revisions.data?.items,
      objects: objects.data,
      proxies: proxies.data,
      agents: agents.data,
    },
    now,
  );
  const health = findings.length === 0 ? "ok" : worst(findings.map((finding) => finding.health));
  return (
    <section className="card findings" aria-label="What is wrong now">
      <div className="findings__head">
        <StatusShape health={health} />
        <p className={`findings__headline tone-${health}`}>
          {headline(findings, (time) => clockText(time, now).replace(/:\d\d$/, ""))}
        </p>
        <span className="muted small">
          {mesh}: {countText(services.data.items.length, "service")},{" "}
          {countText(proxies.data?.length ?? 0, "proxy", "proxies")}
        </span>
      </div>
      {findings.length > 0 ? (
        <ul className="rows">
          {findings.slice(0, 12).map((finding) => (
            <FindingRow key={finding.title} mesh={mesh} finding={finding} now={now} />
          ))}
        </ul>
      ) : null}
    </section>
  );
}

function FindingRow({ mesh, finding, now }: { mesh: string; finding: Finding; now: number }) {
  return (
    <li>
      <StatusShape health={finding.health} />
      <div className="grow">
        <FindingLink mesh={mesh} finding={finding} />
        <div className="muted">{finding.detail}</div>
      </div>
      <div className="small end muted">
        {finding.since === undefined ? null : (
          <div className="num">since {clockText(finding.since, now)}</div>
        )}
        {finding.after === undefined ? null : (
          <div>
            after{" "}
            <Link to="/m/$mesh/revisions/$number" params={{ mesh, number: String(finding.after) }}>
              revision {finding.after}
            </Link>
          </div>
        )}
      </div>
    </li>
  );
}

function FindingLink({ mesh, finding: { target, title } }: { mesh: string; finding: Finding }) {
  const text = <b>{title}</b>;
  switch (target.page) {
    case "service":
      return (
        <Link to="/m/$mesh/services/$service" params={{ mesh, service: target.host }}>
          {text}
        </Link>
      );
    case "services":
      return (
        <Link to="/m/$mesh/services" params={{ mesh }} search={{ q: target.q }}>
          {text}
        </Link>
      );
    case "object":
      return (
        <Link
          to="/m/$mesh/config/$kind/$ns/$name"
          params={{ mesh, kind: target.kind, ns: target.ns || "-", name: target.name }}
        >
          {text}
        </Link>
      );
    case "proxies":
      return (
        <Link to="/m/$mesh/proxies" params={{ mesh }} search={{ q: target.q }}>
          {text}
        </Link>
      );
    case "agents":
      return (
        <Link to="/m/$mesh/agents" params={{ mesh }}>
          {text}
        </Link>
      );
  }
}

function NoAgent({ mesh }: { mesh: string }) {
  return (
    <section className="card">
      <Empty
        title={`No agent has joined ${mesh} yet`}
        command="heddle agent --plane URL --token TOKEN"
      >
        An agent runs in each cluster, dials out to this plane and serves the proxies. Nothing is
        wrong; there is nothing to see until the first one joins.
      </Empty>
    </section>
  );
}
