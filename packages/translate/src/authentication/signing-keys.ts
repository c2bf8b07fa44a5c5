/** The keys of a token's issuer as the translation knows them: where they are, and what has come of fetching them. */
import { type JWTRule, signingKeys } from "@heddle/model";

/** Fetched and checked by whoever runs the translator: Envoy never fetches. */
export type SigningKeysState =
  | {
      readonly state: "ready";
      /** A JSON Web Key Set. */
      readonly jwks: string;
    }
  /** They cannot be had, and never were; whoever fetched them tells why. */
  | { readonly state: "failed" };

export interface KeySource {
  readonly url: string;
  /** The URL is an issuer's, which is asked where its keys are (OpenID Connect Discovery 1.0, section 4). */
  readonly discovered: boolean;
}

/** Undefined for a rule that brings its keys, and for one that does not say where they are. */
export function keySource({ issuer, jwksUri, jwks }: JWTRule): KeySource | undefined {
  if (jwks) return undefined;
  if (jwksUri) return { url: jwksUri, discovered: false };
  return issuer && /^https?:\/\//i.test(issuer) ? { url: issuer, discovered: true } : undefined;
}

/** Rules with equal keys share what is fetched. */
export function keySourceName({ url, discovered }: KeySource): string {
  return `${discovered ? "issuer" : "keys"} ${url}`;
}

/** What Envoy takes for a set without any keys: whatever is signed is refused. Of an empty set it would complain. */
const NO_KEYS = "";

/** Of a rule, by what is known of its source; undefined while that is on its way. */
export function keysOf(
  rule: JWTRule,
  known: (name: string) => SigningKeysState | undefined,
): string | undefined {
  // A secret that somebody wrote down is theirs to use; one that was published is nobody's.
  if (rule.jwks) return jwksText(signingKeys(rule.jwks, { shared: true })?.keys ?? []);
  const source = keySource(rule);
  if (source === undefined) return NO_KEYS;
  const state = known(keySourceName(source));
  return state?.state === "failed" ? NO_KEYS : state?.jwks;
}

function jwksText(keys: readonly unknown[]): string {
  return keys.length === 0 ? NO_KEYS : JSON.stringify({ keys });
}
