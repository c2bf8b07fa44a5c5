/** What holds for the mesh as a whole; a change is a revision that every agent takes. */
import type { MeshInfo, MeshSettings } from "@heddle/client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ask } from "../data/plane.ts";
import { meshesQuery } from "../data/queries.ts";
import { Broken } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";

export function MeshSettingsCard({ mesh, mayChange }: { mesh: string; mayChange: boolean }) {
  const { data } = useQuery(meshesQuery());
  const found = data?.find((each) => each.name === mesh);
  return found ? <SettingsForm key={mesh} mesh={found} mayChange={mayChange} /> : null;
}

interface Draft {
  readonly outboundTrafficPolicy: "ALLOW_ANY" | "REGISTRY_ONLY";
  readonly traceSampling: string;
  readonly accessLog: boolean;
  readonly rootNamespace: string;
}

/** What holds where nobody has chosen. */
function draftOf({ settings }: MeshInfo): Draft {
  return {
    outboundTrafficPolicy: settings.outboundTrafficPolicy ?? "ALLOW_ANY",
    traceSampling: String(settings.traceSampling ?? 1),
    accessLog: settings.accessLog ?? true,
    rootNamespace: settings.rootNamespace ?? "istio-system",
  };
}

function SettingsForm({ mesh, mayChange }: { mesh: MeshInfo; mayChange: boolean }) {
  const queries = useQueryClient();
  const stored = draftOf(mesh);
  const [edited, setEdited] = useState<Partial<Draft>>({});
  const draft = { ...stored, ...edited };
  const edit = (change: Partial<Draft>): void => setEdited({ ...edited, ...change });
  const change = useMutation({
    mutationFn: (settings: MeshSettings) => ask((plane) => plane.changeMesh(mesh.name, settings)),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["meshes"] });
      await queries.invalidateQueries({ queryKey: [mesh.name, "config"] });
      setEdited({});
    },
  });
  const sampling = Number(draft.traceSampling);
  const valid = draft.traceSampling.trim() !== "" && sampling >= 0 && sampling <= 100;
  const dirty = JSON.stringify(draft) !== JSON.stringify(stored);
  function submit(event: FormEvent) {
    event.preventDefault();
    // Only what was changed: the rest keeps following the defaults.
    const { traceSampling, ...others } = edited;
    change.mutate({
      ...others,
      ...(traceSampling === undefined ? {} : { traceSampling: sampling }),
    });
  }
  return (
    <section className="card card__body" aria-label={`Mesh ${mesh.name}`}>
      <h2>Mesh {mesh.name}</h2>
      <form onSubmit={submit} style={{ display: "grid", gap: 8, marginTop: 8 }}>
        <dl className="facts">
          <dt>Unknown hosts</dt>
          <dd>
            <select
              className="input"
              aria-label="Requests for hosts that no service names"
              disabled={!mayChange}
              value={draft.outboundTrafficPolicy}
              onChange={(event) =>
                edit({
                  outboundTrafficPolicy: event.target.value as Draft["outboundTrafficPolicy"],
                })
              }
            >
              <option value="ALLOW_ANY">go through</option>
              <option value="REGISTRY_ONLY">are refused</option>
            </select>
          </dd>
          <dt>Traced requests</dt>
          <dd>
            <input
              className="input"
              type="number"
              min={0}
              max={100}
              step="any"
              aria-label="Share of requests that are traced, per cent"
              disabled={!mayChange}
              value={draft.traceSampling}
              onChange={(event) => edit({ traceSampling: event.target.value })}
              style={{ width: 90 }}
            />{" "}
            %
          </dd>
          <dt>Access logs</dt>
          <dd>
            <label>
              <input
                type="checkbox"
                disabled={!mayChange}
                checked={draft.accessLog}
                onChange={(event) => edit({ accessLog: event.target.checked })}
              />{" "}
              of every proxy
            </label>
          </dd>
          <dt>Root namespace</dt>
          <dd>
            <input
              className="input"
              aria-label="Namespace whose rules are for the whole mesh"
              disabled={!mayChange}
              value={draft.rootNamespace}
              onChange={(event) => edit({ rootNamespace: event.target.value })}
            />
          </dd>
          <dt>Trust domain</dt>
          <dd>{mesh.trustDomain}</dd>
        </dl>
        {mayChange ? (
          <p className="toolbar">
            <button
              type="submit"
              className="button"
              disabled={!dirty || !valid || change.isPending}
            >
              {change.isPending ? "Applying…" : "Apply as a revision"}
            </button>
            {change.isSuccess && !dirty ? (
              <Status health="ok">revision {change.data.revision}</Status>
            ) : null}
          </p>
        ) : null}
        {change.error ? <Broken error={change.error} /> : null}
      </form>
    </section>
  );
}
