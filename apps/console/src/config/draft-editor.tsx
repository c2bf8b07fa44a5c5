/** A draft in the editor, with the plane's diagnostics beside it, and the way to its review. */
import type { ApplyRequest } from "@heddle/client";
import type { Diagnostic } from "@codemirror/lint";
import { type ReactNode, useMemo, useState } from "react";
import { countText } from "../format/numbers.ts";
import { usePageSearch } from "../route/page-search.ts";
import { describeFailure } from "../data/plane-error.ts";
import { Status } from "../ui/status.tsx";
import { DiagnosticRows } from "./diagnostic-rows.tsx";
import { diagnosticRange } from "./document.ts";
import { Review } from "./review.tsx";
import { useAnalysis } from "./use-analysis.ts";
import { YamlEditor } from "./yaml-editor.tsx";

interface DraftEditorProps {
  mesh: string;
  /** Name under which the draft is analysed; it appears in references. */
  file: string;
  namespace: string | undefined;
  /** The text as it is stored; empty for a new object. */
  stored: string;
  /** Who owns the object, when that is not the plane: then it can only be read. */
  foreignOwner?: string | undefined;
  onApplied: (revision: number, keys: string[]) => void;
  extra?: ReactNode;
  starter?: string;
}

const severity = { Error: "error", Warning: "warning", Info: "info" } as const;

export function DraftEditor({
  mesh,
  file,
  namespace,
  stored,
  foreignOwner,
  onApplied,
  extra,
  starter,
}: DraftEditorProps) {
  const draftKey = `heddle.draft.${mesh}.${file}`;
  const [text, setText] = useState(
    () => sessionStorage.getItem(draftKey) ?? (stored || (starter ?? "")),
  );
  const [{ tab }, change] = usePageSearch();
  const analysis = useAnalysis(mesh, text, file, namespace);
  const placed = useMemo(
    () =>
      (analysis.diagnostics ?? []).flatMap((diagnostic) => {
        const range = diagnosticRange(analysis.about, diagnostic, file);
        return range ? [{ diagnostic, range }] : [];
      }),
    [analysis.diagnostics, analysis.about, file],
  );
  const marks = useMemo<Diagnostic[]>(
    () =>
      placed.map(({ diagnostic, range }) => ({
        ...range,
        severity: severity[diagnostic.level],
        message: `${diagnostic.message}${diagnostic.remedy ? ` ${diagnostic.remedy}` : ""}`,
        source: diagnostic.code,
      })),
    [placed],
  );
  const dirty = text !== stored;
  const request = useMemo<ApplyRequest>(
    () => ({ files: [{ name: file, content: text }], namespace }),
    [file, text, namespace],
  );

  function edit(next: string) {
    setText(next);
    if (next === stored) sessionStorage.removeItem(draftKey);
    else sessionStorage.setItem(draftKey, next);
  }

  if (tab === "review") {
    return (
      <Review
        mesh={mesh}
        request={request}
        draft={text}
        onBack={() => change({ tab: undefined })}
        onApplied={(revision, keys) => {
          sessionStorage.removeItem(draftKey);
          onApplied(revision, keys);
        }}
      />
    );
  }
  const errors = placed.filter(({ diagnostic }) => diagnostic.level === "Error").length;
  return (
    <div className="draft">
      <div className="card">
        <div className="card__head">
          <span className="mono small">{file}</span>
          <span className="spread" />
          {foreignOwner ? (
            <Status health="info">owned by {foreignOwner}: change it there</Status>
          ) : (
            <>
              {dirty && stored !== "" ? (
                <button type="button" className="button button--quiet" onClick={() => edit(stored)}>
                  Undo all
                </button>
              ) : null}
              <button
                type="button"
                className="button button--main"
                disabled={!dirty || text.trim() === ""}
                onClick={() => change({ tab: "review" }, "push")}
              >
                Review
              </button>
            </>
          )}
        </div>
        <YamlEditor
          label={`YAML of ${file}`}
          text={text}
          onChange={edit}
          diagnostics={marks}
          readOnly={foreignOwner !== undefined}
        />
      </div>
      <div className="draft__side" style={{ display: "flex", flexDirection: "column", gap: 16 }}>
        <section className="card" aria-label="Analysis">
          <div className="card__head">
            <h2>Analysis</h2>
            <span className="spread" />
            <span className="small" role="status">
              {analysis.error ? (
                <Status health="warn">not available</Status>
              ) : analysis.diagnostics === undefined || analysis.asking ? (
                <span className="muted">checking…</span>
              ) : errors > 0 ? (
                <Status health="bad">{countText(errors, "error")}</Status>
              ) : placed.length > 0 ? (
                <Status health="warn">{countText(placed.length, "note")}</Status>
              ) : (
                <Status health="ok">nothing wrong</Status>
              )}
            </span>
          </div>
          {analysis.error ? (
            <p className="card__body muted">{describeFailure(analysis.error).detail}</p>
          ) : null}
          <DiagnosticRows diagnostics={placed.map(({ diagnostic }) => diagnostic)} />
          {analysis.diagnostics && analysis.diagnostics.length > placed.length ? (
            <p className="card__body muted small">
              {countText(analysis.diagnostics.length - placed.length, "finding")} elsewhere in the
              mesh, not from this draft.
            </p>
          ) : null}
        </section>
        {extra}
      </div>
    </div>
  );
}
