/** One revision: what it changed, against its parent or any other, how it arrived, and the way back to it. */
import type { RevisionInfo } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useRollback } from "../config/applied-card.tsx";
import { revisionDiffQuery, revisionQuery, revisionsQuery } from "../data/queries.ts";
import { DiffView } from "../diff/diff-view.tsx";
import { clockText } from "../format/numbers.ts";
import { convergenceHealth } from "../health/health.ts";
import { useMesh, usePageSearch } from "../route/page-search.ts";
import { CopyButton } from "../ui/copy-button.tsx";
import { Icon } from "../ui/icon.tsx";
import { Page } from "../ui/page.tsx";
import { Answer, Broken, Empty, Skeleton } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { useNow } from "../ui/use-now.ts";
import { changeSummary, objectName, splitKey } from "./change-summary.ts";
import { ConvergenceBar } from "./convergence-bar.tsx";

export function RevisionPage() {
  const mesh = useMesh();
  const number = Number(useParams({ strict: false }).number);
  const revision = useQuery(revisionQuery(mesh, number));
  const data = revision.data;
  return (
    <Page
      title={`Revision ${number}`}
      crumb={
        <Link to="/m/$mesh/revisions" params={{ mesh }}>
          Revisions
        </Link>
      }
      beside={
        data ? (
          <Status health={convergenceHealth(data.convergence).health}>
            {convergenceHealth(data.convergence).word}
          </Status>
        ) : null
      }
      actions={
        <div className="toolbar">
          <span className="button-group">
            <Link
              to="/m/$mesh/revisions/$number"
              params={{ mesh, number: String(Math.max(number - 1, 1)) }}
              className="button"
              aria-label="The one before"
            >
              <Icon name="left" />
            </Link>
            <Link
              to="/m/$mesh/revisions/$number"
              params={{ mesh, number: String(number + 1) }}
              className="button"
              aria-label="The next one"
            >
              <Icon name="right" />
            </Link>
          </span>
          {data ? <RollBack mesh={mesh} revision={data} /> : null}
        </div>
      }
    >
      <Answer
        of={revision}
        loading={
          <div className="card">
            <Skeleton lines={4} />
          </div>
        }
      >
        {(found) => <Facts mesh={mesh} revision={found} />}
      </Answer>
      <Diff mesh={mesh} number={number} />
    </Page>
  );
}

/** Two presses: the first says what will happen. */
function RollBack({ mesh, revision }: { mesh: string; revision: RevisionInfo }) {
  const navigate = useNavigate();
  const newest = useQuery(revisionsQuery(mesh)).data?.items[0]?.number;
  const [asked, setAsked] = useState(false);
  const rollback = useRollback(mesh, (made) => {
    setAsked(false);
    void navigate({ to: "/m/$mesh/revisions/$number", params: { mesh, number: String(made) } });
  });
  const isNewest = newest === revision.number;
  const target = isNewest ? revision.parent : revision.number;
  if (!asked) {
    return (
      <button type="button" className="button" onClick={() => setAsked(true)}>
        <Icon name="undo" /> {isNewest ? "Undo this revision…" : "Roll back to this…"}
      </button>
    );
  }
  return (
    <span className="toolbar" role="group" aria-label="Roll back">
      <span>
        Makes a new revision with the state of {target}
        {newest === undefined ? "" : `, undoing ${newest - target}`}.
      </span>
      <button
        type="button"
        className="button button--main"
        autoFocus
        disabled={rollback.isPending}
        onClick={() => rollback.mutate(target)}
      >
        {rollback.isPending ? "Rolling back…" : `Roll back to ${target}`}
      </button>
      <button type="button" className="button" onClick={() => setAsked(false)}>
        Keep as it is
      </button>
      {rollback.error ? <Broken error={rollback.error} /> : null}
    </span>
  );
}

function Facts({ mesh, revision }: { mesh: string; revision: RevisionInfo }) {
  const now = useNow();
  return (
    <section className="card card__body" aria-label="Facts">
      <div className="columns">
        <dl className="facts">
          <dt>Why</dt>
          <dd>{revision.message || <span className="muted">no reason given</span>}</dd>
          <dt>Who and when</dt>
          <dd>
            {revision.author}, {clockText(revision.createdAt, now)}
          </dd>
          <dt>Changes</dt>
          <dd>{changeSummary(revision.changes)}</dd>
          {revision.rollbackOf === undefined ? null : (
            <>
              <dt>Restores</dt>
              <dd>
                <Link
                  to="/m/$mesh/revisions/$number"
                  params={{ mesh, number: String(revision.rollbackOf) }}
                >
                  revision {revision.rollbackOf}
                </Link>
              </dd>
            </>
          )}
        </dl>
        <div style={{ display: "grid", gap: 8 }}>
          <ConvergenceBar convergence={revision.convergence} words />
          {revision.convergence.state === "stale" || revision.convergence.state === "pending" ? (
            <Link
              to="/m/$mesh/proxies"
              params={{ mesh }}
              search={{ q: `revision < ${revision.number}` }}
              className="small"
            >
              Proxies that lack it
            </Link>
          ) : null}
          <p className="small muted">
            State <code title={revision.stateRoot}>{revision.stateRoot.slice(0, 16)}</code>
            <CopyButton text={revision.stateRoot} label="Copy the state's hash" />, signed
          </p>
        </div>
      </div>
    </section>
  );
}

function Diff({ mesh, number }: { mesh: string; number: number }) {
  const [{ base }, change] = usePageSearch();
  const from = base === undefined ? undefined : Number(base);
  const diff = useQuery(revisionDiffQuery(mesh, number, from));
  const others = useQuery(revisionsQuery(mesh)).data?.items ?? [];
  return (
    <section className="card" aria-label="Difference">
      <div className="card__head">
        <h2>Difference</h2>
        <span className="spread" />
        <label className="status small">
          from
          <select
            className="input"
            value={base ?? ""}
            onChange={(event) => change({ base: event.target.value || undefined })}
          >
            <option value="">the one before</option>
            {others
              .filter((each) => each.number !== number)
              .map((each) => (
                <option key={each.number} value={each.number}>
                  revision {each.number}
                </option>
              ))}
          </select>
        </label>
      </div>
      <Answer of={diff} loading={<Skeleton lines={8} />}>
        {({ objects }) =>
          objects.length === 0 ? (
            <Empty title="No difference" />
          ) : (
            objects.map(({ key, before, after, action }) => {
              const { kind, namespace, name } = splitKey(key);
              return (
                <div key={key}>
                  <p className="card__body" style={{ paddingBottom: 4 }}>
                    <Link
                      to="/m/$mesh/config/$kind/$ns/$name"
                      params={{ mesh, kind, ns: namespace, name }}
                    >
                      <b>{objectName(key)}</b>
                    </Link>{" "}
                    <span className="muted">{action === "configured" ? "changed" : action}</span>
                  </p>
                  <DiffView
                    label={`Difference of ${objectName(key)}`}
                    before={before}
                    after={after}
                  />
                </div>
              );
            })
          )
        }
      </Answer>
    </section>
  );
}
