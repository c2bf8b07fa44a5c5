/** The configuration that applies to a service, and why. */
import type { ServiceSummary } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { objectsFor } from "../config/applies-to.ts";
import { ObjectLink } from "../config/object-link.tsx";
import { worstDiagnostic } from "../config/diagnostic-health.ts";
import { objectsQuery } from "../data/queries.ts";
import { Answer, Empty } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";

export function ConfigCard({ mesh, service }: { mesh: string; service: ServiceSummary }) {
  const objects = useQuery(objectsQuery(mesh));
  return (
    <section aria-label="Configuration">
      <h2 style={{ marginBottom: 8 }}>Configuration that applies</h2>
      <div className="card">
        <Answer of={objects}>
          {(all) => {
            const found = objectsFor(
              { ...service, apps: service.workloads.map((workload) => workload.app) },
              all,
            );
            if (found.length === 0) {
              return (
                <Empty
                  title="Nothing is configured for it"
                  actions={
                    <Link
                      to="/m/$mesh/config/new"
                      params={{ mesh }}
                      search={{ service: service.name, kind: "VirtualService" }}
                      className="button"
                    >
                      Write a VirtualService
                    </Link>
                  }
                >
                  Requests go to all of its endpoints alike.
                </Empty>
              );
            }
            return (
              <ul className="rows">
                {found.map(({ object, why }) => {
                  const health = worstDiagnostic(object.diagnostics);
                  return (
                    <li key={object.key}>
                      <div className="grow">
                        <ObjectLink mesh={mesh} object={object} />
                        <div className="muted small">
                          {object.kind}, {why}
                        </div>
                      </div>
                      {health ? (
                        <Status health={health}>{object.diagnostics[0]?.code}</Status>
                      ) : null}
                      <Link
                        to="/m/$mesh/revisions/$number"
                        params={{ mesh, number: String(object.revision) }}
                        className="small num"
                      >
                        revision {object.revision}
                      </Link>
                    </li>
                  );
                })}
              </ul>
            );
          }}
        </Answer>
      </div>
    </section>
  );
}
