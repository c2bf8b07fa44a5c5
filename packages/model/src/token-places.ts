/** Where tokens are looked for in requests. */
import type { JWTRule } from "./kinds/request-authentication.ts";

/** Where a rule looks that says nothing of it (RFC 6750, sections 2.1 and 2.3). */
const DEFAULT_PLACES: readonly string[] = ["header authorization", "parameter access_token"];

/** As text: rules that have one in common look at the same token. */
export function tokenPlaces({
  fromHeaders = [],
  fromParams = [],
  fromCookies = [],
}: JWTRule): readonly string[] {
  const places = [
    ...fromHeaders.map(({ name }) => `header ${name.toLowerCase()}`),
    ...fromParams.map((name) => `parameter ${name}`),
    ...fromCookies.map((name) => `cookie ${name}`),
  ];
  return places.length > 0 ? places : DEFAULT_PLACES;
}
