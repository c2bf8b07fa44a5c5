/** Fetches the keys of an issuer, and makes sure that they are such. */
import { isFields, signingKeys } from "@heddle/model";
import type { KeySource } from "@heddle/translate";
import { followed, type FetchOptions, guardedFetch } from "./guarded-fetch.ts";
import { JwksError } from "./jwks-error.ts";

/** An issuer has a handful; each is tried for a token that names none. */
export const MAX_KEYS = 100;

export interface FetchedKeys {
  /** A JSON Web Key Set of public keys; equal sets are equal texts. */
  readonly jwks: string;
  /** Seconds that the server says they are good for; undefined where it does not. */
  readonly maxAge: number | undefined;
}

/** Throws a `JwksError`. */
export async function fetchKeys(source: KeySource, options: FetchOptions): Promise<FetchedKeys> {
  const place = source.discovered ? await discover(source.url, options) : urlOf(source.url);
  const { url, text, maxAge } = await guardedFetch(place, options);
  const found = signingKeys(text);
  const refuse = (what: string) =>
    new JwksError("HDL7291", `what ${url.href} answers with ${what}`);
  if (found === undefined) throw refuse("is no JSON Web Key Set");
  const { keys, all } = found;
  if (all > MAX_KEYS) throw refuse(`has ${all} keys, and more than ${MAX_KEYS} are nobody's`);
  if (keys.length === 0)
    throw refuse(
      all === 0 ? "has no key" : `has no public key for signatures among its ${all} keys`,
    );
  const texts = keys.map((key) => JSON.stringify(key)).toSorted();
  return { jwks: `{"keys":[${texts.join(",")}]}`, maxAge };
}

/** Where an issuer's keys are: OpenID Connect Discovery 1.0, section 4. */
async function discover(issuer: string, options: FetchOptions): Promise<URL> {
  const start = urlOf(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  const { url, text } = await guardedFetch(start, options);
  const document = parsed(text);
  const jwksUri = isFields(document) ? document["jwks_uri"] : undefined;
  if (typeof jwksUri !== "string")
    throw new JwksError("HDL7293", `what ${url.href} answers with names no jwks_uri`);
  return followed(url, jwksUri);
}

function urlOf(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw new JwksError("HDL7290", `${JSON.stringify(text)} is no URL`);
  return url;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
