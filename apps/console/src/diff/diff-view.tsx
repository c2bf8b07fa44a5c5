/** A difference of two texts as people read it: removed and added lines with their numbers. */
import { useMemo } from "react";
import "./diff.css";
import { diffLines } from "./lines.ts";

export function DiffView({
  before,
  after,
  label,
}: {
  before: string | null;
  after: string | null;
  label: string;
}) {
  const lines = useMemo(() => diffLines(before, after), [before, after]);
  if (lines.every((line) => line.kind === "gap"))
    return <p className="muted small card__body">No difference.</p>;
  return (
    <div className="diff" role="table" aria-label={label}>
      {lines.map((line, index) =>
        line.kind === "gap" ? (
          <div key={index} className="diff__line diff__gap" role="row">
            <span role="cell">{line.count} unchanged lines</span>
          </div>
        ) : (
          <div key={index} className={`diff__line diff__line--${line.kind}`} role="row">
            <span className="diff__number" role="cell">
              {line.before}
            </span>
            <span className="diff__number" role="cell">
              {line.after}
            </span>
            <span className="diff__sign" role="cell" aria-label={line.kind}>
              {line.kind === "added" ? "+" : line.kind === "removed" ? "−" : " "}
            </span>
            <span className="diff__text" role="cell">
              {line.text}
            </span>
          </div>
        ),
      )}
    </div>
  );
}
