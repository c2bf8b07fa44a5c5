/** At most so many lines on a chart: the largest by their sum, the rest added up as "others". */
import type { SeriesResult } from "@heddle/client";

export interface NamedSeries {
  label: string;
  values: (number | null)[];
  others: boolean;
}

/** `most` lines at the most; names are in order, so that a line keeps its colour while the numbers change. */
export function topSeries(series: SeriesResult["series"], most: number): NamedSeries[] {
  const named = series.map(({ labels, values }) => ({
    label: Object.values(labels)[0] || "all",
    values,
    others: false,
  }));
  if (named.length <= most) return named.sort(byLabel);
  const sorted = named.toSorted(
    (one, other) => sum(other.values) - sum(one.values) || byLabel(one, other),
  );
  const rest = sorted.slice(most - 1);
  const length = Math.max(...rest.map(({ values }) => values.length));
  const others = Array.from({ length }, (_, step) => {
    const known = rest.flatMap(({ values }) => values[step] ?? []);
    return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
  });
  return [
    ...sorted.slice(0, most - 1).sort(byLabel),
    { label: "others", values: others, others: true },
  ];
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

function byLabel(one: { label: string }, other: { label: string }): number {
  return one.label.localeCompare(other.label, "en", { numeric: true });
}
