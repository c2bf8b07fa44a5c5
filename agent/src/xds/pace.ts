/** When to push: the first change at once, a burst gathered for about as long as the last push took. */

/** A burst is never held back longer than this, in milliseconds. */
const LONGEST_WINDOW_MS = 100;

/** How long the streams are served before I/O gets its turn, in milliseconds. */
const SLICE_MS = 10;

/** Serves items that ask for it, each once however often it asked. */
export interface Pace<T> {
  request(item: T): void;
  forget(item: T): void;
  /** There is room again: those that wait for it are served. */
  goOn(): void;
  close(): void;
}

/** Nobody is served while `mayServe` is false, until `goOn`. */
export function createPace<T>(
  serve: (item: T) => void,
  mayServe: () => boolean = () => true,
): Pace<T> {
  const waiting = new Set<T>();
  let scheduled: { cancel(): void } | undefined;
  let started = 0;
  let notBefore = 0;

  const soon = (delay: number, run: () => void): { cancel(): void } => {
    if (delay <= 0) {
      const handle = setImmediate(run);
      return { cancel: () => clearImmediate(handle) };
    }
    const handle = setTimeout(run, delay);
    return { cancel: () => clearTimeout(handle) };
  };

  const slice = (): void => {
    scheduled = undefined;
    const sliceStart = performance.now();
    started ||= sliceStart;
    for (const item of waiting) {
      if (!mayServe()) return;
      waiting.delete(item);
      serve(item);
      if (performance.now() - sliceStart >= SLICE_MS) break;
    }
    const now = performance.now();
    if (waiting.size > 0) {
      scheduled = soon(0, slice);
    } else {
      notBefore = now + Math.min(LONGEST_WINDOW_MS, now - started);
      started = 0;
    }
  };

  return {
    request(item) {
      waiting.add(item);
      scheduled ??= soon(notBefore - performance.now(), slice);
    },
    goOn() {
      if (waiting.size > 0) scheduled ??= soon(0, slice);
    },
    forget: (item) => void waiting.delete(item),
    close() {
      waiting.clear();
      scheduled?.cancel();
      scheduled = undefined;
    },
  };
}
