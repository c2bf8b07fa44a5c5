/** Who reads a signal, straight from the graph that `@preact/signals-core` keeps: nothing has to be recorded for it. */
import { Effect, effect, signal, type Signal } from "@preact/signals-core";

/**
 * As in `watcher.ts`, the published build shortens names: a signal's first reader, and of each place in that list the reader
 * and the next place. Only readers that are watched themselves stand there.
 */
const NAMES = [
  { first: "t", reader: "t", next: "x" },
  { first: "_targets", reader: "_target", next: "_nextTarget" },
] as const;

type Fields = Readonly<Record<string, unknown>>;
const names = namesOf();

/** Computed values and effects that have read the signal when they ran last. */
export function* readersOf(read: object): Generator<object> {
  let place = (read as Fields)[names.first] as Fields | undefined;
  for (; place !== undefined; place = place[names.next] as Fields | undefined) {
    yield place[names.reader] as object;
  }
}

/** Everything that depends on one of these signals, straight or through others. */
export function dependentsOf(signals: Iterable<object>): Set<object> {
  const reached = new Set<object>();
  const open = [...signals];
  for (let each = open.pop(); each !== undefined; each = open.pop()) {
    for (const reader of readersOf(each)) {
      if (reached.has(reader)) continue;
      reached.add(reader);
      if (!(reader instanceof Effect)) open.push(reader);
    }
  }
  return reached;
}

function namesOf(): (typeof NAMES)[number] {
  const probe: Signal<number> = signal(0);
  const stop = effect(() => void probe.value);
  const found = NAMES.find(({ first, reader }) => {
    const place = (probe as unknown as Fields)[first] as Fields | undefined;
    return place?.[reader] instanceof Effect;
  });
  stop();
  if (found) return found;
  throw new Error(
    "@preact/signals-core keeps its readers elsewhere: pin the version that package.json names",
  );
}
