import { expect, test } from "vitest";
import { topSeries } from "./top-series.ts";

const series = (label: string, ...values: (number | null)[]) => ({
  labels: { version: label },
  values,
});

test("few series stay, by name", () => {
  expect(topSeries([series("v10", 1), series("v2", 9)], 5).map(({ label }) => label)).toEqual([
    "v2",
    "v10",
  ]);
});

test("of many the largest stay and the rest is added up, with gaps where all have one", () => {
  const lines = topSeries(
    [series("a", 1, null), series("b", 50, 50), series("c", 40, 1), series("d", 2, null)],
    3,
  );
  expect(lines).toEqual([
    { label: "b", values: [50, 50], others: false },
    { label: "c", values: [40, 1], others: false },
    { label: "others", values: [3, null], others: true },
  ]);
});
