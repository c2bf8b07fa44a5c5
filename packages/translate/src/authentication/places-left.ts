/** Where a token is required there is no room for another issuer's: rules that are OPTIONAL look only in the places that are left. */
import { type JWTRule, tokenPlaces } from "@heddle/model";

/** Rules that have no place left are left out. */
export function inPlacesLeft(rules: readonly JWTRule[]): readonly JWTRule[] {
  const taken = new Set(rules.filter(isRequired).flatMap(tokenPlaces));
  return rules.flatMap((rule) => (isRequired(rule) ? rule : (without(rule, taken) ?? [])));
}

/** A rule that says nothing of places, with them. */
const DEFAULT: JWTRule = {
  fromHeaders: [{ name: "authorization", prefix: "Bearer " }],
  fromParams: ["access_token"],
};

function without(rule: JWTRule, taken: ReadonlySet<string>): JWTRule | undefined {
  if (!tokenPlaces(rule).some((place) => taken.has(place))) return rule;
  const says = [rule.fromHeaders, rule.fromParams, rule.fromCookies].some((each) => each?.length);
  const { fromHeaders = [], fromParams = [], fromCookies = [] } = says ? rule : DEFAULT;
  const left = {
    fromHeaders: fromHeaders.filter(({ name }) => !taken.has(`header ${name.toLowerCase()}`)),
    fromParams: fromParams.filter((name) => !taken.has(`parameter ${name}`)),
    fromCookies: fromCookies.filter((name) => !taken.has(`cookie ${name}`)),
  };
  const isAny = Object.values(left).some(({ length }) => length > 0);
  return isAny ? { ...rule, ...left } : undefined;
}

function isRequired({ presence }: JWTRule): boolean {
  return presence === "REQUIRED";
}
