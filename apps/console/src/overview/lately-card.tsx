/** What changed lately: the newest revisions, who made them, how fast they arrived. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { revisionsQuery } from "../data/queries.ts";
import { agoText, durationText } from "../format/numbers.ts";
import { convergenceHealth } from "../health/health.ts";
import { changeSummary } from "../revisions/change-summary.ts";
import { Answer, Empty } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { useNow } from "../ui/use-now.ts";

export function LatelyCard({ mesh }: { mesh: string }) {
  const revisions = useQuery(revisionsQuery(mesh));
  const now = useNow();
  return (
    <section className="card" aria-label="What changed lately">
      <div className="card__head">
        <h2>What changed lately</h2>
        <span className="spread" />
        <Link to="/m/$mesh/revisions" params={{ mesh }} className="small">
          All revisions
        </Link>
      </div>
      <Answer of={revisions}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing was changed yet" command="heddle apply -f FILE">
              Every change becomes a revision here, with its diff and a way back.
            </Empty>
          ) : (
            <ul className="rows">
              {items.slice(0, 6).map((revision) => {
                const { health, word } = convergenceHealth(revision.convergence);
                return (
                  <li key={revision.number}>
                    <Link
                      to="/m/$mesh/revisions/$number"
                      params={{ mesh, number: String(revision.number) }}
                      className="num"
                    >
                      {revision.number}
                    </Link>
                    <div className="grow">
                      <div className="cut">
                        {revision.message || changeSummary(revision.changes)}
                      </div>
                      <div className="muted small cut">
                        {revision.author}, {agoText(revision.createdAt, now)}
                        {revision.message ? `, ${changeSummary(revision.changes)}` : ""}
                      </div>
                    </div>
                    <div className="small end">
                      <Status health={health}>{word}</Status>
                      <div className="muted num">
                        {revision.convergence.durationMs === undefined
                          ? ""
                          : `in ${durationText(revision.convergence.durationMs)}`}
                      </div>
                    </div>
                  </li>
                );
              })}
            </ul>
          )
        }
      </Answer>
    </section>
  );
}
