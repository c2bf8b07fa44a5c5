/** Certificate requests (PKCS #10): made by who holds the key, and read with proof of that. */

import { Pkcs10CertificateRequest, Pkcs10CertificateRequestGenerator } from "./x509.ts";
import { P256_SHA256 } from "./keys.ts";
import { PkiError } from "./pki-error.ts";
import { spiffeSubject } from "./subject.ts";

/** A request in PEM for an identity, signed by its key. */
export async function createRequest(keys: CryptoKeyPair, spiffeId: string): Promise<string> {
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: P256_SHA256,
    extensions: [spiffeSubject([spiffeId], [])],
  });
  return request.toString("pem");
}

export interface ReadRequest {
  readonly publicKey: CryptoKey;
  /** What it asks to be; who issues decides whether it may. */
  readonly uris: readonly string[];
}

/** Reads a request and checks that its signer holds the key. Throws `HDL7101`, or `HDL7102` for another kind of key. */
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
  return { publicKey: await request.publicKey.export(), uris: urisOf(request) };
}

function urisOf(request: Pkcs10CertificateRequest): string[] {
  const found = request.extensions.find((extension) => extension.type === "2.5.29.17");
  if (!found || !("names" in found)) return [];
  const { items } = (found as { names: { items: readonly { type: string; value: string }[] } })
    .names;
  return items.filter(({ type }) => type === "url").map(({ value }) => value);
}
