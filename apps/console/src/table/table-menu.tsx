/** Above a table: how many rows, which columns, and a copy as CSV or as the command that prints the same. */
import { useState } from "react";
import { countText } from "../format/numbers.ts";
import type { PageSearch } from "../route/page-search.ts";
import { Icon } from "../ui/icon.tsx";
import { type Column, toCsv } from "./column.ts";

interface TableMenuProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  hidden: ReadonlySet<string>;
  rows: readonly Row[];
  change: (patch: Pick<PageSearch, "hide">) => void;
  command?: string | undefined;
}

export function TableMenu<Row>({
  label,
  columns,
  hidden,
  rows,
  change,
  command,
}: TableMenuProps<Row>) {
  const [said, setSaid] = useState("");
  const say = (text: string): void => {
    setSaid(text);
    setTimeout(() => setSaid(""), 2000);
  };
  const copy = (text: string, what: string): void => {
    void navigator.clipboard?.writeText(text).then(() => say(`${what} copied`));
  };
  return (
    <div className="table__menu">
      <span className="muted small">
        {countText(rows.length, "row")} <span role="status">{said}</span>
      </span>
      <span className="spread" />
      <details className="menu">
        <summary className="button button--quiet" aria-label={`Columns and export of ${label}`}>
          <Icon name="columns" />
          <span>Columns</span>
        </summary>
        <div className="menu__body">
          {columns
            .filter((column) => !column.narrowOnly && column.header !== "")
            .map((column) => (
              <label key={column.id}>
                <input
                  type="checkbox"
                  checked={!hidden.has(column.id)}
                  disabled={column.narrow === "title"}
                  onChange={(event) => {
                    const next = new Set(hidden);
                    if (event.target.checked) next.delete(column.id);
                    else next.add(column.id);
                    change({ hide: [...next].join(",") || "none" });
                  }}
                />
                {column.header}
              </label>
            ))}
          <hr />
          <button type="button" className="link" onClick={() => copy(toCsv(columns, rows), "CSV")}>
            Copy as CSV
          </button>
          {command ? (
            <button type="button" className="link" onClick={() => copy(command, "Command")}>
              Copy as command <code>{command}</code>
            </button>
          ) : null}
        </div>
      </details>
    </div>
  );
}
