/** When keys are fetched again. */

/** In milliseconds. */
export interface RefreshTimes {
  /** For a server that says nothing of it. */
  readonly usual: number;
  /** Whatever the server says. */
  readonly least: number;
  readonly most: number;
}

/** Istio's 20 minutes; a key that was taken back counts no longer than an hour. */
export const REFRESH: RefreshTimes = { usual: 1_200_000, least: 60_000, most: 3_600_000 };

/** Milliseconds, by the seconds that the server says its answer is good for. */
export function refreshAfter(maxAge: number | undefined, times: RefreshTimes): number {
  const asked = maxAge === undefined ? times.usual : maxAge * 1000;
  return Math.min(Math.max(asked, times.least), times.most);
}
