/** A time chart: at most five lines, a crosshair shared by all charts of the page, and a drag that sets the range for all. */
import { useEffect, useRef, useState } from "react";
import "./browser-language.ts";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useTimeRange } from "../route/page-search.ts";
import { useShownTheme } from "../shell/theme.ts";
import { draggedRange } from "../time/range.ts";
import { resolveColour } from "./chart-colours.ts";
import "./chart.css";

export interface ChartLine {
  label: string;
  /** A CSS colour. */
  colour: string;
  values: readonly (number | null)[];
  /** An earlier range drawn for comparison. */
  dashed?: boolean;
}

interface LineChartProps {
  title: string;
  /** Unit of the axis, beside the title. */
  unit: string;
  /** Seconds since 1970, one a value. */
  times: readonly number[];
  lines: readonly ChartLine[];
  format: (value: number | null) => string;
  height?: number;
  /** The axis reaches at least up to this, so that small noise does not look like a storm. */
  least?: number;
  /** The question behind the numbers, shown on hover. */
  asked: string;
}

const SYNC_KEY = "page";

export function LineChart({
  title,
  unit,
  times,
  lines,
  format,
  height = 148,
  least = 0,
  asked,
}: LineChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const [cursor, setCursor] = useState<number | null>(null);
  const [, setRange] = useTimeRange();
  const theme = useShownTheme();
  const shape = lines
    .map((line) => `${line.label} ${line.colour} ${line.dashed ?? false}`)
    .join("|");
  const latest = useRef({ times, lines, format, setRange, least });
  latest.current = { times, lines, format, setRange, least };

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const options = chartOptions(element.clientWidth, height, latest, setCursor);
    const made = new uPlot(options, chartData(latest.current.times, latest.current.lines), element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
    // A chart is made again only when its lines are others or the theme turns; values go in by setData.
  }, [shape, theme, height]);
  useEffect(() => {
    plot.current?.setData(chartData(times, lines));
  }, [times, lines]);

  const at = cursor ?? lastWithValue(lines);
  return (
    <figure className="chart card">
      <figcaption className="chart__head" title={asked}>
        <h3>
          {title} <span className="muted">{unit}</span>
        </h3>
        <ul className="chart__legend num">
          {lines.map((line) => (
            <li key={line.label}>
              <i
                style={{
                  background: line.dashed ? "none" : line.colour,
                  border: line.dashed ? `1px dashed ${line.colour}` : "0",
                }}
              />
              <span className="muted">{line.label}</span> {format(line.values[at] ?? null)}
            </li>
          ))}
        </ul>
      </figcaption>
      <div
        ref={host}
        className="chart__canvas"
        style={{ height }}
        role="img"
        aria-label={`${title}: ${lines.map((line) => `${line.label} ${format(line.values[at] ?? null)}`).join(", ")}`}
      />
    </figure>
  );
}

type Latest = {
  current: {
    times: readonly number[];
    lines: readonly ChartLine[];
    format: LineChartProps["format"];
    setRange: ReturnType<typeof useTimeRange>[1];
    least: number;
  };
};

function chartOptions(
  width: number,
  height: number,
  latest: Latest,
  setCursor: (index: number | null) => void,
): uPlot.Options {
  const muted = resolveColour("var(--muted)");
  const grid = { stroke: resolveColour("var(--line)"), width: 1 };
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return {
    width,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: SYNC_KEY, setSeries: false },
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
      y: false,
    },
    scales: {
      y: { range: (_, _low, high) => [0, Math.max(high * 1.12, latest.current.least) || 1] },
    },
    axes: [
      {
        stroke: muted,
        font,
        grid: { show: false },
        ticks: { show: false },
        size: 24,
        space: 72,
        values: (_, splits) => splits.map(clock),
      },
      {
        stroke: muted,
        font,
        grid,
        ticks: { show: false },
        size: 52,
        space: 36,
        values: (_, splits) => splits.map((value) => latest.current.format(value)),
      },
    ],
    series: [
      {},
      ...latest.current.lines.map((line): uPlot.Series => {
        const series: uPlot.Series = {
          label: line.label,
          stroke: resolveColour(line.colour),
          width: 1.5,
          points: { show: false },
          spanGaps: false,
        };
        if (line.dashed) series.dash = [4, 4];
        return series;
      }),
    ],
    hooks: {
      setCursor: [(made) => setCursor(made.cursor.idx ?? null)],
      setSelect: [
        (made) => {
          const { left, width: drawn } = made.select;
          if (drawn < 4) return;
          const range = draggedRange(
            made.posToVal(left, "x") * 1000,
            made.posToVal(left + drawn, "x") * 1000,
          );
          made.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          if (range) latest.current.setRange(range);
        },
      ],
    },
  };
}

function chartData(times: readonly number[], lines: readonly ChartLine[]): uPlot.AlignedData {
  return [times as number[], ...lines.map((line) => line.values as (number | null)[])];
}

/** The last step of a live range is still filling; the legend shows the one before where it can. */
function lastWithValue(lines: readonly ChartLine[]): number {
  const length = lines[0]?.values.length ?? 0;
  for (let index = length - 2; index >= 0; index--)
    if (lines.some((line) => line.values[index] !== null && line.values[index] !== undefined))
      return index;
  return length - 1;
}

function clock(seconds: number): string {
  const date = new Date(seconds * 1000);
  const text = date.toTimeString().slice(0, seconds % 60 === 0 ? 5 : 8);
  return text === "00:00"
    ? date.toLocaleDateString("en-GB", { day: "numeric", month: "short" })
    : text;
}
