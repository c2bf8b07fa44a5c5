/** A revision on its way: how many proxies have it, how long it took, and the way back beside it. */
import type { RevisionInfo } from "@heddle/client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ask } from "../data/plane.ts";
import { revisionQuery } from "../data/queries.ts";
import { convergenceHealth } from "../health/health.ts";
import { ConvergenceBar } from "../revisions/convergence-bar.tsx";
import { Icon } from "../ui/icon.tsx";
import { Answer, Broken } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";

interface AppliedCardProps {
  mesh: string;
  number: number;
  onRolledBack: (revision: number) => void;
  onClose?: () => void;
}

export function AppliedCard({ mesh, number, onRolledBack, onClose }: AppliedCardProps) {
  const revision = useQuery(revisionQuery(mesh, number));
  return (
    <section className="card card__body" aria-label={`Revision ${number}`}>
      <Answer of={revision}>
        {(data) => (
          <div style={{ display: "flex", flexWrap: "wrap", gap: "8px 16px", alignItems: "center" }}>
            <div style={{ flex: 1, minWidth: 220 }}>
              <p className="status" style={{ marginBottom: 6 }}>
                <Link to="/m/$mesh/revisions/$number" params={{ mesh, number: String(number) }}>
                  Revision {number}
                </Link>
                <Status health={convergenceHealth(data.convergence).health}>
                  {convergenceHealth(data.convergence).word}
                </Status>
              </p>
              <ConvergenceBar convergence={data.convergence} words />
            </div>
            <RollBackButton mesh={mesh} revision={data} onRolledBack={onRolledBack} />
            {onClose ? (
              <button
                type="button"
                className="button button--quiet button--icon"
                aria-label="Close"
                onClick={onClose}
              >
                <Icon name="close" />
              </button>
            ) : null}
          </div>
        )}
      </Answer>
    </section>
  );
}

/** Undoes a revision: restores the state before it, as a new revision. */
function RollBackButton({
  mesh,
  revision,
  onRolledBack,
}: {
  mesh: string;
  revision: RevisionInfo;
  onRolledBack: (revision: number) => void;
}) {
  const rollback = useRollback(mesh, onRolledBack);
  return (
    <div>
      <button
        type="button"
        className="button"
        disabled={rollback.isPending}
        onClick={() => rollback.mutate(revision.parent)}
      >
        <Icon name="undo" />{" "}
        {rollback.isPending ? "Rolling back…" : `Roll back to ${revision.parent}`}
      </button>
      {rollback.error ? <Broken error={rollback.error} /> : null}
    </div>
  );
}

/** Restores the state after a revision. The result's number is that of the new revision. */
export function useRollback(mesh: string, onDone: (revision: number) => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (number: number) =>
      ask((plane) => plane.rollback(mesh, number, { idempotencyKey: crypto.randomUUID() })),
    onSuccess: async (result) => {
      await queries.invalidateQueries({ queryKey: [mesh, "config"] });
      onDone(result.revision);
    },
  });
}
