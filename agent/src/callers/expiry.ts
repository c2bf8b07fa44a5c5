/** A stream lasts as long as the token it began with: Envoy presents the file's token of the time when it begins another. */
import type { Caller } from "./callers.ts";

/**
 * Streams end in this last part of their token's life, each at another moment. Kubernetes has renewed the token by then: at four
 * fifths, and a minute or two later the file has it.
 */
const LAST_PART = 0.05;
/** Longer timers end at once. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/** Calls back before the caller's token expires; returns how to forget about it. Never for who has none. */
export function beforeExpiry(caller: Caller | undefined, end: () => void): () => void {
  if (caller === undefined) return () => {};
  const { issuedAt, expiresAt } = caller;
  const early = (expiresAt - issuedAt) * LAST_PART * Math.random();
  const left = expiresAt - Date.now();
  // One that comes with its token's last moments has them.
  const after = left - early > 0 ? left - early : left;
  const timer = setTimeout(end, Math.min(Math.max(0, after), MAX_TIMEOUT));
  timer.unref();
  return () => clearTimeout(timer);
}
