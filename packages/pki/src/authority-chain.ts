/** An intermediate that somebody else's root signs: its request, and the chain that comes back for it, checked before it signs anything. */

import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from "./x509.ts";
import { INTERMEDIATE_LIFETIME } from "./authority.ts";
import { equalBytes } from "./der.ts";
import { describeKey, isRsa, P256_SHA256, RSA_BITS } from "./keys.ts";
import { NAME_CONSTRAINTS, readNameConstraints } from "./name-constraints.ts";
import { workloadZone } from "./own-names.ts";
import { pemOf, splitPem } from "./pem.ts";
import { type PkiCode, PkiError } from "./pki-error.ts";
import { subjectNames } from "./subject.ts";

/** A longer chain is sent with every handshake. */
const MAX_CHAIN = 5;
/** Below the intermediate there are those of agents, and below these are leaves. */
const LEVELS_BELOW = 1;
/** An authority that has less left would end before what agents sign with, milliseconds. */
export const LEAST_LIFETIME = 2 * INTERMEDIATE_LIFETIME;
/** What agents' servers are called unless told otherwise; see `assertServerNames`. */
const SERVER_NAMES = ["heddle-agent.heddle-system", "heddle-agent.heddle-system.svc"];
/** Critical extensions that Envoy, OpenSSL and Go all understand in an authority's certificate. */
const UNDERSTOOD = new Set([
  ...["2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.19", NAME_CONSTRAINTS],
  ...["2.5.29.32", "2.5.29.35", "2.5.29.37"],
]);
const CURVES = new Set(["P-256", "P-384"]);

export interface AuthorityChain {
  /** PEM of the intermediate and what leads from it to the root, without it. */
  readonly chain: string;
  /** PEM of the self-signed root. */
  readonly root: string;
  readonly notBefore: Date;
  /** When the first of them ends. */
  readonly notAfter: Date;
}

/** A request in PEM for an authority's certificate, with all that it should have beside its key. */
export async function createAuthorityRequest(
  keys: CryptoKeyPair,
  trustDomain: string,
): Promise<string> {
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: `CN=${trustDomain} intermediate, O=Heddle`,
    keys,
    signingAlgorithm: P256_SHA256,
    extensions: [
      new BasicConstraintsExtension(true, LEVELS_BELOW, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new SubjectAlternativeNameExtension([{ type: "url", value: `spiffe://${trustDomain}` }]),
    ],
  });
  return `${request.toString("pem").trim()}\n`;
}

/**
 * Reads what was signed for a request: the intermediate first, then each one's issuer, up to the self-signed root. `spki`: the
 * request's key, DER of its SubjectPublicKeyInfo. Throws `HDL7113` to `HDL7121`, each with the certificate that is wrong.
 */
export async function readAuthorityChain(
  pem: string,
  { trustDomain, spki, now }: { trustDomain: string; spki: ArrayBuffer; now: number },
): Promise<AuthorityChain> {
  const links = linksOf(pem);
  const [first] = links;
  const root = links.at(-1);
  if (!first || !root || links.length < 2)
    throw new PkiError(
      "HDL7113",
      `There are ${links.length} certificates; the intermediate and its root are the least.`,
    );
  if (!equalBytes(new Uint8Array(first.certificate.publicKey.rawData), new Uint8Array(spki)))
    throw refusal("HDL7115", first, "its key is not that of the request");
  for (const link of links) assertStrong(link);
  await assertOrder(links);
  for (const [index, link] of links.entries()) {
    assertAuthority(link);
    assertPathLength(link, index + LEVELS_BELOW);
    assertValid(link, now);
    assertUnderstood(link);
    assertTrustDomain(link, trustDomain);
  }
  const ends = Math.min(...links.map(({ certificate }) => certificate.notAfter.getTime()));
  return {
    chain: links
      .slice(0, -1)
      .map(({ certificate }) => pemOf(certificate))
      .join(""),
    root: pemOf(root.certificate),
    notBefore: first.certificate.notBefore,
    notAfter: new Date(ends),
  };
}

interface Link {
  readonly certificate: X509Certificate;
  /** Such as `certificate 2 of 3 (CN=Acme root)`. */
  readonly place: string;
}

function linksOf(pem: string): Link[] {
  if (/PRIVATE KEY-----/.test(pem))
    throw new PkiError("HDL7113", "There is a private key among the certificates.");
  const blocks = splitPem(pem);
  if (blocks.length > MAX_CHAIN)
    throw new PkiError("HDL7113", `${blocks.length} certificates; ${MAX_CHAIN} are the most.`);
  return blocks.map((block, index) => {
    const where = `certificate ${index + 1} of ${blocks.length}`;
    try {
      const certificate = new X509Certificate(block);
      return { certificate, place: `${where} (${certificate.subject})` };
    } catch (error) {
      throw new PkiError("HDL7113", `In the chain, ${where} cannot be read.`, error);
    }
  });
}

