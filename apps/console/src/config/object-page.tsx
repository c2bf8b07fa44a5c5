/** One object: its YAML to read and edit, what is wrong with it, who owns it, its revision. */
import type { StoredObject } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useEffect, useMemo } from "react";
import { objectsQuery } from "../data/queries.ts";
import { useMesh, usePageSearch } from "../route/page-search.ts";
import { isTyping } from "../shell/use-shortcuts.ts";
import { Page } from "../ui/page.tsx";
import { Answer, Empty, Skeleton } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { AppliedCard } from "./applied-card.tsx";
import { worstDiagnostic } from "./diagnostic-health.ts";
import { objectDocument } from "./document.ts";
import { DiagnosticRows } from "./diagnostic-rows.tsx";
import { DraftEditor } from "./draft-editor.tsx";
import { EffectCard } from "./effect-card.tsx";
import { Review } from "./review.tsx";

export function ObjectPage() {
  const mesh = useMesh();
  const { kind = "", ns = "", name = "" } = useParams({ strict: false });
  const objects = useQuery(objectsQuery(mesh));
  const object = objects.data?.find(
    (each) =>
      each.kind === kind && (each.metadata.namespace || "-") === ns && each.metadata.name === name,
  );
  const health = object && worstDiagnostic(object.diagnostics);
  return (
    <Page
      title={name}
      fill
      crumb={
        <Link to="/m/$mesh/config" params={{ mesh }}>
          Config
        </Link>
      }
      beside={
        <>
          <span className="muted">
            {kind} in {ns}
          </span>
          {health ? <Status health={health}>{object.diagnostics[0]?.code}</Status> : null}
        </>
      }
      actions={object ? <Actions mesh={mesh} object={object} /> : null}
    >
      <Answer
        of={objects}
        loading={
          <div className="card">
            <Skeleton lines={12} />
          </div>
        }
      >
        {() =>
          object ? (
            <ObjectBody key={`${object.key} ${object.hash}`} mesh={mesh} object={object} />
          ) : (
            <Gone mesh={mesh} />
          )
        }
      </Answer>
    </Page>
  );
}

function Actions({ mesh, object }: { mesh: string; object: StoredObject }) {
  const [{ tab }, change] = usePageSearch();
  return (
    <div className="toolbar">
      <Link
        to="/m/$mesh/revisions/$number"
        params={{ mesh, number: String(object.revision) }}
        className="button"
      >
        Revision {object.revision}
      </Link>
      {object.owner === "hosted" && tab !== "delete" ? (
        <button type="button" className="button" onClick={() => change({ tab: "delete" }, "push")}>
          Delete…
        </button>
      ) : null}
    </div>
  );
}

function ObjectBody({ mesh, object }: { mesh: string; object: StoredObject }) {
  const [{ tab, sel }, change] = usePageSearch();
  const stored = useMemo(() => objectDocument(object), [object]);
  const applied = Number(sel);
  // What the plane finds by itself stands in the analysis of the draft.
  const reported = object.diagnostics.filter(({ code }) => /^HDL(?:4|72)/.test(code));
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (
        event.key !== "e" ||
        isTyping(event.target) ||
        event.metaKey ||
        event.ctrlKey ||
        event.altKey
      )
        return;
      event.preventDefault();
      document.querySelector<HTMLElement>(".cm-content")?.focus();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  const onApplied = (revision: number): void => change({ tab: undefined, sel: String(revision) });
  return (
    <>
      {applied > 0 ? (
        <AppliedCard
          mesh={mesh}
          number={applied}
          onRolledBack={(revision) => change({ sel: String(revision) })}
          onClose={() => change({ sel: undefined })}
        />
      ) : null}
      {tab === "delete" ? (
        <Review
          mesh={mesh}
          request={{ delete: [object.key] }}
          draft={stored}
          onBack={() => change({ tab: undefined })}
          onApplied={onApplied}
        />
      ) : (
        <DraftEditor
          mesh={mesh}
          file={`${object.metadata.name}.yaml`}
          namespace={object.metadata.namespace || undefined}
          stored={stored}
          foreignOwner={object.owner === "hosted" ? undefined : object.owner}
          extra={
            <>
              {reported.length > 0 ? (
                <section className="card" aria-label="Found by agents">
                  <DiagnosticRows diagnostics={reported} />
                </section>
              ) : null}
              <EffectCard mesh={mesh} objectKey={object.key} />
            </>
          }
          onApplied={onApplied}
        />
      )}
    </>
  );
}

function Gone({ mesh }: { mesh: string }) {
  const [{ sel }, change] = usePageSearch();
  const applied = Number(sel);
  return (
    <>
      {applied > 0 ? (
        <AppliedCard
          mesh={mesh}
          number={applied}
          onRolledBack={(revision) => change({ sel: String(revision) })}
        />
      ) : null}
      <div className="card">
        <Empty
          title="This object is not in the mesh"
          actions={
            <>
              <Link to="/m/$mesh/config" params={{ mesh }} className="button">
                All objects
              </Link>
              <Link to="/m/$mesh/revisions" params={{ mesh }} className="button">
                Revisions
              </Link>
            </>
          }
        >
          It was deleted or never there. The revisions say when it went, and bring it back.
        </Empty>
      </div>
    </>
  );
}
