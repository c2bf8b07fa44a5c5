/** What differs between two texts, line by line: the shortest edit (Myers, 1986), with unchanged stretches cut short. */

export type DiffLine =
  | {
      kind: "same" | "added" | "removed";
      text: string;
      before: number | undefined;
      after: number | undefined;
    }
  /** Unchanged lines that are not shown. */
  | { kind: "gap"; count: number };

/** Unchanged lines that stay beside a change. */
const CONTEXT = 3;
/** Beyond this many edits the texts have nothing to do with each other, and all of one is replaced by all of the other. */
const MOST_EDITS = 4_000;

/** Counts lines added and removed. */
export function diffCounts(lines: readonly DiffLine[]): { added: number; removed: number } {
  return {
    added: lines.filter((line) => line.kind === "added").length,
    removed: lines.filter((line) => line.kind === "removed").length,
  };
}

/** The difference of two texts; null stands for a text that does not exist. Line numbers count from 1. */
export function diffLines(
  before: string | null,
  after: string | null,
  context = CONTEXT,
): DiffLine[] {
  const old = split(before);
  const young = split(after);
  let start = 0;
  while (start < old.length && start < young.length && old[start] === young[start]) start++;
  let endOld = old.length;
  let endYoung = young.length;
  while (endOld > start && endYoung > start && old[endOld - 1] === young[endYoung - 1]) {
    endOld--;
    endYoung--;
  }
  const lines: DiffLine[] = [];
  const same = (from: number, to: number, shift: number): void => {
    for (let at = from; at < to; at++)
      lines.push({ kind: "same", text: old[at]!, before: at + 1, after: at + 1 + shift });
  };
  same(0, start, 0);
  for (const edit of shortestEdit(old.slice(start, endOld), young.slice(start, endYoung))) {
    if (edit.kind === "removed")
      lines.push({
        kind: "removed",
        text: old[start + edit.old]!,
        before: start + edit.old + 1,
        after: undefined,
      });
    else if (edit.kind === "added")
      lines.push({
        kind: "added",
        text: young[start + edit.young]!,
        before: undefined,
        after: start + edit.young + 1,
      });
    else
      lines.push({
        kind: "same",
        text: old[start + edit.old]!,
        before: start + edit.old + 1,
        after: start + edit.young + 1,
      });
  }
  same(endOld, old.length, endYoung - endOld);
  return shorten(lines, context);
}

function split(text: string | null): string[] {
  if (text === null || text === "") return [];
  return text.replace(/\n$/, "").split("\n");
}

interface Edit {
  kind: "same" | "added" | "removed";
  old: number;
  young: number;
}

function shortestEdit(old: readonly string[], young: readonly string[]): Edit[] {
  const most = old.length + young.length;
  const bound = Math.min(most, MOST_EDITS);
  const trace: Map<number, number>[] = [];
  let furthest = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= bound; edits++) {
    trace.push(new Map(furthest));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const down =
        diagonal === -edits ||
        (diagonal !== edits &&
          (furthest.get(diagonal - 1) ?? -1) < (furthest.get(diagonal + 1) ?? -1));
      let x = down ? (furthest.get(diagonal + 1) ?? 0) : (furthest.get(diagonal - 1) ?? 0) + 1;
      while (x < old.length && x - diagonal < young.length && old[x] === young[x - diagonal]) x++;
      furthest.set(diagonal, x);
      if (x >= old.length && x - diagonal >= young.length)
        return backtrack(trace, old.length, young.length);
    }
    furthest = new Map(furthest);
  }
  return [
    ...old.map((_, at): Edit => ({ kind: "removed", old: at, young: 0 })),
    ...young.map((_, at): Edit => ({ kind: "added", old: old.length, young: at })),
  ];
}

function backtrack(
  trace: readonly Map<number, number>[],
  oldLength: number,
  youngLength: number,
): Edit[] {
  const edits: Edit[] = [];
  let x = oldLength;
  let y = youngLength;
  for (let round = trace.length - 1; round >= 0; round--) {
    const furthest = trace[round]!;
    const diagonal = x - y;
    const down =
      diagonal === -round ||
      (diagonal !== round &&
        (furthest.get(diagonal - 1) ?? -1) < (furthest.get(diagonal + 1) ?? -1));
    const from = down ? diagonal + 1 : diagonal - 1;
    const fromX = round === 0 ? 0 : (furthest.get(from) ?? 0);
    const fromY = round === 0 ? 0 : fromX - from;
    while (x > fromX && y > fromY) edits.push({ kind: "same", old: --x, young: --y });
    if (round === 0) break;
    if (down) edits.push({ kind: "added", old: x, young: --y });
    else edits.push({ kind: "removed", old: --x, young: y });
  }
  return edits.reverse();
}

function shorten(lines: readonly DiffLine[], context: number): DiffLine[] {
  const near = new Set<number>();
  lines.forEach((line, index) => {
    if (line.kind === "same") return;
    for (let at = index - context; at <= index + context; at++) near.add(at);
  });
  const short: DiffLine[] = [];
  lines.forEach((line, index) => {
    if (near.has(index)) {
      short.push(line);
      return;
    }
    const last = short.at(-1);
    if (last?.kind === "gap") last.count++;
    else short.push({ kind: "gap", count: 1 });
  });
  return short;
}
