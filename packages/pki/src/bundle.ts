/** Trust bundles as trust domains exchange them: SPIFFE Trust Domain and Bundle, section 4, and certificates in PEM. */

import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate,
} from "./x509.ts";
import { NAME_CONSTRAINTS, readNameConstraints } from "./name-constraints.ts";
import { pemOf, splitPem } from "./pem.ts";
import { type PkiCode, PkiError } from "./pki-error.ts";
import { assertTrustDomain } from "./spiffe.ts";
import { subjectNames } from "./subject.ts";

/** A JSON Web Key Set whose keys bring their certificates. JWT-SVIDs are not ours: their keys are left out. */
export interface SpiffeBundle {
  readonly keys: readonly (JsonWebKey & {
    readonly use: "x509-svid";
    readonly x5c: readonly string[];
  })[];
  /** Rises with each change. */
  readonly spiffe_sequence: number;
  /** Seconds after which whoever follows the bundle should ask again. */
  readonly spiffe_refresh_hint: number;
}

/** What somebody may believe of another trust domain. */
export interface TrustDomainBundle {
  /** PEM of the roots, each once, in the order of the document. */
  readonly roots: string;
  /** Undefined where the document has none. */
  readonly sequence: number | undefined;
  /** Seconds; undefined where the document does not say. */
  readonly refreshHint: number | undefined;
}

/** Seconds: within so long a new root is known to all who follow a bundle of ours. */
export const BUNDLE_REFRESH_HINT = 60;
/** Characters; roots have two thousand at most. */
export const MAX_BUNDLE_CHARACTERS = 64 * 1024;
/** A trust domain has one, and two while it goes from one to another; each is pushed to every proxy. */
export const MAX_BUNDLE_ROOTS = 8;

/** The document for roots in PEM. */
export async function writeBundle(
  roots: string,
  { sequence, refreshHint }: { readonly sequence: number; readonly refreshHint: number },
): Promise<SpiffeBundle> {
  const keys = splitPem(roots).map(async (pem) => {
    const certificate = new X509Certificate(pem);
    const key = await crypto.subtle.exportKey("jwk", await certificate.publicKey.export());
    const { kty, crv, x, y, n, e } = key;
    const x5c = [certificate.toString("base64").replaceAll(/\s/g, "")];
    const named = kty === "RSA" ? { n, e } : { crv, x, y };
    return { kty, ...named, use: "x509-svid", x5c } as SpiffeBundle["keys"][number];
  });
  return {
    keys: await Promise.all(keys),
    ...{ spiffe_sequence: sequence, spiffe_refresh_hint: refreshHint },
  };
}

/**
 * Reads a bundle of a trust domain, a SPIFFE document or PEM, as far as proxies may go by it: roots that have expired are left out.
 * `now`: milliseconds since 1970. Throws `HDL7122` for what is no bundle, `HDL7123` for a certificate that is no authority's, `HDL7124`
 * for one of another trust domain, and `HDL7125` where none is valid now.
 */
