/** Queries over metrics that are not request metrics. */

import type { DuckDBConnection } from "@duckdb/node-api";
import type { SeriesResult } from "@heddle/client";
import type { SeriesQuery } from "../telemetry-store.ts";

/** Sums and histograms as a rate per second, gauges as their mean in the step; by one label's value, where asked for. */
export async function metricSeries(
  connection: DuckDBConnection,
  scope: number,
  query: SeriesQuery,
): Promise<SeriesResult["series"]> {
  const steps = Math.max(1, Math.ceil((query.to - query.from) / query.stepMs));
  const path = `$."${(query.by ?? "").replaceAll('"', '\\"')}"`;
  const label =
    query.by === undefined
      ? "''"
      : "coalesce(json_extract_string(attributes, $path), json_extract_string(resource, $path), '')";
  const rows = await connection.runAndReadAll(
    `SELECT ${label} AS label, ((time - 1 - $from) // $step)::INTEGER AS step, CASE WHEN any_value(type) = 'gauge' THEN avg(value) ELSE sum(value) * 1000 / $step END
     FROM metrics WHERE scope = $scope AND name = $metric AND time > $from AND time <= $to GROUP BY ALL ORDER BY ALL`,
    {
      scope,
      metric: query.metric,
      from: BigInt(query.from),
      to: BigInt(query.to),
      step: BigInt(query.stepMs),
      ...(query.by === undefined ? {} : { path }),
    },
  );
  const series = new Map<string, (number | null)[]>();
  for (const [value, step, amount] of rows.getRowsJS() as [string, number, number][]) {
    let values = series.get(value);
    if (!values) series.set(value, (values = Array<number | null>(steps).fill(null)));
    values[step] = amount;
  }
  return [...series].map(([value, values]) => ({
    labels: query.by === undefined ? {} : { [query.by]: value },
    values,
  }));
}
