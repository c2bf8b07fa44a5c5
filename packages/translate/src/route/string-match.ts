/** Istio's string matches as Envoy's. */
import type { StringMatcher } from "@heddle/envoy/type/matcher/v3";

export interface StringMatch {
  readonly exact?: string | undefined;
  readonly prefix?: string | undefined;
  readonly regex?: string | undefined;
}

/** Undefined for a match that only asks for presence: an empty one, or the regular expression `*`. */
export function stringMatcher(match: StringMatch): StringMatcher | undefined {
  if (match.exact !== undefined) return { exact: match.exact };
  // An empty prefix matches everything and Envoy refuses it as a matcher.
  if (match.prefix !== undefined) return match.prefix === "" ? undefined : { prefix: match.prefix };
  if (match.regex !== undefined && match.regex !== "*")
    return { safeRegex: { regex: match.regex } };
  return undefined;
}