export function readBundle(
  text: string,
  { trustDomain, now }: { readonly trustDomain: string; readonly now: number },
): TrustDomainBundle {
  assertTrustDomain(trustDomain);
  if (text.length > MAX_BUNDLE_CHARACTERS)
    throw refusal(
      "HDL7122",
      `it has ${text.length} characters; ${MAX_BUNDLE_CHARACTERS} are the most`,
    );
  const document = /^\s*\{/.test(text) ? parseDocument(text) : parsePem(text);
  const roots = new Map<string, X509Certificate>();
  for (const [index, certificate] of document.certificates.entries()) {
    const place = `certificate ${index + 1} of ${document.certificates.length} (${certificate.subject})`;
    assertAuthority(certificate, place);
    assertOf(certificate, trustDomain, place);
    roots.set(pemOf(certificate), certificate);
  }
  if (roots.size > MAX_BUNDLE_ROOTS)
    throw refusal("HDL7122", `it has ${roots.size} roots; ${MAX_BUNDLE_ROOTS} are the most`);
  const valid = [...roots].filter(
    ([, { notBefore, notAfter }]) => notBefore.getTime() <= now && now < notAfter.getTime(),
  );
  if (valid.length === 0) throw refusal("HDL7125", whyNone([...roots.values()], now));
  const { sequence, refreshHint } = document;
  return { roots: valid.map(([pem]) => pem).join(""), sequence, refreshHint };
}

interface Document extends Omit<TrustDomainBundle, "roots"> {
  readonly certificates: readonly X509Certificate[];
}

const refusal = (code: PkiCode, what: string, cause?: unknown) =>
  new PkiError(code, `In the bundle: ${what}.`, cause);

function parsePem(text: string): Document {
  if (/PRIVATE KEY-----/.test(text)) throw refusal("HDL7122", "there is a private key in it");
  const blocks = splitPem(text);
  if (blocks.length === 0)
    throw refusal("HDL7122", "there are neither certificates in PEM nor a SPIFFE document");
  const certificates = blocks.map((block, index) =>
    certificateOf(block, `certificate ${index + 1} of ${blocks.length}`),
  );
  return { certificates, sequence: undefined, refreshHint: undefined };
}

function parseDocument(text: string): Document {
  let document: Readonly<Record<string, unknown>>;
  try {
    document = JSON.parse(text) as typeof document;
  } catch (error) {
    throw refusal("HDL7122", "it is no JSON", error);
  }
  const { keys } = document;
  if (!Array.isArray(keys)) throw refusal("HDL7122", "it has no list `keys`");
  // Section 4.2.2: keys of other uses, or of none, are not for us to judge.
  const own = keys.filter((key) => isFields(key) && key["use"] === "x509-svid");
  if (own.length === 0)
    throw refusal("HDL7122", "none of its keys is for X.509-SVIDs (`use: x509-svid`)");
  return {
    certificates: own.map((key, index) => rootOfKey(key, `key ${index + 1} for X.509-SVIDs`)),
    sequence: wholeNumber(document, "spiffe_sequence"),
    refreshHint: wholeNumber(document, "spiffe_refresh_hint"),
  };
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Section 4.2.3: exactly one certificate. */
function rootOfKey(key: Readonly<Record<string, unknown>>, place: string): X509Certificate {
  const { x5c } = key;
  const [der] = Array.isArray(x5c) ? (x5c as unknown[]) : [];
  if (!Array.isArray(x5c) || x5c.length !== 1 || typeof der !== "string")
    throw refusal("HDL7122", `${place} must have one certificate in x5c`);
  return certificateOf(der, place);
}

function certificateOf(encoded: string, place: string): X509Certificate {
  try {
    return new X509Certificate(encoded);
  } catch (error) {
    throw refusal("HDL7122", `${place} cannot be read as a certificate`, error);
  }
}

function wholeNumber(
  document: Readonly<Record<string, unknown>>,
  name: string,
): number | undefined {
  const value = document[name];
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw refusal("HDL7122", `${name} must be a whole number`);
}

function assertAuthority(certificate: X509Certificate, place: string): void {
  if (!certificate.getExtension(BasicConstraintsExtension)?.ca)
    throw refusal("HDL7123", `${place} is no authority's: its basic constraints lack CA:TRUE`);
  const usage = certificate.getExtension(KeyUsagesExtension);
  if (usage && (usage.usages & KeyUsageFlags.keyCertSign) === 0)
    throw refusal("HDL7123", `${place} is no authority's: its key usage lacks keyCertSign`);
}

/** X509-SVID, section 3.1: an authority may bear the SPIFFE id of its trust domain. */
function assertOf({ extensions }: X509Certificate, trustDomain: string, place: string): void {
  const own = `spiffe://${trustDomain}`;
  const other = subjectNames(extensions).find(
    ({ type, value }) => type === "url" && value.startsWith("spiffe://") && value !== own,
  );
  if (other) throw refusal("HDL7124", `${place} is ${other.value}'s, and not ${own}'s`);
  const constraints = extensions.find(({ type }) => type === NAME_CONSTRAINTS);
  if (constraints && !permits(constraints, trustDomain))
    throw refusal("HDL7124", `${place} does not permit the URI host ${trustDomain}`);
}

function permits(extension: Parameters<typeof readNameConstraints>[0], host: string): boolean {
  try {
    return readNameConstraints(extension).permitsUriHost(host);
  } catch {
    return false;
  }
}

function whyNone(roots: readonly X509Certificate[], now: number): string {
  const ends = roots.map(({ notAfter }) => notAfter.getTime());
  const last = new Date(Math.max(...ends)).toISOString();
  return Math.max(...ends) <= now
    ? `all of its roots have expired, the last one at ${last}`
    : "none of its roots is valid yet";
}
