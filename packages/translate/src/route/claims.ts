/** Matches of a token's claims, which the filter that checks tokens leaves in a request's metadata. */
import type { MetadataMatcher, ValueMatcher } from "@heddle/envoy/type/matcher/v3";
import { tokenClaim } from "../filter/token-claim.ts";
import { type StringMatch, stringMatcher } from "./string-match.ts";

/** `claim` has the names that lead to it. A claim that is a list has the value if one of its items has. */
export function claimMatcher(claim: readonly string[], match: StringMatch): MetadataMatcher {
  return tokenClaim(claim, valueMatcher(match));
}

function valueMatcher(match: StringMatch): ValueMatcher {
  const matcher = stringMatcher(match);
  if (matcher === undefined) return { presentMatch: true };
  return {
    orMatch: {
      valueMatchers: [{ stringMatch: matcher }, { listMatch: { oneOf: { stringMatch: matcher } } }],
    },
  };
}
