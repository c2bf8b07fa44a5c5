/** The review of a change: what it does, to whom, what the plane says of it; then Apply. Nothing is changed before that. */
import { HeddleApiError, type ApplyRequest, type ApplyResult } from "@heddle/client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ask } from "../data/plane.ts";
import { graphQuery, proxiesQuery, servicesQuery } from "../data/queries.ts";
import { DiffView } from "../diff/diff-view.tsx";
import { countText, rateText } from "../format/numbers.ts";
import { objectName } from "../revisions/change-summary.ts";
import { useTimeRange } from "../route/page-search.ts";
import { Icon } from "../ui/icon.tsx";
import { Answer, Broken, Skeleton } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { DiagnosticRows } from "./diagnostic-rows.tsx";
import { objectsInDraft } from "./document.ts";
import { touchedServices } from "./effect.ts";

interface ReviewProps {
  mesh: string;
  request: ApplyRequest;
  /** The YAML behind the request, to tell whom it touches. */
  draft: string;
  onBack: () => void;
  onApplied: (revision: number, keys: string[]) => void;
}

const actionWord = {
  created: "created",
  configured: "changed",
  deleted: "deleted",
  unchanged: "unchanged",
} as const;

export function Review({ mesh, request, draft, onBack, onApplied }: ReviewProps) {
  const [force, setForce] = useState(false);
  const [message, setMessage] = useState("");
  const queries = useQueryClient();
  const trial = useQuery({
    queryKey: [mesh, "config", "trial", request, force],
    queryFn: ({ signal }) =>
      ask((plane) => plane.apply(mesh, { ...request, force, dryRun: true }, { signal })),
    staleTime: 0,
    gcTime: 0,
  });
  const apply = useMutation({
    mutationFn: (key: string) =>
      ask((plane) =>
        plane.apply(
          mesh,
          { ...request, force, message: message.trim() || undefined },
          { idempotencyKey: key },
        ),
      ),
    onSuccess: async (result) => {
      await queries.invalidateQueries({ queryKey: [mesh, "config"] });
      onApplied(
        result.revision,
        result.changes.map((change) => change.key),
      );
    },
  });
  const refused =
    trial.error instanceof HeddleApiError ? (trial.error.problem.diagnostics ?? []) : [];
  const nothing = trial.data?.changes.every((change) => change.action === "unchanged") ?? false;
  return (
    <>
      <div className="toolbar">
        <button type="button" className="button" onClick={onBack}>
          <Icon name="left" /> Back to the draft
        </button>
        <input
          className="input"
          style={{ flex: 1, minWidth: 180, maxWidth: 480 }}
          aria-label="Why this change"
          placeholder="Why this change (kept with the revision)"
          value={message}
          onChange={(event) => setMessage(event.target.value)}
        />
        <button
          type="button"
          className="button button--main"
          disabled={!trial.data || nothing || apply.isPending}
          onClick={() => apply.mutate(crypto.randomUUID())}
        >
          {apply.isPending ? "Applying…" : "Apply"}
        </button>
      </div>
      {apply.error ? <Broken error={apply.error} /> : null}
      <div className="columns columns--wide" style={{ alignItems: "start" }}>
        <section className="card" aria-label="Difference">
          <div className="card__head">
            <h2>What changes</h2>
            <span className="spread" />
            <span className="muted small">dry run, nothing is applied yet</span>
          </div>
          {trial.error ? (
            <div className="card__body">
              <Broken error={trial.error} retry={() => void trial.refetch()} />
              {trial.error instanceof HeddleApiError && trial.error.status === 409 ? (
                <label className="status" style={{ marginTop: 12 }}>
                  <input
                    type="checkbox"
                    checked={force}
                    onChange={(event) => setForce(event.target.checked)}
                  />{" "}
                  Take Istio's order where objects conflict, and keep a warning on both
                </label>
              ) : null}
            </div>
          ) : (
            <Answer of={trial} loading={<Skeleton lines={6} />}>
              {(result) => <Changes result={result} draft={draft} />}
            </Answer>
          )}
        </section>
        <div style={{ display: "grid", gap: 16 }}>
          <EffectCard mesh={mesh} draft={draft} />
          {trial.data || refused.length > 0 ? (
            <section className="card" aria-label="Findings">
              <div className="card__head">
                <h2>What the analysis says</h2>
              </div>
              {(trial.data?.diagnostics ?? refused).length === 0 ? (
                <p className="card__body">
                  <Status health="ok">nothing wrong</Status>
                </p>
              ) : (
                <DiagnosticRows diagnostics={trial.data?.diagnostics ?? refused} />
              )}
            </section>
          ) : null}
        </div>
      </div>
    </>
  );
}

function Changes({ result, draft }: { result: ApplyResult; draft: string }) {
  return result.changes.map((change) => (
    <div key={change.key}>
      <p className="card__body" style={{ paddingBottom: 4 }}>
        <b>{objectName(change.key)}</b> is{" "}
        {change.action === "unchanged" ? "not changed" : actionWord[change.action]}
      </p>
      {change.action === "unchanged" ? null : (
        <DiffView
          label={`Difference of ${objectName(change.key)}`}
          before={change.before ?? null}
          after={change.after === undefined ? draft : change.after}
        />
      )}
    </div>
  ));
}

function EffectCard({ mesh, draft }: { mesh: string; draft: string }) {
  const [range] = useTimeRange();
  const services = useQuery(servicesQuery(mesh, range));
  const graph = useQuery(graphQuery(mesh, range, "workload"));
  const proxies = useQuery(proxiesQuery(mesh));
  const touched = touchedServices(objectsInDraft(draft), services.data?.items ?? [], graph.data);
  return (
    <section className="card" aria-label="Whom it touches">
      <div className="card__head">
        <h2>Whom it touches</h2>
      </div>
      {touched.length === 0 ? (
        <p className="card__body muted">
          {services.data ? "No service of the mesh is named by it." : "Looking…"}{" "}
          {proxies.data ? `${countText(proxies.data.length, "proxy", "proxies")} may hold it.` : ""}
        </p>
      ) : (
        <ul className="rows">
          {touched.map(({ service, callers, rate }) => (
            <li key={service.host}>
              <div className="grow">
                <b>{service.name}</b> <span className="muted">{service.namespace}</span>
                <div className="muted small">
                  {callers.length === 0
                    ? "nobody called it in this range"
                    : `called by ${callers
                        .slice(0, 4)
                        .map((caller) => caller.name)
                        .join(", ")}${callers.length > 4 ? ` and ${callers.length - 4} more` : ""}`}
                </div>
              </div>
              <span className="num">{rateText(rate)}/s</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
