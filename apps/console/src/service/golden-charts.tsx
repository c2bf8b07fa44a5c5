/** The golden signals of one service over the range: traffic, errors, latency, and traffic by version. */
import type { SeriesResult } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { seriesColours } from "../chart/chart-colours.ts";
import { type ChartLine, LineChart } from "../chart/line-chart.tsx";
import { type SeriesAsked, seriesQuery } from "../data/queries.ts";
import { bytesText, durationText, percentText, rateText } from "../format/numbers.ts";
import { usePageSearch, useTimeRange } from "../route/page-search.ts";
import { resolveRange, type TimeRange } from "../time/range.ts";
import { Broken } from "../ui/states.tsx";
import { topSeries } from "./top-series.ts";

/** What a chart may be compared with, as in the URL: how much earlier, in milliseconds. */
const comparisons: Record<string, (range: TimeRange) => number> = {
  before: (range) => {
    const { from, to } = resolveRange(range, Date.now());
    return to - from;
  },
  yesterday: () => 86_400_000,
};

export function GoldenCharts({ mesh, host }: { mesh: string; host: string }) {
  return (
    <div className="charts">
      <Chart
        mesh={mesh}
        host={host}
        title="Traffic"
        unit="requests/s"
        metrics={[["rate", "rate", "--series-1"]]}
        format={rateText}
      />
      <Chart
        mesh={mesh}
        host={host}
        title="Errors"
        unit="share of requests"
        metrics={[["error_rate", "errors", "--bad"]]}
        format={percentText}
        least={0.05}
      />
      <Chart
        mesh={mesh}
        host={host}
        title="Latency"
        unit=""
        metrics={[
          ["p50", "p50", "--series-2"],
          ["p95", "p95", "--series-1"],
          ["p99", "p99", "--series-3"],
        ]}
        format={durationText}
      />
      <VersionChart mesh={mesh} host={host} />
    </div>
  );
}

interface ChartProps {
  mesh: string;
  host: string;
  title: string;
  unit: string;
  metrics: [metric: string, label: string, colour: string][];
  format: (value: number | null) => string;
  least?: number;
}

function Chart({ mesh, host, title, unit, metrics, format, least = 0 }: ChartProps) {
  const [range] = useTimeRange();
  const [{ vs }] = usePageSearch();
  // Hooks in a loop are sound here: a chart's metrics never change in number.
  const answers = metrics.map(([metric]) => useSeries(mesh, range, { metric, service: host }));
  const shift = vs === undefined ? undefined : comparisons[vs]?.(range);
  const earlier = useEarlier(mesh, range, { metric: metrics.at(-1)![0], service: host }, shift);
  const broken = answers.find((answer) => answer.error && !answer.data);
  const results = answers.map((answer) => answer.data);
  const lines = useMemo(() => {
    const drawn = results.map((result, index): ChartLine => {
      const [, label, colour] = metrics[index]!;
      return { label, colour: `var(${colour})`, values: settled(result?.series[0]?.values, range) };
    });
    if (earlier)
      drawn.push({
        label: `${metrics.at(-1)![1]} ${vs}`,
        colour: "var(--series-others)",
        values: earlier.series[0]?.values ?? [],
        dashed: true,
      });
    return drawn;
    // The answers' identities say when there is something new to draw.
  }, [...results, earlier, vs, range]);
  if (broken) return <Broken error={broken.error} retry={() => void broken.refetch()} />;
  return (
    <LineChart
      title={title}
      unit={unit}
      times={timesOf(results.find((result) => result !== undefined))}
      lines={lines}
      format={format}
      least={least}
      asked={metrics.map(([metric]) => `series?metric=${metric}&service=${host}`).join("\n")}
    />
  );
}

function VersionChart({ mesh, host }: { mesh: string; host: string }) {
  const [range] = useTimeRange();
  const { data } = useSeries(mesh, range, {
    metric: "rate",
    service: host,
    by: "destination_version",
  });
  const bytes = useSeries(mesh, range, { metric: "bytes", service: host });
  const lines = useMemo(
    () =>
      topSeries(data?.series ?? [], seriesColours.length).map((one, index): ChartLine => ({
        label: one.label,
        colour: one.others ? "var(--series-others)" : seriesColours[index]!,
        values: settled(one.values, range),
      })),
    [data, range],
  );
  const byteLines = useMemo<ChartLine[]>(
    () => [
      {
        label: "bytes",
        colour: "var(--series-4)",
        values: settled(bytes.data?.series[0]?.values, range),
      },
    ],
    [bytes.data, range],
  );
  if (lines.length > 1) {
    return (
      <LineChart
        title="Traffic by version"
        unit="requests/s"
        times={timesOf(data)}
        lines={lines}
        format={rateText}
        asked={`series?metric=rate&service=${host}&by=destination_version`}
      />
    );
  }
  return (
    <LineChart
      title="Bytes"
      unit="per second"
      times={timesOf(bytes.data)}
      lines={byteLines}
      format={bytesText}
      asked={`series?metric=bytes&service=${host}`}
    />
  );
}

function useSeries(mesh: string, range: TimeRange, asked: SeriesAsked) {
  return useQuery(seriesQuery(mesh, range, asked));
}

/** The same question over a range that lies `shift` milliseconds earlier. */
function useEarlier(
  mesh: string,
  range: TimeRange,
  asked: SeriesAsked,
  shift: number | undefined,
): SeriesResult | undefined {
  // To the minute, so that a live range does not ask anew with every tick.
  const { from, to } = resolveRange(range, Math.floor(Date.now() / 60_000) * 60_000);
  const past: TimeRange = { kind: "fixed", from: from - (shift ?? 0), to: to - (shift ?? 0) };
  return useQuery({ ...seriesQuery(mesh, past, asked), enabled: shift !== undefined }).data;
}

/** The last step of a live range is still filling, and would look like a fall. */
function settled(values: (number | null)[] | undefined, range: TimeRange): (number | null)[] {
  if (!values) return [];
  return range.kind === "live" ? [...values.slice(0, -1), null] : values;
}

function timesOf(result: SeriesResult | undefined): number[] {
  if (!result) return [];
  const start = Date.parse(result.from) / 1000;
  const count = result.series[0]?.values.length ?? 0;
  return Array.from({ length: count }, (_, step) => start + (step * result.stepMs) / 1000);
}
