/** A request or connection as far as it is known, and what decides whether a workload takes it. */

/** What is left out nobody knows: rules that ask for it neither match nor fail. */
export interface AccessQuestion {
  /** Of the workload: its own or its service's. */
  readonly port: number;
  /** Without it: what the port's protocol says, or what else is known of it. */
  readonly layer?: "http" | "tcp" | undefined;
  /** SPIFFE URI in the caller's certificate; null: it comes in plaintext. */
  readonly principal?: string | null | undefined;
  readonly method?: string | undefined;
  /** With its query. */
  readonly path?: string | undefined;
  readonly host?: string | undefined;
  /** All others, names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Of a valid token; null: there is none. */
  readonly claims?: Readonly<Record<string, unknown>> | null | undefined;
  /** Where the connection comes from. */
  readonly sourceAddress?: string | undefined;
  /** Where its client is, as proxies before have told; `sourceAddress` where it is left out. */
  readonly remoteAddress?: string | undefined;
  readonly destinationAddress?: string | undefined;
  /** The server that the client names in its TLS (SNI). */
  readonly serverName?: string | undefined;
}

/** The same of a workload by its name, or that of one of its pods. */
export interface WorkloadAccessQuestion extends AccessQuestion {
  readonly namespace: string;
  readonly workload: string;
}

/** `depends`: on what is not known, or on what a server says that is asked. */
export type AccessOutcome = "passes" | "refused" | "depends";

export interface AccessExplanation {
  readonly layer: "http" | "tcp";
  /** The workload's own. */
  readonly port: number;
  readonly outcome: AccessOutcome;
  /** The step that refuses, or the first that it depends on: its place in `steps`. */
  readonly decidedBy?: number | undefined;
  /** In the order in which a proxy takes them, up to the one that refuses. */
  readonly steps: readonly AccessStep[];
}

/** What looks at a request, in this order. */
export const ACCESS_CHECKS = [
  "mutual TLS",
  "request validation",
  "custom authorization",
  "request authentication",
  "audit",
  "deny",
  "allow",
] as const;

export type AccessCheck = (typeof ACCESS_CHECKS)[number];

export interface AccessStep {
  readonly check: AccessCheck;
  readonly outcome: AccessOutcome;
  /** Its policies are tried out: nothing depends on the outcome. */
  readonly dryRun?: boolean | undefined;
  /** In a sentence. */
  readonly reason: string;
  /** Keys `group/Kind/namespace/name` of the objects that say so, and of those that could have. */
  readonly objects: readonly string[];
  /** The rule by which the outcome is what it is; rules are counted from 0. */
  readonly rule?: { readonly policy: string; readonly rule: number } | undefined;
  /** What came of each rule, those that decide or came nearest first. */
  readonly rules?: readonly AccessRule[] | undefined;
  readonly remedy?: string | undefined;
}

export interface AccessRule {
  /** `namespace/name`. */
  readonly policy: string;
  readonly rule: number;
  readonly matches: "yes" | "no" | "unknown";
  /** What of it does not hold, or is not known, of those of its alternatives that come nearest. */
  readonly missing: readonly AccessTerm[];
  /** Fields that have no meaning for connections: a rule that allows is left out, another is for more than it says. */
  readonly unjudged: readonly string[];
}

export interface AccessTerm {
  /** `source.principals`, `operation.paths`, `when request.headers[x-team]`. */
  readonly field: string;
  readonly wants: readonly string[];
  readonly not: readonly string[];
  /** What the request has; null where nobody knows. */
  readonly has: readonly string[] | null;
}
