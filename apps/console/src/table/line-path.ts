/** SVG paths of a small line chart from zero to its own maximum. */

/** `line` and the `area` below it; a null breaks both. A single value is drawn as a short dash. */
export function linePath(
  values: readonly (number | null)[],
  width: number,
  height: number,
): { line: string; area: string } {
  const top = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE);
  const step = values.length > 1 ? width / (values.length - 1) : width;
  const y = (value: number): string => (height - 1.5 - (value / top) * (height - 3)).toFixed(1);
  let line = "";
  let area = "";
  for (const run of runs(values)) {
    const points = run.values.map(
      (value, index) => `${((run.start + index) * step).toFixed(1)} ${y(value)}`,
    );
    if (points.length === 1)
      points.push(`${(run.start * step + Math.min(step, 2)).toFixed(1)} ${y(run.values[0]!)}`);
    const text = points.join("L");
    line += `M${text}`;
    const first = points[0]!.split(" ")[0]!;
    const last = points.at(-1)!.split(" ")[0]!;
    area += `M${first} ${height}L${text}L${last} ${height}Z`;
  }
  return { line, area };
}

/** Unbroken runs of values that are there. */
function runs(values: readonly (number | null)[]): { start: number; values: number[] }[] {
  const found: { start: number; values: number[] }[] = [];
  values.forEach((value, index) => {
    if (value === null) return;
    const last = found.at(-1);
    if (last && last.start + last.values.length === index) last.values.push(value);
    else found.push({ start: index, values: [value] });
  });
  return found;
}
