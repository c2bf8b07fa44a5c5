/** Certificate authorities of a mesh: the root, delegated intermediates, and the leaves that both sign. */

import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "./x509.ts";
import { bytesOfHex } from "./der.ts";
import { writeLeaf } from "./leaf.ts";
import { generateKeyPair, importPrivateKey, P256_SHA256 } from "./keys.ts";
import { NAME_CONSTRAINTS, readNameConstraints, withinTrustDomain } from "./name-constraints.ts";
import { workloadZone } from "./own-names.ts";
import { firstCertificate, pemOf } from "./pem.ts";
import { PkiError } from "./pki-error.ts";
import { assertTrustDomain, parseSpiffeId } from "./spiffe.ts";

/** Certificates are valid from a little before now, milliseconds: clocks of machines differ. */
export const CLOCK_SKEW = 5 * 60_000;
/** A root's lifetime where nobody asked for another, milliseconds: ten years. */
export const ROOT_LIFETIME = 10 * 365 * 24 * 3_600_000;
/** A delegated intermediate's, milliseconds: a cut-off cluster goes on for so long. */
export const INTERMEDIATE_LIFETIME = 7 * 24 * 3_600_000;
/** A workload certificate's, milliseconds: a day. */
export const LEAF_LIFETIME = 24 * 3_600_000;
/** Below it, rotation would be all that anybody does; above, revocation by expiry means nothing. Milliseconds. */
export const LEAF_LIFETIME_BOUNDS = { min: 5_000, max: 30 * 24 * 3_600_000 } as const;

/** An authority that can sign. */
export interface Authority {
  readonly trustDomain: string;
  readonly key: CryptoKey;
  readonly certificate: X509Certificate;
  /** PEM of the certificates between a leaf and the root, nearest first; empty for a root. */
  readonly chain: string;
}

export interface IssuedCertificate {
  /** PEM, leaf first, without the root. */
  readonly chain: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** A new self-signed root. `now` in milliseconds since 1970. */
export async function createRoot(
  trustDomain: string,
  { now, lifetime = ROOT_LIFETIME }: { readonly now: number; readonly lifetime?: number },
): Promise<{ readonly authority: Authority; readonly keys: CryptoKeyPair; readonly pem: string }> {
  assertTrustDomain(trustDomain);
  const keys = await generateKeyPair();
  const serial = serialNumber();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial,
    // Two of one name, as there are while one takes the other's place, would be taken for each other.
    name: `CN=${trustDomain} root ${serial.slice(0, 8)}, O=Heddle`,
    keys,
    signingAlgorithm: P256_SHA256,
    notBefore: new Date(now - CLOCK_SKEW),
    notAfter: new Date(now + lifetime),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new SubjectAlternativeNameExtension([{ type: "url", value: `spiffe://${trustDomain}` }]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    authority: { trustDomain, key: keys.privateKey, certificate, chain: "" },
    keys,
    pem: pemOf(certificate),
  };
}

/** An authority from what is kept of it: PEM of its certificate, with its chain behind it where it is an intermediate, and its key. */
export async function openAuthority(
  trustDomain: string,
  pem: string,
  privateKey: string,
): Promise<Authority> {
  const certificate = new X509Certificate(firstCertificate(pem));
  const isRoot = certificate.subject === certificate.issuer;
  return {
    trustDomain,
    key: await importPrivateKey(privateKey),
    certificate,
    chain: isRoot ? "" : pem.trim() + "\n",
  };
}

/** Whether its leaves may have this DNS name, as its own constraints say: whoever checks them refuses a leaf for any one name. */
export function permitsDnsName({ certificate }: Authority, name: string): boolean {
  const constraints = certificate.getExtension(NAME_CONSTRAINTS);
  return !constraints || readNameConstraints(constraints).permitsDns(name);
}

/**
 * An intermediate for somebody's key, kept to the trust domain, which signs leaves only. `dnsNames`: those that its leaves may
 * have beside their identity and their workload's name; a name permits what is below it too.
 */
export async function issueIntermediate(
  authority: Authority,
  publicKey: CryptoKey,
  {
    now,
    lifetime = INTERMEDIATE_LIFETIME,
    name,
    dnsNames = [],
  }: {
    readonly now: number;
    readonly lifetime?: number;
    readonly name: string;
    readonly dnsNames?: readonly string[];
  },
): Promise<IssuedCertificate> {
  const { trustDomain } = authority;
  return sign(
    authority,
    publicKey,
    { now, lifetime },
    `CN=${trustDomain} ${name.replaceAll(/[^\w.-]/g, "-")}, O=Heddle`,
    [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true),
      new SubjectAlternativeNameExtension([{ type: "url", value: `spiffe://${trustDomain}` }]),
      withinTrustDomain(trustDomain, [...dnsNames, workloadZone(trustDomain)]),
    ],
  );
}

