/** The lines on screen: history and what arrived since, in order, without doubles, bounded. */
import type { LogLine } from "@heddle/client";

/** More lines than a person scrolls through; older ones are asked for by range. */
const MOST_LINES = 2_000;

/** Merges lines into a list ordered by time, oldest first. Lines that are there already are not added again. */
export function mergeLines(
  old: readonly LogLine[],
  added: readonly LogLine[],
  most = MOST_LINES,
): LogLine[] {
  if (added.length === 0) return old as LogLine[];
  const known = new Set(old.map(lineKey));
  const fresh: LogLine[] = [];
  for (const line of added) {
    const key = lineKey(line);
    if (known.has(key)) continue;
    known.add(key);
    fresh.push(line);
  }
  if (fresh.length === 0) return old as LogLine[];
  fresh.sort(byTime);
  const last = old.at(-1);
  const inOrder = last === undefined || last.time <= fresh[0]!.time;
  const merged = inOrder ? [...old, ...fresh] : [...old, ...fresh].sort(byTime);
  return merged.length > most ? merged.slice(merged.length - most) : merged;
}

/** Tells lines apart: one request is written by both of its proxies, and several may share a moment. */
export function lineKey(line: LogLine): string {
  const { time, traceId, reporter, source, destination, path, status, durationMs } = line;
  return `${time} ${traceId} ${reporter} ${source.workload} ${destination.workload} ${path} ${status} ${durationMs}`;
}

function byTime(one: LogLine, other: LogLine): number {
  return one.time < other.time ? -1 : one.time > other.time ? 1 : 0;
}
