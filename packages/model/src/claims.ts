/** Claims of JSON Web Tokens, by the names that lead to them from the outermost in. */

/** What a match of headers says in the place of a header's name. */
const IN_THE_PLACE_OF_A_HEADER = /^@request\.auth\.claims(?:\.(.+)|(\[.+\]))$/i;

/**
 * Names of a claim that may be nested, `a.b`, or `[a][b]` where dots are part of a name. Undefined where one of them is empty.
 */
export function claimPath(claim: string): readonly string[] | undefined {
  const bracketed = claim.startsWith("[") && claim.endsWith("]");
  const names = bracketed ? claim.slice(1, -1).split("][") : claim.split(".");
  return names.includes("") ? undefined : names;
}

/**
 * The claim that a match asks for as if it were a header, `@request.auth.claims.a.b` or `@request.auth.claims[a][b]`;
 * undefined for the name of a header.
 */
export function matchedClaim(name: string): readonly string[] | undefined {
  const [, dotted, bracketed] = IN_THE_PLACE_OF_A_HEADER.exec(name) ?? [];
  const claim = dotted ?? bracketed;
  return claim === undefined ? undefined : claimPath(claim);
}
