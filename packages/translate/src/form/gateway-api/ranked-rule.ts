/** Which of several rules of the Gateway API decides where more than one matches a request. */
import type { HttpRule } from "../rule-set.ts";

/** A rule with exactly one match, and what its precedence hangs on. */
export interface RankedRule {
  readonly rule: HttpRule;
  readonly rank: Rank;
}

/** Larger numbers come first, field by field. */
export interface Rank {
  /** Exact, then prefixes of whole segments, then regular expressions, then every path. */
  readonly pathKind: 3 | 2 | 1 | 0;
  /** Characters: of the path, or of the gRPC service. */
  readonly pathLength: number;
  /** Characters of the gRPC method; 1 for any method of HTTP. */
  readonly method: number;
  readonly headers: number;
  readonly queryParams: number;
}

/** Negative where `a` comes first. Ties keep the order of routes, oldest first, and of rules in them. */
export function byRank({ rank: a }: RankedRule, { rank: b }: RankedRule): number {
  return (
    b.pathKind - a.pathKind ||
    b.pathLength - a.pathLength ||
    b.method - a.method ||
    b.headers - a.headers ||
    b.queryParams - a.queryParams
  );
}
