/** Numbers as people read them: three significant digits, the unit beside or in the header. */

/** Marks a value that does not exist, as opposed to zero. */
const nothing = "–";

/** Requests per second without a unit: `0`, `0.42`, `12.3`, `1.2k`. */
export function rateText(rate: number | null | undefined): string {
  return rate === null || rate === undefined ? nothing : shortNumber(rate);
}

/** A share from 0 to 1 as a percentage: `0%`, `0.03%`, `4.2%`, `100%`. Never rounds a failure to 0 %. */
export function percentText(share: number | null | undefined): string {
  if (share === null || share === undefined || Number.isNaN(share)) return nothing;
  const percent = share * 100;
  if (percent === 0) return "0%";
  if (percent < 0.01) return "<0.01%";
  if (percent < 1) return `${percent.toFixed(2).replace(/0$/, "")}%`;
  if (percent < 10) return `${percent.toFixed(1).replace(/\.0$/, "")}%`;
  // 99.96 % is not 100 %: one failure among many must stay visible.
  if (percent > 99.5 && percent < 100) return percent > 99.9 ? ">99.9%" : `${percent.toFixed(1)}%`;
  return `${Math.round(percent)}%`;
}

/** Milliseconds as a duration: `0.4 ms`, `42 ms`, `1.24 s`, `3 min 5 s`. */
export function durationText(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return nothing;
  if (ms === 0) return "0 ms";
  if (ms < 0.001) return `${(ms * 1e6).toFixed(0)} ns`;
  if (ms < 0.1) return `${(ms * 1000).toFixed(ms < 0.01 ? 1 : 0)} µs`;
  if (ms < 10) return `${trim(ms.toFixed(1))} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${trim((ms / 1000).toFixed(ms < 10_000 ? 2 : 1))} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return pair(Math.floor(seconds / 60), "min", seconds % 60, "s");
  if (seconds < 86_400)
    return pair(Math.floor(seconds / 3600), "h", Math.round((seconds % 3600) / 60), "min");
  return pair(Math.floor(seconds / 86_400), "d", Math.round((seconds % 86_400) / 3600), "h");
}

/** Bytes per second in decimal units: `812 B`, `1.4 kB`, `2.2 MB`. */
export function bytesText(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return nothing;
  for (const [size, unit] of [
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "kB"],
  ] as const) {
    if (bytes >= size) return `${trim((bytes / size).toPrecision(3))} ${unit}`;
  }
  return `${Math.round(bytes)} B`;
}

/** How long ago, coarse enough not to flicker: `just now`, `12 s ago`, `4 min ago`, `2 h ago`, `3 d ago`. */
export function agoText(time: string | number, now: number): string {
  const seconds = Math.round((now - (typeof time === "number" ? time : Date.parse(time))) / 1000);
  if (Number.isNaN(seconds)) return nothing;
  if (seconds < 2) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** Local time of day, with the date where it is not today's. */
export function clockText(time: string | number, now: number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return nothing;
  const clock = date.toTimeString().slice(0, 8);
  if (date.toDateString() === new Date(now).toDateString()) return clock;
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${clock}`;
}

/** Names without the part that all of a cluster's hosts share: `reviews.default:9080/reviews/0`. */
export function shortHost(text: string): string {
  return text.replaceAll(".svc.cluster.local", "");
}

/** `1 service`, `2 services`. */
export function countText(count: number, noun: string, plural = `${noun}s`): string {
  return `${shortNumber(count)} ${count === 1 ? noun : plural}`;
}

function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.01) return "<0.01";
  if (size < 1) return trim(value.toFixed(2));
  if (size < 100) return trim(value.toFixed(1));
  if (size < 1000) return `${Math.round(value)}`;
  if (size < 1e6) return `${trim((value / 1e3).toPrecision(3))}k`;
  return `${trim((value / 1e6).toPrecision(3))}M`;
}

function trim(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
