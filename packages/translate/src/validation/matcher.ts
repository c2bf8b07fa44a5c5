/** Envoy's trees of matchers: predicates over a request, and what follows from the first that holds. */
import type {
  CelMatcher,
  HttpAttributesCelMatchInput,
  Matcher,
  Matcher_MatcherList_Predicate,
  Matcher_OnMatch,
  StringMatcher,
} from "@heddle/envoy/xds/type/matcher/v3";
import type { FilterStateInput } from "@heddle/envoy/extensions/matching/common_inputs/network/v3";
import type { HttpRequestHeaderMatchInput } from "@heddle/envoy/type/matcher/v3";
import type { StringMatch } from "@heddle/model";
import { stringMatcher } from "../route/string-match.ts";
import { extension } from "../typed-config.ts";
import type { Expression } from "./cel.ts";

export type Predicate = Matcher_MatcherList_Predicate;
export type OnMatch = Matcher_OnMatch;
export type Case = readonly [when: Predicate, then: OnMatch];

/** The first case that holds; `otherwise` where none does. */
export function firstOf(cases: readonly Case[], otherwise?: OnMatch): Matcher {
  const matchers = cases.map(([predicate, onMatch]) => ({ predicate, onMatch }));
  return {
    ...(matchers.length > 0 ? { matcherList: { matchers } } : {}),
    ...(otherwise ? { onNoMatch: otherwise } : {}),
  };
}

export function allOf(predicates: readonly [Predicate, ...Predicate[]]): Predicate {
  const [first, ...rest] = predicates;
  return rest.length === 0 ? first : { andMatcher: { predicate: predicates } };
}

export function anyOf(predicates: readonly [Predicate, ...Predicate[]]): Predicate {
  const [first, ...rest] = predicates;
  return rest.length === 0 ? first : { orMatcher: { predicate: predicates } };
}

export function not(predicate: Predicate): Predicate {
  return { notMatcher: predicate };
}

export function holds(expression: Expression): Predicate {
  return {
    singlePredicate: {
      input: extension<HttpAttributesCelMatchInput>(
        "request",
        "xds.type.matcher.v3.HttpAttributesCelMatchInput",
        {},
      ),
      customMatch: extension<CelMatcher>("expression", "xds.type.matcher.v3.CelMatcher", {
        exprMatch: { celExprParsed: { expr: expression } },
      }),
    },
  };
}

/** Undefined for a match of everything. */
export function header(name: string, match: StringMatch): Predicate | undefined {
  return of(
    extension<HttpRequestHeaderMatchInput>(
      name,
      "envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
      { headerName: name },
    ),
    match,
  );
}

/** Of what a filter has put aside as text. Undefined for a match of everything. */
export function filterState(key: string, match: StringMatch): Predicate | undefined {
  return of(
    extension<FilterStateInput>(
      key,
      "envoy.extensions.matching.common_inputs.network.v3.FilterStateInput",
      { key },
    ),
    match,
  );
}

function of(input: ReturnType<typeof extension>, match: StringMatch): Predicate | undefined {
  const matcher = stringMatcher(match);
  if (matcher === undefined) return undefined;
  const { safeRegex, ...rest } = matcher;
  const valueMatch: StringMatcher = safeRegex
    ? { safeRegex: { googleRe2: {}, regex: safeRegex.regex ?? "" } }
    : (rest as StringMatcher);
  return { singlePredicate: { input, valueMatch } };
}
