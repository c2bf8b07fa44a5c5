/** Pieces of a text, as UTF-16 offsets: what is found in it and is to be replaced. */

export interface Range {
  readonly start: number;
  /** Behind the last character. */
  readonly end: number;
}

/** In order and apart; those that overlap are one. */
export function joined(ranges: readonly Range[]): readonly Range[] {
  if (ranges.length < 2) return ranges;
  const result: { start: number; end: number }[] = [];
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last && start < last.end) last.end = Math.max(last.end, end);
    else result.push({ start, end });
  }
  return result;
}

/** The ranges of all matches of the first group, or of the whole where there is none. The pattern is global, with indices where it has a group. */
export function* matchesOf(pattern: RegExp, text: string): Generator<Range> {
  for (const match of text.matchAll(pattern)) {
    const [start, end] = match.indices?.[1] ?? [match.index, match.index + match[0].length];
    if (end > start) yield { start, end };
  }
}
