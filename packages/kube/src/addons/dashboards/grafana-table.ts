/** Several queries as one table: Grafana joins lines whose labels are the same, and calls the values `Value #A`, `Value #B`, …. */
import type { Column } from "./dashboard.ts";

const valueOf = (index: number) => `Value #${String.fromCodePoint(65 + index)}`;

export function tableTransformations(
  names: Readonly<Record<string, string>>,
  columns: readonly Column[],
): object[] {
  const order = [...Object.keys(names), ...columns.map((_, index) => valueOf(index))];
  const titles = Object.fromEntries(columns.map(({ title }, index) => [valueOf(index), title]));
  return [
    { id: "merge", options: {} },
    {
      id: "organize",
      options: {
        excludeByName: { Time: true },
        indexByName: Object.fromEntries(order.map((name, index) => [name, index])),
        renameByName: { ...names, ...titles },
      },
    },
  ];
}

export function columnOverrides(columns: readonly Column[]): object[] {
  return columns.map(({ title, unit }) => ({
    matcher: { id: "byName", options: title },
    properties: [
      { id: "unit", value: unit },
      { id: "decimals", value: 2 },
    ],
  }));
}
