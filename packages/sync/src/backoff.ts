/** How long an agent waits before it tries again: full jitter under a ceiling that grows with the outage. */

/** The first wait's ceiling, milliseconds: a plane that was only restarted is back in less than a second. */
const FIRST_CEILING = 100;
/** The ceiling in a short outage, milliseconds: within it an agent must be in step 2 s after the plane is back. */
const SHORT_OUTAGE_CEILING = 1_000;
/** The ceiling never passes this, milliseconds: 10,000 agents then make 667 attempts a second. */
const HIGHEST_CEILING = 30_000;
/** An agent waits at most this share of the outage so far. */
const SHARE_OF_OUTAGE = 1 / 60;
/** The plane answered and refused the token: asking often would not help. Milliseconds. */
const REFUSED_CEILING = 60_000;

export interface Outage {
  /** Attempts that failed since the link last worked. */
  readonly attempts: number;
  /** Milliseconds since the link last worked. */
  readonly lasted: number;
  /** The plane was reached and said no. */
  readonly refused: boolean;
}

/** Milliseconds to wait; `random` is uniform in [0, 1). */
export function backoff({ attempts, lasted, refused }: Outage, random: number): number {
  const steady = Math.min(
    HIGHEST_CEILING,
    Math.max(SHORT_OUTAGE_CEILING, lasted * SHARE_OF_OUTAGE),
  );
  const ceiling = Math.min(
    FIRST_CEILING * 2 ** Math.min(attempts, 20),
    refused ? REFUSED_CEILING : steady,
  );
  return Math.floor(random * ceiling);
}
