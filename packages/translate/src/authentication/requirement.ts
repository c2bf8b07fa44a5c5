/** What a request needs of tokens, from the rules that hold together. */
import type { JwtRequirement } from "@heddle/envoy/extensions/filters/http/jwt_authn/v3";
import { type JWTRule, tokenPlaces } from "@heddle/model";

/** A rule under the name that Envoy knows it by. */
export interface NamedRule {
  readonly name: string;
  readonly rule: JWTRule;
}

/**
 * Whatever token is found has to be valid for one of the rules that look in its place, and each rule that is REQUIRED has to
 * find its own. Rules that look in different places are asked one after the other: a good token in one place lets no bad one
 * through in another.
 */
export function requirementOf(rules: readonly NamedRule[]): JwtRequirement {
  // Of several valid tokens the claims of the last one stay: those of the first rule.
  return all(byPlace(rules).toReversed().flatMap(requirementsOfPlace));
}

function requirementsOfPlace(rules: readonly NamedRule[]): readonly JwtRequirement[] {
  const required = rules.filter(({ rule }) => rule.presence === "REQUIRED");
  // Others have been left other places.
  if (required.length > 0) return required.map(valid);
  const none = all(rules.map((each) => any([valid(each), { allowMissing: {} }])));
  return [rules.length === 1 ? none : any([...rules.map(valid), none])];
}

/** Rules that have a place in common, directly or by others, stand together; in the order of the rules. */
function byPlace(rules: readonly NamedRule[]): readonly (readonly NamedRule[])[] {
  const groups: NamedRule[][] = [];
  const left = new Set(rules);
  for (const first of rules) {
    if (!left.delete(first)) continue;
    const group = [first];
    // Grows while it is gone through: what a rule brings in may bring in others.
    for (const { rule } of group) {
      const places = new Set(tokenPlaces(rule));
      for (const other of left)
        if (tokenPlaces(other.rule).some((place) => places.has(place)) && left.delete(other))
          group.push(other);
    }
    groups.push(group);
  }
  return groups;
}

function valid({ name }: NamedRule): JwtRequirement {
  return { providerName: name };
}

function any(requirements: readonly JwtRequirement[]): JwtRequirement {
  return { requiresAny: { requirements } };
}

function all(requirements: readonly JwtRequirement[]): JwtRequirement {
  const [only, ...others] = requirements;
  return only && others.length === 0 ? only : { requiresAll: { requirements } };
}
