/** Certificate requests (PKCS #10, RFC 2986): made by who holds the key, and read with proof of that. */

import { PemConverter, Pkcs10CertificateRequestGenerator } from "./x509.ts";
import { type Element, elements, isOid, oid, only, TAG } from "./der.ts";
import { signatureOf } from "./keys.ts";
import { DNS_NAME } from "./own-names.ts";
import { PkiError } from "./pki-error.ts";
import { certifiableKind, importCertifiable } from "./public-keys.ts";
import { ecdsaFromDer, signatureAlgorithm } from "./signatures.ts";
import { spiffeSubject } from "./subject.ts";

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
  const { signed, spki, names, algorithm, signature } = parse(pem);
  await orUnreadable(() => certifiableKind(spki));
  if (!algorithm)
    throw new PkiError(
      "HDL7101",
      "The certificate request is signed by another algorithm than ECDSA or RSA (PKCS #1) with SHA-2.",
    );
  const publicKey = await orUnreadable(() => importCertifiable(spki, algorithm.hash));
  const isSound = await orUnreadable(() => {
    const value = algorithm.name === "ECDSA" ? ecdsaFromDer(signature) : signature;
    if (publicKey.algorithm.name !== algorithm.name) return false;
    return crypto.subtle.verify(algorithm, publicKey, value, signed);
  });
  if (!isSound)
    throw new PkiError("HDL7101", "The certificate request is not signed by its own key.");
  const strange = names.find(({ tag }) => tag !== URI && tag !== DNS);
  if (strange)
    throw new PkiError(
      "HDL7110",
      `The certificate request asks for ${NAME_KINDS[strange.tag & 0x1f] ?? "a name of no kind"}.`,
    );
  const of = (wanted: number) =>
    names.filter(({ tag }) => tag === wanted).map(({ content }) => text.decode(content));
  const dnsNames = of(DNS);
  assertDnsNames(dnsNames);
  return { publicKey, uris: of(URI), dnsNames };
}

const text = new TextDecoder("utf-8", { fatal: true });
/** Tags of general names (RFC 5280, section 4.2.1.6), and what those are that are not certified, by number. */
const [DNS, URI] = [0x82, 0x86];
const NAME_KINDS: Readonly<Record<number, string>> = {
  ...{ 0: "another name", 1: "an e-mail address", 3: "an X.400 address", 4: "a directory name" },
  ...{ 5: "an EDI party", 7: "an IP address", 8: "a registered id" },
};
const EXTENSION_REQUEST = oid("1.2.840.113549.1.9.14");
const SUBJECT_ALTERNATIVE_NAME = oid("2.5.29.17");
const ATTRIBUTES = 0xa0;

interface Parsed {
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly spki: Uint8Array<ArrayBuffer>;
  readonly names: readonly Element[];
  readonly algorithm: ReturnType<typeof signatureAlgorithm>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

function parse(pem: string): Parsed {
  try {
    const request = only(TAG.sequence, new Uint8Array(PemConverter.decodeFirst(pem)));
    const [info, algorithm, signature] = elements(request);
    const [, , key, attributes] = elements(info?.content);
    if (info?.tag !== TAG.sequence || key?.tag !== TAG.sequence || !algorithm)
      throw new RangeError("No request.");
    if (signature?.tag !== TAG.bitString) throw new RangeError("A request without a signature.");
    return {
      ...{ signed: info.whole, spki: key.whole },
      names: attributes?.tag === ATTRIBUTES ? namesOf(attributes) : [],
      algorithm: signatureAlgorithm(algorithm.content),
      // Its first byte counts unused bits, of which there are none.
      signature: signature.content.subarray(1),
    };
  } catch (error) {
    throw new PkiError("HDL7101", "The certificate request cannot be read.", error);
  }
}

/** Every subject alternative name that the request asks for. */
function namesOf({ content }: Element): Element[] {
  return elements(content)
    .map((attribute) => elements(attribute.content))
    .filter(([type]) => isOid(type, EXTENSION_REQUEST))
    .flatMap(([, values]) => elements(values?.content))
    .flatMap((extensions) => elements(extensions.content))
    .map((extension) => elements(extension.content))
    .filter(([type]) => isOid(type, SUBJECT_ALTERNATIVE_NAME))
    .flatMap((parts) => elements(only(TAG.sequence, parts.at(-1)?.content ?? new Uint8Array())));
}

async function orUnreadable<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PkiError) throw error;
    throw new PkiError("HDL7101", "The certificate request cannot be read.", error);
  }
}

function assertDnsNames(dnsNames: readonly string[]): void {
  const bad = dnsNames.find((name) => !DNS_NAME.test(name));
  if (bad !== undefined)
    throw new PkiError("HDL7108", `The certificate request names ${JSON.stringify(bad)}.`);
  if (dnsNames.length > MAX_DNS_NAMES)
    throw new PkiError("HDL7108", `The certificate request has ${dnsNames.length} DNS names.`);
}
