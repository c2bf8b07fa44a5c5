/** The overview: what is wrong now, what changed lately, the meshes and how far their newest revisions have come. */
import type { MeshInfo } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { meshesQuery } from "../data/queries.ts";
import { clockText } from "../format/numbers.ts";
import { convergenceHealth } from "../health/health.ts";
import { useCurrentMesh } from "../shell/use-current-mesh.ts";
import { Page } from "../ui/page.tsx";
import { Answer, Empty } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { useNow } from "../ui/use-now.ts";
import { FindingsCard } from "./findings-card.tsx";
import { LatelyCard } from "./lately-card.tsx";
import { TrafficCard } from "./traffic-card.tsx";
import { ConvergenceBar } from "../revisions/convergence-bar.tsx";

export function OverviewPage() {
  const named = useParams({ strict: false }).mesh;
  const mesh = useCurrentMesh();
  const meshes = useQuery(meshesQuery());
  return (
    <Page title={named === undefined ? "Overview" : named}>
      {mesh === undefined ? null : <FindingsCard mesh={mesh} key={mesh} />}
      {mesh === undefined ? null : <TrafficCard mesh={mesh} />}
      <div className="columns columns--wide">
        {mesh === undefined ? null : <LatelyCard mesh={mesh} />}
        <section className="card" aria-label="Meshes">
          <div className="card__head">
            <h2>Meshes</h2>
          </div>
          <Answer of={meshes}>{(items) => <MeshRows meshes={items} />}</Answer>
        </section>
      </div>
    </Page>
  );
}

function MeshRows({ meshes }: { meshes: readonly MeshInfo[] }) {
  const now = useNow();
  if (meshes.length === 0) {
    return (
      <Empty title="No mesh yet" command="heddle up --demo">
        A mesh is made with its first agent, or by the demo.
      </Empty>
    );
  }
  return (
    <ul className="rows">
      {meshes.map((mesh) => {
        const { health, word } = convergenceHealth(mesh.convergence);
        return (
          <li key={mesh.id}>
            <div className="grow">
              <Link to="/m/$mesh/graph" params={{ mesh: mesh.name }}>
                <b>{mesh.name}</b>
              </Link>
              <div className="muted small cut">
                {mesh.trustDomain}, since {clockText(mesh.createdAt, now)}
              </div>
            </div>
            <div style={{ width: 190 }}>
              <div
                style={{ display: "flex", justifyContent: "space-between", gap: 8 }}
                className="small"
              >
                <Status health={health}>{word}</Status>
                <span className="muted num">
                  {mesh.revision === 0 ? "no revision" : `revision ${mesh.revision}`}
                </span>
              </div>
              <ConvergenceBar convergence={mesh.convergence} />
            </div>
          </li>
        );
      })}
    </ul>
  );
}
