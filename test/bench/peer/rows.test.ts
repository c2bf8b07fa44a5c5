import { expect, test } from "vitest";
import { plotOf } from "./plot.ts";
import type { Cost, Round } from "./rounds.ts";
import { holds, type Results, type Row, rowsOf, shareOf } from "./rows.ts";
import { cellsOf, plainTable } from "./table.ts";

const load = { services: 1000, clients: 400, rounds: 3, onDemand: 10 };
const cost = (ms: number, cpuMs: number, bytes: number): Cost => ({ ms, cpuMs, bytes });
const round = (route: Cost, residentBytes = 100e6): Round => ({
  ...{ configured: cost(3000, 2000, 400e6), route },
  ...{ endpoint: cost(20, 10, 1000), residentBytes },
});
const results: Results = {
  load,
  rounds: {
    istiod: [round(cost(600, 900, 200e6)), round(cost(900, 900, 200e6)), round(cost(1200, 900, 2))],
    plain: [round(cost(150, 100, 200e6)), round(cost(120, 150, 200e6)), round(cost(149, 200, 2))],
  },
  growth: { from: { services: 1, ms: [10] }, to: { services: 10_000, ms: [21] } },
  starts: [{ what: "heddle version", ms: [140, 150, 1500], barMs: 150 }],
};
const rowOf = (what: RegExp): Row => {
  const row = rowsOf(results).find((each) => what.test(each.what));
  if (!row) throw new Error(`no row ${what}`);
  return row;
};

test("holds medians against shares of istiod's", () => {
  const time = rowOf(/^one VirtualService.*: time, plain/);
  expect(shareOf(time)).toBeCloseTo(149 / 900);
  expect(holds(time)).toBe(true);
  expect(shareOf(rowOf(/^one VirtualService.*: CPU, plain/))).toBeCloseTo(150 / 900);
  expect(holds(rowOf(/^resident/))).toBe(false);
});

test("holds starts against an amount, and a large mesh against a small one", () => {
  expect(holds(rowOf(/^heddle version/))).toBe(true);
  expect(holds(rowOf(/10,000 services/))).toBe(false);
});

test("judges nothing that has no bar or no peer", () => {
  expect(holds(rowOf(/: bytes, plain/))).toBeUndefined();
  const alone = rowsOf({ ...results, rounds: { plain: results.rounds.plain ?? [] } });
  expect(alone.map(holds)).toContain(undefined);
  expect(holds(alone[0]!)).toBeUndefined();
});

test("says each row in the unit that suits it, with the least and the most", () => {
  expect(cellsOf(rowOf(/^one VirtualService.*: time, plain/))).toEqual([
    "one VirtualService changed → last client: time, plain",
    "149 ms (120 to 150)",
    "istiod: 900 ms (600 to 1200)",
    "1/6.04",
    "≤ 1/6",
    "yes",
  ]);
  expect(cellsOf(rowOf(/^heddle version/))).toEqual([
    ...["heddle version", "150 ms (140 to 1500)", "", "", "≤ 150 ms", "yes"],
  ]);
  expect(cellsOf(rowOf(/^one endpoint.*: bytes/))[1]).toBe("1 kB (1 to 1)");
  expect(plainTable(rowsOf(results)).split("\n")).toHaveLength(1 + rowsOf(results).length);
});

test("draws each share left of its bar where it holds, and right of it where it does not", () => {
  const drawn = (row: Row) => {
    const svg = plotOf([row], "a title");
    const [, share] = /<circle cx="(\d+)"/.exec(svg) ?? [];
    const [, bar] = /<line x1="(\d+)"[^>]*stroke="#24292f" stroke-width="2"/.exec(svg) ?? [];
    return { share: Number(share), bar: Number(bar) };
  };
  const held = drawn(rowOf(/^one VirtualService.*: CPU, plain/));
  expect(held.share).toBeLessThanOrEqual(held.bar);
  const missed = drawn(rowOf(/^resident/));
  expect(missed.share).toBeGreaterThan(missed.bar);
  expect(plotOf(rowsOf(results), "<a>")).toContain("&lt;a>");
});
