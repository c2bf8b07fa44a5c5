/** The plot: of each row with a share its place on a logarithmic axis, where 1 is what it is held against, and the bar that it has to be left of. */
import { holds, type Row, shareOf } from "./rows.ts";
import { shareText } from "./table.ts";

const ROW = 24;
const LABELS = 470;
const AXIS = 430;
const VALUES = 80;
const TOP = 40;
const [LEAST, MOST] = [1 / 1000, 4];
const TICKS = [1 / 1000, 1 / 100, 1 / 10, 1];
const COLOURS = { holds: "#1a7f37", misses: "#cf222e", unjudged: "#6e7781" };

/** An SVG document. */
export function plotOf(rows: readonly Row[], title: string): string {
  const shown = rows.flatMap((row) => {
    const share = shareOf(row);
    return share === undefined ? [] : [{ row, share }];
  });
  const [width, height] = [LABELS + AXIS + VALUES, TOP + ROW * shown.length + 30];
  const bottom = height - 24;
  const axis = TICKS.flatMap((tick) => [
    line(place(tick), TOP - 8, place(tick), bottom, tick === 1 ? "#24292f" : "#d0d7de"),
    text(place(tick), height - 8, tick === 1 ? "equal" : shareText(tick), "middle"),
  ]);
  const drawn = shown.flatMap(({ row, share }, index) => {
    const y = TOP + ROW * index + ROW / 2;
    const verdict = holds(row);
    const colour =
      verdict === undefined ? COLOURS.unjudged : verdict ? COLOURS.holds : COLOURS.misses;
    const bar = row.bar && "share" in row.bar ? place(row.bar.share) : undefined;
    return [
      text(LABELS - 12, y + 4, row.what, "end"),
      line(place(1), y, place(share), y, colour, 3),
      `<circle cx="${place(share)}" cy="${y}" r="5" fill="${colour}"/>`,
      ...(bar === undefined ? [] : [line(bar, y - 8, bar, y + 8, "#24292f", 2)]),
      text(LABELS + AXIS + 8, y + 4, shareText(share), "start", colour),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(LABELS, 18, title, "start"),
    ...axis,
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}

function place(share: number): number {
  const within = Math.min(Math.max(share, LEAST), MOST);
  const part = Math.log(within / LEAST) / Math.log(MOST / LEAST);
  return Math.round(LABELS + part * AXIS);
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string, width = 1): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${colour}" stroke-width="${width}"/>`;
}

function text(x: number, y: number, said: string, anchor: string, colour = "#24292f"): string {
  const escaped = said.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${colour}">${escaped}</text>`;
}
