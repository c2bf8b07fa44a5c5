/** The rows in words: for a terminal, and as Markdown. */
import { type Bar, holds, type Row, type Spread, shareOf, type Unit } from "./rows.ts";

export const HEADINGS = ["what", "ours", "beside", "share", "bar", "holds"] as const;

/** Cells of a row, under the headings. */
export function cellsOf(row: Row): string[] {
  const { what, unit, ours, beside } = row;
  const share = shareOf(row);
  const verdict = holds(row);
  return [
    what,
    spreadText(ours, unit),
    beside ? `${beside.of}: ${spreadText(beside, unit)}` : "",
    share === undefined ? "" : shareText(share),
    row.bar === undefined ? "" : `≤ ${barText(row.bar, unit)}`,
    verdict === undefined ? "" : verdict ? "yes" : "no",
  ];
}

export function plainTable(rows: readonly Row[]): string {
  const lines = [[...HEADINGS], ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) =>
    Math.max(...lines.map((cells) => cells[column]!.length)),
  );
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function markdownTable(rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(HEADINGS), line(HEADINGS.map(() => "---")), ...rows.map(cellsOf).map(line)].join(
    "\n",
  );
}

/** `1/7.4`, or `1.3 ×`. */
export function shareText(share: number): string {
  return share < 1 ? `1/${significant(1 / share)}` : `${significant(share)} ×`;
}

function barText(bar: Bar, unit: Unit): string {
  return "share" in bar ? shareText(bar.share) : amountText(bar.amount, unit);
}

/** `213 MB (205 to 231)`: all in the unit that suits the median. */
function spreadText({ median, least, most }: Spread, unit: Unit): string {
  const { size, name } = scaleOf(median, unit);
  const [middle, low, high] = [median, least, most].map((each) => significant(each / size));
  return `${middle} ${name} (${low} to ${high})`;
}

function amountText(amount: number, unit: Unit): string {
  const { size, name } = scaleOf(amount, unit);
  return `${significant(amount / size)} ${name}`;
}

/** Largest first; the last is for what is smaller than all of them too. */
const SCALES = {
  ms: [
    { size: 1000, name: "s" },
    { size: 1, name: "ms" },
  ],
  bytes: [
    { size: 1e6, name: "MB" },
    { size: 1e3, name: "kB" },
  ],
} as const;

function scaleOf(amount: number, unit: Unit) {
  const [large, small] = SCALES[unit];
  return amount >= large.size ? large : small;
}

/** Two decimals of what is small, none of what is large. */
function significant(value: number): string {
  const decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return String(Number(value.toFixed(decimals)));
}
