/** Counts requests in windows of fixed length, by key. */

export interface Quota {
  readonly requests: number;
  readonly seconds: number;
}

export interface Verdict {
  readonly allowed: boolean;
  /** Requests left in the window. */
  readonly remaining: number;
  /** Milliseconds until the window ends. */
  readonly resetIn: number;
}

export interface Windows {
  /** `now` in milliseconds of a clock that never goes back. */
  take(key: string, quota: Quota, hits: number, now: number): Verdict;
  /** Goes on where another's count stood by its verdict. */
  continueFrom(key: string, quota: Quota, verdict: Verdict, now: number): void;
  /** Keys that are being counted. */
  readonly size: number;
}

/** Beyond these, windows that have ended are forgotten, then those that began first. */
const MAX_KEYS = 500_000;

/**
 * A key's first window begins with its first request and each next one at the end of the last, so that over any number of
 * windows no more than that number of quotas passes, and no less where enough is asked. Refused requests do not count.
 */
export function createWindows(maxKeys = MAX_KEYS): Windows {
  const windows = new Map<string, { start: number; used: number; readonly length: number }>();

  function makeRoom(now: number): void {
    for (const [key, { start, length }] of windows) {
      if (start + length <= now) windows.delete(key);
    }
    for (const key of windows.keys()) {
      if (windows.size < maxKeys) return;
      windows.delete(key);
    }
  }

  return {
    take(key, { requests, seconds }, hits, now) {
      const length = seconds * 1000;
      let window = windows.get(key);
      if (window === undefined) {
        if (windows.size >= maxKeys) makeRoom(now);
        window = { start: now, used: 0, length };
        windows.set(key, window);
      }
      const passed = Math.floor((now - window.start) / length);
      if (passed > 0) {
        // After a pause the next request begins a window of its own; under load they follow each other without a gap.
        window.start = passed === 1 ? window.start + length : now;
        window.used = 0;
      }
      const allowed = window.used + hits <= requests;
      if (allowed) window.used += hits;
      return {
        allowed,
        remaining: requests - window.used,
        resetIn: window.start + length - now,
      };
    },
    continueFrom(key, { requests, seconds }, { remaining, resetIn }, now) {
      const length = seconds * 1000;
      if (!windows.has(key) && windows.size >= maxKeys) makeRoom(now);
      windows.set(key, { start: now + resetIn - length, used: requests - remaining, length });
    },
    get size() {
      return windows.size;
    },
  };
}
