/** RateLimit of heddle.dev: how many requests workloads and gateways take, from whom, in what time. */
import type { WorkloadSelector } from "./destination.ts";
import type { PresentMatch, StringMatch } from "./virtual-service.ts";

export interface RateLimit {
  /** Sidecars and gateways by their pods' labels. Absent: the namespace's, or from the root namespace the mesh's. */
  readonly selector?: WorkloadSelector;
  /** Each counts by itself; a request is refused when any of them has run out. */
  readonly limits: readonly Limit[];
  /** For global limits, while no agent can be asked; ALLOW where it is left out. */
  readonly onFailure?: "ALLOW" | "DENY";
}

export interface Limit {
  /** In statistics and logs; the position in the list without it. */
  readonly name?: string;
  /** Requests that are counted; all without it. */
  readonly match?: LimitMatch;
  /** Each combination of values has a count of its own; a request without one of them is not counted. */
  readonly by?: readonly LimitKey[];
  /** Requests let through in `per`, at least 1. */
  readonly requests: number;
  /** A duration; in whole seconds for a global limit, at least 50 ms for a local one. */
  readonly per: string;
  /** LOCAL counts in each proxy by itself, GLOBAL over all proxies of the mesh. LOCAL where it is left out. */
  readonly scope?: "LOCAL" | "GLOBAL";
  /** Local limits only: the most that may come at once; `requests` where it is left out. */
  readonly burst?: number;
  /** Counts and reports, and refuses nothing. */
  readonly shadow?: boolean;
}

/** All that is there must hold. */
export interface LimitMatch {
  readonly path?: StringMatch;
  readonly method?: StringMatch;
  readonly authority?: StringMatch;
  readonly headers?: Readonly<Record<string, StringMatch | PresentMatch>>;
  /** At a gateway: the name of the route that the request takes, as VirtualService's `http[].name`. */
  readonly route?: string;
}

/** Exactly one of them. */
export interface LimitKey {
  readonly header?: string;
  readonly queryParameter?: string;
  /** ADDRESS: the client's; PRINCIPAL: the identity of its certificate, where mutual TLS gives it one. */
  readonly source?: "ADDRESS" | "PRINCIPAL";
  /** Of a token that a RequestAuthentication has found valid: text, under a name such as `sub`, `a.b` or `[a][b]`. */
  readonly claim?: string;
}
