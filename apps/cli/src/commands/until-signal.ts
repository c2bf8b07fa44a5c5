/** Waits for the word to end: Ctrl-C, SIGTERM, or a terminal that is closed. */

/**
 * One Ctrl-C comes several times: the terminal signals every process of the group, and each launcher among them (npm, ./heddle)
 * passes it on. What comes within this time of the first is the same one, in milliseconds.
 */
const SAME_CTRL_C_MS = 1_000;
/** 128 and the number of SIGINT, as shells say it. */
export const INTERRUPTED = 130;

/** Resolves at the first signal. A later one, which is no echo of the first, ends the process at once with 130. */
export function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        const now = performance.now();
        if (first !== undefined && now - first > SAME_CTRL_C_MS) process.exit(INTERRUPTED);
        if (first !== undefined) return;
        first = now;
        // A terminal that was closed takes no more words; that must not cut the end short, whatever it would do otherwise.
        for (const stream of [process.stdout, process.stderr])
          stream.removeAllListeners("error").on("error", () => {});
        resolve();
      });
    }
  });
}

export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
}
