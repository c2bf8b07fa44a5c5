/** Certificate requests (PKCS #10): made by who holds the key, and read with proof of that. */

import { Pkcs10CertificateRequest, Pkcs10CertificateRequestGenerator } from "./x509.ts";
import { P256_SHA256 } from "./keys.ts";
import { PkiError } from "./pki-error.ts";
import { spiffeSubject } from "./subject.ts";

/** At most so many DNS names in a request: an agent has a few, and each makes an intermediate's constraints longer. */
const MAX_DNS_NAMES = 16;
/** RFC 1123, in lower case, without wildcards; 253 characters at most. */
const DNS_NAME =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** A request in PEM for an identity, and for DNS names beside it, signed by its key. */
export async function createRequest(
  keys: CryptoKeyPair,
  spiffeId: string,
  dnsNames: readonly string[] = [],
): Promise<string> {
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: P256_SHA256,
    extensions: [spiffeSubject([spiffeId], dnsNames)],
  });
  return request.toString("pem");
}

export interface ReadRequest {
  readonly publicKey: CryptoKey;
  /** What it asks to be; who issues decides whether it may. */
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
}

/**
 * Reads a request and checks that its signer holds the key. Throws `HDL7101`, `HDL7102` for another kind of key, and `HDL7108`
 * for DNS names that are none or too many.
 */
export async function readRequest(pem: string): Promise<ReadRequest> {
  let request: Pkcs10CertificateRequest;
  let sound: boolean;
  try {
    request = new Pkcs10CertificateRequest(pem);
    sound = await request.verify();
  } catch (error) {
    throw new PkiError("HDL7101", "The certificate request cannot be read.", error);
  }
  if (!sound)
    throw new PkiError("HDL7101", "The certificate request is not signed by its own key.");
  const { name, namedCurve } = request.publicKey.algorithm as EcKeyAlgorithm;
  if (name !== "ECDSA" || namedCurve !== "P-256")
    throw new PkiError(
      "HDL7102",
      `The certificate request has a key of ${name} ${namedCurve ?? ""}.`,
    );
  const names = namesOf(request);
  const of = (wanted: string) =>
    names.filter(({ type }) => type === wanted).map(({ value }) => value);
  const dnsNames = of("dns");
  const bad = dnsNames.find((name) => !DNS_NAME.test(name));
  if (bad !== undefined)
    throw new PkiError("HDL7108", `The certificate request names ${JSON.stringify(bad)}.`);
  if (dnsNames.length > MAX_DNS_NAMES)
    throw new PkiError("HDL7108", `The certificate request has ${dnsNames.length} DNS names.`);
  return { publicKey: await request.publicKey.export(), uris: of("url"), dnsNames };
}

/** Its subject alternative names. */
function namesOf(
  request: Pkcs10CertificateRequest,
): readonly { readonly type: string; readonly value: string }[] {
  const found = request.extensions.find((extension) => extension.type === "2.5.29.17");
  if (!found || !("names" in found)) return [];
  return (found as { names: { items: readonly { type: string; value: string }[] } }).names.items;
}
