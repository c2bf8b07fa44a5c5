/**
 * How a mesh goes from one authority to another under traffic: a pure state machine. First both roots are trusted, then all is issued
 * from the new one, then the old one is withdrawn; each step waits until every proxy has followed the one before. To abort is to
 * turn around: the same steps lead back from wherever it is.
 */

/**
 * - `trusting`: the new root is announced; all is still issued from the old one.
 * - `reissuing`: all is issued from the new one; the old one is still trusted.
 * - `withdrawing`: the old root is trusted no longer.
 */
export type RotationStep = "trusting" | "reissuing" | "withdrawing";

/** From one authority to another, by their ids. */
export interface Rotation {
  readonly from: string;
  readonly to: string;
  readonly step: RotationStep;
}

export interface InForce {
  /** Whose authority signs. */
  readonly issuer: string;
  /** Whose roots are trusted, the newest first. */
  readonly trusted: readonly string[];
}

/** What a step puts in force. */
export function inForce({ from, to, step }: Rotation): InForce {
  if (step === "withdrawing") return { issuer: to, trusted: [to] };
  return { issuer: step === "trusting" ? from : to, trusted: [to, from] };
}

/** What comes when everybody has followed; undefined: nothing, it is finished. */
export function afterStep(step: RotationStep): RotationStep | undefined {
  return { trusting: "reissuing", reissuing: "withdrawing", withdrawing: undefined }[step] as
    | RotationStep
    | undefined;
}

/**
 * The way back. Before anything was issued from the new root that one can go at once; where the old one may be distrusted already, it
 * has to be trusted everywhere first.
 */
export function reversed({ from, to, step }: Rotation): Rotation {
  const back = {
    trusting: "withdrawing",
    reissuing: "reissuing",
    withdrawing: "trusting",
  } as const;
  return { from: to, to: from, step: back[step] };
}

/** What a proxy has acknowledged. Roots are named by their fingerprints. */
export interface HeldTrust {
  /** Those that it trusts; undefined: it verifies nobody. */
  readonly roots?: readonly string[] | undefined;
  /** The one that its certificate leads to; undefined: it has none. */
  readonly issuer?: string | undefined;
  /** Something newer is on its way to it. */
  readonly pending: boolean;
}

/** An agent, or one of its replicas, as the plane knows it. */
export interface Follower {
  readonly agent: string;
  readonly connected: boolean;
  /** Whether its version says what its proxies trust. */
  readonly able: boolean;
  /** Undefined: it has not said yet. */
  readonly said:
    | {
        /** Names what is in force with it, as the plane has named it; undefined: nothing yet. */
        readonly version?: string | undefined;
        /** The root that it signs from; undefined: it has signed nothing. */
        readonly issuer?: string | undefined;
        /** Those by which everybody who connects to it verifies it. */
        readonly roots: readonly string[];
        /** Names of proxies that were connected and are not back yet. */
        readonly missing: readonly string[];
      }
    | undefined;
  readonly proxies: readonly {
    readonly name: string;
    /** Of its certificate. */
    readonly identity?: string | undefined;
    readonly held?: HeldTrust | undefined;
  }[];
}

/** Who keeps a step from being finished. */
export interface Holder {
  readonly agent: string;
  /** Absent where it is the agent itself. */
  readonly proxy?: string;
  readonly reason: string;
}

/** The fingerprints of both roots; equal where the tenant's root signs both. */
export interface RotationRoots {
  readonly from: string;
  readonly to: string;
}

/** Those who have not followed a step yet; none: it is finished. */
export function holdersOf(
  step: RotationStep,
  roots: RotationRoots,
  followers: readonly Follower[],
): Holder[] {
  return followers.flatMap((follower) => {
    const { agent, connected, able, said, proxies } = follower;
    const holds = (reason: string, proxy?: string): Holder => ({
      ...{ agent, reason },
      ...(proxy === undefined ? {} : { proxy }),
    });
    if (!connected) return [holds("the agent is away")];
    if (!able) return [holds("the agent's version does not say what its proxies trust")];
    if (!said) return [holds("the agent has not said yet what is in force with it")];
    const own = lacks(step, roots, { ...said, pending: false });
    return [
      ...(own ? [holds(`the agent ${own}`)] : []),
      ...said.missing.map((name) => holds("it was connected and is not back yet", name)),
      ...proxies.flatMap(({ name, held }) => {
        const reason = held ? lacks(step, roots, held) : "nothing is known of its certificates";
        return reason ? [holds(reason, name)] : [];
      }),
    ];
  });
}

function lacks(
  step: RotationStep,
  { from, to }: RotationRoots,
  held: HeldTrust,
): string | undefined {
  const { roots, issuer, pending } = held;
  if (pending) return "has not acknowledged what it was sent";
  switch (step) {
    case "trusting":
      if (roots && !roots.includes(to)) return "does not trust the new root yet";
      return roots && !roots.includes(from) ? "does not trust the old root" : undefined;
    case "reissuing":
      return issuer !== undefined && issuer !== to
        ? "still has certificates of the old root"
        : undefined;
    case "withdrawing":
      return from !== to && roots?.includes(from) ? "still trusts the old root" : undefined;
  }
}
