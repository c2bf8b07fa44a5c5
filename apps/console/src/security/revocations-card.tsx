/** Agents and workloads that nobody takes any more. */
import type { RevocationInfo } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { revocationsQuery } from "../data/queries.ts";
import { agoText } from "../format/numbers.ts";
import type { Health } from "../health/health.ts";
import { Answer } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";

export function RevocationsCard({ mesh, now }: { mesh: string; now: number }) {
  const revocations = useQuery(revocationsQuery(mesh));
  return (
    <section className="card card__body" aria-label="Revoked">
      <h2>Revoked</h2>
      <Answer of={revocations}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="muted">
              Nobody is revoked. <code>heddle ca revoke</code> shuts out an agent or a workload
              within seconds.
            </p>
          ) : (
            <ul className="security__list">
              {items.map((each) => (
                <Revocation key={each.id} revocation={each} now={now} />
              ))}
            </ul>
          )
        }
      </Answer>
    </section>
  );
}

function Revocation({ revocation, now }: { revocation: RevocationInfo; now: number }) {
  const { kind, subject, reason, createdAt } = revocation;
  const [health, word] = standing(revocation);
  return (
    <li>
      <p className="toolbar">
        <Status health={health}>{word}</Status>
        <span className="cut" title={subject}>
          {kind} <span className="mono">{subject}</span>
        </span>
      </p>
      <p className="muted small">
        {agoText(createdAt, now)}
        {reason === "" ? "" : `: ${reason}`}
      </p>
    </li>
  );
}

function standing({ liftedAt, effectiveAt }: RevocationInfo): readonly [Health, string] {
  if (liftedAt !== undefined) return ["idle", "let in again"];
  return effectiveAt === undefined ? ["warn", "on its way"] : ["bad", "refused everywhere"];
}