const refusal = (code: PkiCode, { place }: Link, what: string) =>
  new PkiError(code, `In the chain, ${place}: ${what}.`);

function assertStrong(link: Link): void {
  const { publicKey, signatureAlgorithm } = link.certificate;
  const key = publicKey.algorithm as Algorithm & Partial<EcKeyAlgorithm & RsaKeyAlgorithm>;
  const strong = isRsa(key)
    ? (key.modulusLength ?? 0) >= RSA_BITS.min
    : CURVES.has(key.namedCurve ?? "");
  if (!strong)
    throw refusal(
      "HDL7120",
      link,
      `its key is of ${describeKey(key)}; P-256, P-384 and RSA from 2048 bits are taken`,
    );
  const { name } = signatureAlgorithm.hash ?? { name: signatureAlgorithm.name };
  if (!/^SHA-(256|384|512)$/.test(name)) throw refusal("HDL7120", link, `${name} has signed it`);
}

async function assertOrder(links: readonly Link[]): Promise<void> {
  for (const [index, link] of links.entries()) {
    const next = links[index + 1] ?? link;
    const { certificate } = link;
    const signer = next === link ? "itself, as a root has to be" : next.place;
    if (certificate.issuer !== next.certificate.subject)
      throw refusal("HDL7114", link, `${certificate.issuer} has signed it, and not ${signer}`);
    const publicKey = next.certificate.publicKey;
    const signed = await certificate.verify({ publicKey, signatureOnly: true }).catch(() => false);
    if (!signed) throw refusal("HDL7114", link, `its signature is not by the key of ${signer}`);
  }
}

function assertAuthority(link: Link): void {
  const basic = link.certificate.getExtension(BasicConstraintsExtension);
  if (!basic?.ca)
    throw refusal("HDL7116", link, "it is no authority's: its basic constraints lack CA:TRUE");
  if (!basic.critical) throw refusal("HDL7116", link, "its basic constraints are not critical");
  const usage = link.certificate.getExtension(KeyUsagesExtension);
  if (usage && (usage.usages & KeyUsageFlags.keyCertSign) === 0)
    throw refusal("HDL7116", link, "its key usage lacks keyCertSign");
}

function assertPathLength(link: Link, needed: number): void {
  const length = link.certificate.getExtension(BasicConstraintsExtension)?.pathLength;
  if (length !== undefined && length < needed)
    throw refusal(
      "HDL7117",
      link,
      `its path length is ${length}; below it there are ${needed} authorities`,
    );
}

function assertValid(link: Link, now: number): void {
  const { notBefore, notAfter } = link.certificate;
  if (notBefore.getTime() > now)
    throw refusal("HDL7118", link, `it is not valid before ${notBefore.toISOString()}`);
  const left = notAfter.getTime() - now;
  if (left <= 0) throw refusal("HDL7118", link, `it has expired at ${notAfter.toISOString()}`);
  if (left < LEAST_LIFETIME)
    throw refusal(
      "HDL7118",
      link,
      `it ends at ${notAfter.toISOString()}, within ${LEAST_LIFETIME / 86_400_000} days`,
    );
}

function assertUnderstood(link: Link): void {
  const { extensions } = link.certificate;
  const strange = extensions.find(({ critical, type }) => critical && !UNDERSTOOD.has(type));
  if (strange)
    throw refusal("HDL7121", link, `its critical extension ${strange.type} is not known`);
  const uses = link.certificate.getExtension(ExtendedKeyUsageExtension)?.usages;
  if (!uses || uses.includes(ANY_USE)) return;
  for (const side of [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth])
    if (!uses.includes(side))
      throw refusal(
        "HDL7121",
        link,
        `its extended key usage lacks ${side}, so that leaves have it not either`,
      );
}
const ANY_USE = "2.5.29.37.0";

function assertTrustDomain(link: Link, trustDomain: string): void {
  const { extensions } = link.certificate;
  const own = `spiffe://${trustDomain}`;
  const other = subjectNames(extensions).find(
    ({ type, value }) => type === "url" && value.startsWith("spiffe://") && value !== own,
  );
  if (other) throw refusal("HDL7119", link, `it is ${other.value}'s, and not ${own}'s`);
  const constraints = extensions.find(({ type }) => type === NAME_CONSTRAINTS);
  if (constraints) assertPermits(link, constraints, trustDomain);
}

function assertPermits(link: Link, extension: Extension, trustDomain: string): void {
  const constraints = (() => {
    try {
      return readNameConstraints(extension);
    } catch {
      throw refusal("HDL7119", link, "its name constraints cannot be read");
    }
  })();
  if (!constraints.permitsUriHost(trustDomain))
    throw refusal(
      "HDL7119",
      link,
      `its name constraints do not permit the URI host ${trustDomain}`,
    );
  for (const name of [workloadZone(trustDomain), ...SERVER_NAMES])
    if (!constraints.permitsDns(name))
      throw refusal("HDL7119", link, `its name constraints do not permit the DNS name ${name}`);
}