/**
 * A workload's certificate: an X.509-SVID with one URI. Who it is comes from the caller's policy, not from a request.
 * Throws `HDL7103` for an identity of another trust domain, `HDL7106` for a lifetime out of bounds.
 */
export async function issueLeaf(
  authority: Authority,
  publicKey: CryptoKey,
  options: {
    readonly now: number;
    readonly lifetime?: number;
    readonly spiffeId: string;
    readonly dnsNames?: readonly string[];
  },
): Promise<IssuedCertificate> {
  const { now, lifetime = LEAF_LIFETIME, spiffeId, dnsNames = [] } = options;
  if (parseSpiffeId(spiffeId).trustDomain !== authority.trustDomain)
    throw new PkiError("HDL7103", `${spiffeId} is not of trust domain ${authority.trustDomain}.`);
  const { min, max } = LEAF_LIFETIME_BOUNDS;
  if (!(lifetime >= min && lifetime <= max))
    throw new PkiError("HDL7106", `A lifetime of ${lifetime} ms; it must be ${min} to ${max}.`);
  const { notBefore, notAfter } = validity(authority, { now, lifetime });
  const content = {
    serialNumber: bytesOfHex(serialNumber()),
    notBefore,
    notAfter,
    spiffeId,
    dnsNames,
  };
  const leaf = await writeLeaf(authority, publicKey, content);
  return { chain: leaf + authority.chain, notBefore, notAfter };
}

/** What every certificate has, however it is named. */
export async function sign(
  authority: Authority,
  publicKey: CryptoKey,
  { now, lifetime }: { readonly now: number; readonly lifetime: number },
  subject: string,
  extensions: readonly Extension[],
): Promise<IssuedCertificate> {
  const issuer = authority.certificate;
  const { notBefore, notAfter } = validity(authority, { now, lifetime });
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    ...(subject ? { subject } : {}),
    issuer: issuer.subjectName,
    publicKey,
    signingKey: authority.key,
    signingAlgorithm: P256_SHA256,
    notBefore,
    notAfter,
    extensions: [
      ...extensions,
      await SubjectKeyIdentifierExtension.create(publicKey),
      await issuerKey(issuer),
    ],
  });
  return { chain: pemOf(certificate) + authority.chain, notBefore, notAfter };
}

/** A certificate that outlived its issuer would be refused with it. Throws `HDL7105` where that one has expired. */
function validity(
  { certificate: issuer }: Authority,
  { now, lifetime }: { readonly now: number; readonly lifetime: number },
): { readonly notBefore: Date; readonly notAfter: Date } {
  if (issuer.notAfter.getTime() <= now)
    throw new PkiError("HDL7105", `${issuer.subject} expired at ${issuer.notAfter.toISOString()}.`);
  return {
    notBefore: new Date(Math.max(now - CLOCK_SKEW, issuer.notBefore.getTime())),
    notAfter: new Date(Math.min(now + lifetime, issuer.notAfter.getTime())),
  };
}

/** As the issuer's own certificate has it: who has signed that may have computed it in a way of their own (RFC 5280, section 4.2.1.2). */
async function issuerKey(issuer: X509Certificate): Promise<Extension> {
  const own = issuer.getExtension(SubjectKeyIdentifierExtension)?.keyId;
  return own === undefined
    ? AuthorityKeyIdentifierExtension.create(issuer.publicKey)
    : new AuthorityKeyIdentifierExtension(own);
}

/** 128 random bits, positive (RFC 5280, section 4.1.2.2). */
export function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
