/** The certificate of a workload, written as DER by hand: thousands are issued a second where a library would issue a hundred. */

import {
  ExtendedKeyUsage,
  PemConverter,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
} from "./x509.ts";
import {
  ascii,
  bitString,
  bytesOfHex,
  der,
  elements,
  integer,
  oid,
  only,
  sequence,
  TAG,
  time,
} from "./der.ts";
import { P256_SHA256 } from "./keys.ts";
import { ECDSA_SHA256, ecdsaToDer } from "./signatures.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface LeafContent {
  readonly serialNumber: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly spiffeId: string;
  readonly dnsNames: readonly string[];
}

/**
 * PEM of an X.509-SVID for the key (RFC 5280, section 4.1): not an authority's, with a key that signs and does nothing more, which is
 * enough for RSA too, since who speaks TLS with forward secrecy encrypts nothing to it; for both sides of a connection; and with an
 * empty subject, so that its names are critical.
 */
export async function writeLeaf(
  issuer: { readonly certificate: X509Certificate; readonly key: CryptoKey },
  publicKey: CryptoKey,
  { serialNumber, notBefore, notAfter, spiffeId, dnsNames }: LeafContent,
): Promise<string> {
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
  const [{ name, keyId }, ownKeyId] = await Promise.all([
    issuerOf(issuer.certificate),
    keyIdOf(spki),
  ]);
  const names = [der(0x86, ascii(spiffeId)), ...dnsNames.map((each) => der(0x82, ascii(each)))];
  const body = sequence(
    VERSION_3,
    integer(serialNumber),
    ...[ECDSA_SHA256, name, sequence(time(notBefore), time(notAfter)), EMPTY_NAME, spki],
    der(
      0xa3,
      sequence(
        ...[NOT_AN_AUTHORITY, MAY_SIGN, BOTH_SIDES],
        extension(OIDS.names, sequence(...names), CRITICAL),
        extension(OIDS.ownKey, der(TAG.octetString, ownKeyId)),
        extension(OIDS.issuersKey, sequence(der(0x80, keyId))),
      ),
    ),
  );
  const raw = new Uint8Array(await crypto.subtle.sign(P256_SHA256, issuer.key, body));
  const certificate = sequence(body, ECDSA_SHA256, bitString(ecdsaToDer(raw)));
  return `${PemConverter.encode(certificate, "CERTIFICATE").trim()}\n`;
}

const OIDS = {
  ...{ ownKey: "2.5.29.14", usage: "2.5.29.15", names: "2.5.29.17", basic: "2.5.29.19" },
  ...{ issuersKey: "2.5.29.35", extendedUsage: "2.5.29.37" },
} as const;
const CRITICAL = der(TAG.boolean, Uint8Array.of(0xff));
const VERSION_3 = der(0xa0, integer(Uint8Array.of(2)));
const EMPTY_NAME = sequence();

function extension(id: string, value: Uint8Array, critical: Uint8Array = new Uint8Array()): Bytes {
  return sequence(oid(id), critical, der(TAG.octetString, value));
}

const NOT_AN_AUTHORITY = extension(OIDS.basic, sequence(), CRITICAL);
/** The bit `digitalSignature`; seven are unused. */
const MAY_SIGN = extension(OIDS.usage, der(TAG.bitString, Uint8Array.of(7, 0x80)), CRITICAL);
const BOTH_SIDES = extension(
  OIDS.extendedUsage,
  sequence(oid(ExtendedKeyUsage.serverAuth), oid(ExtendedKeyUsage.clientAuth)),
);

/** SHA-1 of the key's bits (RFC 5280, section 4.2.1.2, method 1): a name, not a proof. */
async function keyIdOf(spki: Bytes): Promise<Bytes> {
  const bits = elements(only(TAG.sequence, spki))[1]?.content.subarray(1) ?? new Uint8Array();
  return new Uint8Array(await crypto.subtle.digest("SHA-1", bits));
}

interface Issuer {
  /** Its subject, byte for byte as its own certificate has it: path building compares them so. */
  readonly name: Bytes;
  readonly keyId: Bytes;
}
const issuers = new WeakMap<X509Certificate, Promise<Issuer>>();

/** Read once of each. */
function issuerOf(certificate: X509Certificate): Promise<Issuer> {
  const known = issuers.get(certificate) ?? readIssuer(certificate);
  issuers.set(certificate, known);
  return known;
}

async function readIssuer(certificate: X509Certificate): Promise<Issuer> {
  const [body] = elements(only(TAG.sequence, new Uint8Array(certificate.rawData)));
  // Version, serial number, algorithm, issuer, validity, subject, key: an authority's certificate is of version 3.
  const [, , , , , subject, key] = elements(body?.content);
  if (!subject || !key) throw new RangeError("An authority's certificate without a subject.");
  const own = certificate.getExtension(SubjectKeyIdentifierExtension)?.keyId;
  const keyId = own === undefined ? await keyIdOf(key.whole) : bytesOfHex(own);
  return { name: subject.whole, keyId };
}
