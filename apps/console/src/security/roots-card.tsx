/** Roots that the mesh trusts, and a rotation of them while it is under way. */
import type { AuthorityInfo, RotationInfo } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { authoritiesQuery } from "../data/queries.ts";
import { agoText } from "../format/numbers.ts";
import type { Health } from "../health/health.ts";
import { Command } from "../ui/copy-button.tsx";
import { Answer } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { leftText } from "./certificate-health.ts";

const states: Readonly<Record<AuthorityInfo["state"], readonly [Health, string]>> = {
  issuing: ["ok", "signs"],
  trusted: ["info", "is trusted beside"],
  leaving: ["warn", "is being withdrawn"],
  retired: ["idle", "is over"],
  prepared: ["idle", "lies ready"],
};

export function RootsCard({ mesh, now }: { mesh: string; now: number }) {
  const authorities = useQuery(authoritiesQuery(mesh));
  return (
    <section className="card card__body" aria-label="Roots">
      <h2>Roots</h2>
      <Answer of={authorities}>
        {({ trustDomain, authorities: all, rotation, request }) => (
          <>
            <p className="muted small">
              trust domain <span className="mono">{trustDomain}</span>
            </p>
            {all.length === 0 ? (
              <p className="muted">No authority yet: the first certificate makes one.</p>
            ) : (
              <ul className="security__list">
                {all
                  .filter(({ state }) => state !== "retired")
                  .map((each) => (
                    <Authority key={each.id} authority={each} now={now} />
                  ))}
              </ul>
            )}
            {request ? (
              <p className="small">
                A request has waited for your root's signature {agoText(request.createdAt, now)}.
              </p>
            ) : null}
            <Rotation rotation={rotation} mesh={mesh} now={now} />
          </>
        )}
      </Answer>
    </section>
  );
}

function Authority({ authority, now }: { authority: AuthorityInfo; now: number }) {
  const { state, kind, subject, root, notAfter } = authority;
  const [health, word] = states[state];
  return (
    <li>
      <p className="toolbar">
        <Status health={health}>{word}</Status>
        <span className="cut">{subject}</span>
        <span className="muted small num" title={notAfter}>
          {leftText(notAfter, now)} left
        </span>
      </p>
      <p className="muted small cut">
        {kind === "root" ? "the plane's own root" : `signed by ${root.subject}`},{" "}
        <span className="mono" title={root.fingerprint}>
          {root.fingerprint.slice(0, 16)}…
        </span>
      </p>
    </li>
  );
}

const steps: Readonly<Record<RotationInfo["step"], string>> = {
  trusting: "everybody learns to trust the new root",
  reissuing: "everybody gets a certificate of the new root",
  withdrawing: "everybody forgets the old root",
};

/** More of those that hold it up are counted, not named. */
const MOST_HOLDERS = 5;

function Rotation({
  rotation,
  mesh,
  now,
}: {
  rotation: RotationInfo | undefined;
  mesh: string;
  now: number;
}) {
  if (!rotation) return <p className="muted small">The root was never rotated.</p>;
  const { state, step, startedAt, endedAt, holders, allHolders, urgent } = rotation;
  if (endedAt !== undefined)
    return (
      <p className="muted small">
        The last rotation was {state} {agoText(endedAt, now)}.
      </p>
    );
  return (
    <div className="security__rotation">
      <Status health={urgent ? "warn" : "info"}>
        {state === "aborting" ? "going back" : "rotating"} since {agoText(startedAt, now)}
      </Status>
      <p className="small">
        {steps[step]}; {allHolders === 0 ? "nobody holds it up" : `${allHolders} have not yet`}
      </p>
      <ul className="small">
        {holders.slice(0, MOST_HOLDERS).map(({ agent, proxy, reason }) => (
          <li key={`${agent} ${proxy}`}>
            <span className="mono">{proxy ?? agent}</span> <span className="muted">{reason}</span>
          </li>
        ))}
      </ul>
      <Command text={`heddle ca rotate status --mesh ${mesh}`} />
    </div>
  );
}
