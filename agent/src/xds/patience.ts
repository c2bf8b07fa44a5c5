/** How long anything waits for a client's answer. */

/**
 * How long listeners and routes wait for new clusters to be ready, and a type for an answer, in milliseconds. A client that takes longer
 * is marked by its status; the rest goes on.
 */
export const PATIENCE_MS = 5_000;

/** Whether patience that began at a time (`performance.now()`) has ended. */
export function overdue(since: number): boolean {
  return performance.now() - since >= PATIENCE_MS;
}
