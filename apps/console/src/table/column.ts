/** What a table's column is: how a row's value is shown, sorted and exported. */
import type { ReactNode } from "react";

export interface Column<Row> {
  id: string;
  /** With the unit where the cells have none. */
  header: string;
  /** What the column says, on hover. */
  about?: string;
  cell: (row: Row) => ReactNode;
  /** The value to sort by and to export; null sorts last in both directions. Without it the column cannot be sorted. */
  value?: (row: Row) => string | number | null | undefined;
  /** Numbers stand to the right. */
  align?: "end";
  /** Track size of CSS grid. */
  width: string;
  /** Where the cell stands in the two-line list of a phone; without it, nowhere. */
  narrow?: "title" | "aside" | "line";
  /** Shown in the two-line list alone. */
  narrowOnly?: boolean;
  /** Shown only when a person asks for it. */
  spare?: boolean;
}

/** A sort order as it stands in the URL: `name` ascending, `-rate` descending. */
export function readSort(text: string): { id: string; desc: boolean }[] {
  if (text === "") return [];
  return text.startsWith("-") ? [{ id: text.slice(1), desc: true }] : [{ id: text, desc: false }];
}

/** The next order when a header is pressed: numbers start with the largest, text with A; pressed again it turns. */
export function nextSort(current: string, id: string, align: "end" | undefined): string {
  if (current === id) return `-${id}`;
  if (current === `-${id}`) return id;
  return align === "end" ? `-${id}` : id;
}

/** Ids of the columns that are not shown: as the URL has it (`a,b`, or `none`), else the spare ones. */
export function hiddenColumns<Row>(
  columns: readonly Column<Row>[],
  written: string | undefined,
): Set<string> {
  if (written !== undefined) return new Set(written.split(",").filter((id) => id !== "none"));
  return new Set(columns.filter((column) => column.spare).map((column) => column.id));
}

/** Pixels between columns, and at both ends together, as the style sheet has them. */
const GAP_PX = 12;
const ENDS_PX = 24;

/** The width below which a table scrolls sideways: every column at its least. */
export function leastWidth<Row>(columns: readonly Column<Row>[]): number {
  const sum = columns.reduce(
    (total, column) => total + Number(/(\d+)px/.exec(column.width)?.[1] ?? 0),
    0,
  );
  return sum + GAP_PX * Math.max(columns.length - 1, 0) + ENDS_PX;
}

/** The rows as CSV (RFC 4180), header first; text that a spreadsheet would take for a formula is defused. */
export function toCsv<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [columns.map((column) => csvCell(column.header))];
  for (const row of rows) lines.push(columns.map((column) => csvCell(column.value?.(row) ?? "")));
  return `${lines.map((line) => line.join(",")).join("\r\n")}\r\n`;
}

function csvCell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
