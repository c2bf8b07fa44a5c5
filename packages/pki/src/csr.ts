/** Certificate requests (PKCS #10): made by who holds the key, and read with proof of that. */

import { Pkcs10CertificateRequest, Pkcs10CertificateRequestGenerator } from "./x509.ts";
import { assertCertifiable, signatureOf } from "./keys.ts";
import { DNS_NAME } from "./own-names.ts";
import { PkiError } from "./pki-error.ts";
import { spiffeSubject, subjectNames } from "./subject.ts";

/** At most so many DNS names in a request: an agent has a few, and each makes an intermediate's constraints longer. */
const MAX_DNS_NAMES = 16;
/** A request in PEM for an identity, and for DNS names beside it, signed by its key. */
export async function createRequest(
  keys: CryptoKeyPair,
  spiffeId: string,
  dnsNames: readonly string[] = [],
): Promise<string> {
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: signatureOf(keys.privateKey),
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
 * Reads a request and checks that its signer holds the key. Throws `HDL7101`; `HDL7102` for another kind of key; `HDL7108` for DNS
 * names that are none or too many; and `HDL7110` where it asks for names of another kind, since to leave these out unsaid would
 * give another certificate than was asked for.
 */
export async function readRequest(pem: string): Promise<ReadRequest> {
  const request = parseRequest(pem);
  // Before its signature: to verify one of an enormous key is work that anybody could ask for.
  assertCertifiable(request.publicKey.algorithm);
  if (!(await isSound(request)))
    throw new PkiError("HDL7101", "The certificate request is not signed by its own key.");
  const names = subjectNames(request.extensions);
  const strange = names.find(({ type }) => type !== "url" && type !== "dns");
  if (strange)
    throw new PkiError(
      "HDL7110",
      `The certificate request names ${JSON.stringify(strange.value)}, of kind ${strange.type}.`,
    );
  const of = (wanted: string) =>
    names.filter(({ type }) => type === wanted).map(({ value }) => value);
  const dnsNames = of("dns");
  assertDnsNames(dnsNames);
  return { publicKey: await request.publicKey.export(), uris: of("url"), dnsNames };
}

function parseRequest(pem: string): Pkcs10CertificateRequest {
  try {
    return new Pkcs10CertificateRequest(pem);
  } catch (error) {
    throw new PkiError("HDL7101", "The certificate request cannot be read.", error);
  }
}

/** Whether its own key has signed it, by a hash that nobody can collide. */
async function isSound(request: Pkcs10CertificateRequest): Promise<boolean> {
  if (/SHA-1$|MD5/i.test(request.signatureAlgorithm.hash?.name ?? "")) return false;
  try {
    return await request.verify();
  } catch {
    return false;
  }
}

function assertDnsNames(dnsNames: readonly string[]): void {
  const bad = dnsNames.find((name) => !DNS_NAME.test(name));
  if (bad !== undefined)
    throw new PkiError("HDL7108", `The certificate request names ${JSON.stringify(bad)}.`);
  if (dnsNames.length > MAX_DNS_NAMES)
    throw new PkiError("HDL7108", `The certificate request has ${dnsNames.length} DNS names.`);
}
