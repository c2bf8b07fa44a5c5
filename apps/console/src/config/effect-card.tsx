/** What an object became: the proxies that have it, whether they took it, and the Envoy resources behind it. */
import type { AgentEffect, ObjectEffect } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { objectEffectQuery } from "../data/queries.ts";
import type { Health } from "../health/health.ts";
import { Answer, Skeleton } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";

export function EffectCard({ mesh, objectKey }: { mesh: string; objectKey: string }) {
  const effect = useQuery(objectEffectQuery(mesh, objectKey));
  return (
    <section
      className="card card__body"
      aria-label="At proxies"
      style={{ display: "grid", gap: 8 }}
    >
      <h2>At proxies</h2>
      <Answer of={effect} loading={<Skeleton lines={3} />}>
        {(data) => <Effect mesh={mesh} effect={data} />}
      </Answer>
    </section>
  );
}

function Effect({ mesh, effect }: { mesh: string; effect: ObjectEffect }) {
  return (
    <>
      {effect.agents.map((each) => (
        <AtAgent key={each.agent} mesh={mesh} effect={each} />
      ))}
      {effect.agents.length === 0 ? (
        <p className="muted">No agent is connected that could tell.</p>
      ) : null}
      {effect.silent.map((agent) => (
        <p key={agent}>
          <Status health="warn">{agent} did not answer in time</Status>
        </p>
      ))}
    </>
  );
}

function AtAgent({ mesh, effect }: { mesh: string; effect: AgentEffect }) {
  const { agent, proxies, groups, held, refusals } = effect;
  const [refused] = refusals;
  return (
    <div style={{ display: "grid", gap: 6 }}>
      <p>
        <Status health={refused ? "bad" : proxies > 0 ? "ok" : "idle"}>
          {proxies === 0
            ? "no proxy has it"
            : proxies === 1
              ? "1 proxy has it"
              : `${proxies} proxies have it`}
        </Status>{" "}
        <span className="muted">agent {agent}</span>
      </p>
      {refused ? (
        <div className="notice notice--bad">
          <div className="notice__text">
            <b>
              {refused.proxy} refuses {refused.type} {refused.resource}
              {refusals.length > 1 ? ` (and ${refusals.length - 1} more)` : ""}
            </b>
            <p className="small">{refused.reason}</p>
            {held ? <p>What it was before stays in force, and all else goes on.</p> : null}
          </div>
        </div>
      ) : null}
      {groups.map((group, index) => (
        <details key={index}>
          <summary>
            {group.proxies.slice(0, 3).map(({ name, state }) => (
              <span key={name} style={{ marginRight: 12 }}>
                <Link to="/m/$mesh/proxies" params={{ mesh }} search={{ q: name }}>
                  {name}
                </Link>
                {state === "accepted" ? null : (
                  <>
                    {" "}
                    <Status health={stateHealth[state]}>{state}</Status>
                  </>
                )}
              </span>
            ))}
            {group.allProxies > 3 ? (
              <span className="muted">and {group.allProxies - 3} more </span>
            ) : null}
            <span className="muted num">
              {group.allResources} {group.allResources === 1 ? "resource" : "resources"}
            </span>
          </summary>
          <ul className="rows">
            {group.resources.map(({ type, name }) => (
              <li key={`${type} ${name}`}>
                <span className="muted" style={{ minWidth: 40 }}>
                  {type}
                </span>
                <code className="small" style={{ overflowWrap: "anywhere" }}>
                  {name}
                </code>
              </li>
            ))}
            {group.allResources > group.resources.length ? (
              <li className="muted">and {group.allResources - group.resources.length} more</li>
            ) : null}
          </ul>
        </details>
      ))}
    </div>
  );
}

const stateHealth: Record<AgentEffect["groups"][number]["proxies"][number]["state"], Health> = {
  accepted: "ok",
  waiting: "warn",
  refused: "bad",
};
