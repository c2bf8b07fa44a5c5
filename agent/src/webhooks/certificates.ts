/** The webhooks' authority and serving certificate: what their Secret holds, and what it should hold next. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { CLOCK_SKEW, createServerAuthority, issueServerCertificate } from "@heddle/pki";
import { secretValue } from "../kubernetes/secret-data.ts";

export interface WebhookCertificates {
  /** PEM, the newest first: its key signs. Older ones have signed what some replica may still serve. */
  readonly authorities: readonly string[];
  readonly authorityKey: string;
  /** PEM of what is served. */
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateLifetimes {
  /** Milliseconds. */
  readonly authority: number;
  readonly serving: number;
  /** The share of its time after which each is replaced. */
  readonly renewAt: number;
}

const DAY = 24 * 3_600_000;
export const LIFETIMES: CertificateLifetimes = {
  ...{ authority: 365 * DAY, serving: 30 * DAY },
  renewAt: 2 / 3,
};

export interface CertificateQuestion {
  /** DNS names and addresses that the API server may ask for. */
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly lifetimes: CertificateLifetimes;
  /** Whether everybody who asks trusts this authority by now. */
  readonly isTrusted: (authority: string) => boolean;
}

/**
 * The next step; undefined where there is none to take now. A new authority is made known first, and signs when it is trusted
 * everywhere; the older one stays known until it ends, for replicas that still serve what it signed.
 */
export async function nextCertificates(
  held: WebhookCertificates | undefined,
  question: CertificateQuestion,
): Promise<WebhookCertificates | undefined> {
  const { now, lifetimes, isTrusted } = question;
  const known = held && look(held, now);
  if (!held || !known) return begin(question);
  const [newest = ""] = held.authorities;
  const authorities = held.authorities.filter((pem, index) => index === 0 || endOf(pem) > now);
  if (now >= renewalOf(known.newest, lifetimes)) {
    const made = await newAuthority(now, lifetimes);
    return { ...held, authorities: [made.certificate, ...authorities], authorityKey: made.key };
  }
  const names = [...new Set([...question.names, ...known.names])];
  const isShort = !question.names.every((name) => isFor(known.served, name));
  // The older authority's key is gone, so whatever is due is signed by the newer.
  const isDue = isShort || now >= renewalOf(known.served, lifetimes);
  if (known.byNewest ? isDue : isTrusted(newest) || now >= endOf(held.certificate)) {
    const by = { certificate: newest, key: held.authorityKey };
    const served = await issueServerCertificate(by, { now, lifetime: lifetimes.serving, names });
    return { ...held, authorities, certificate: served.certificate, key: served.key };
  }
  return authorities.length < held.authorities.length ? { ...held, authorities } : undefined;
}

/** When the next step may be due, milliseconds since 1970. */
export function dueAt(
  { authorities, certificate }: WebhookCertificates,
  lifetimes: CertificateLifetimes,
): number {
  const [newest = "", ...older] = authorities;
  return Math.min(
    renewalOf(new X509Certificate(newest), lifetimes),
    renewalOf(new X509Certificate(certificate), lifetimes),
    ...older.map(endOf),
  );
}

async function begin({ names, now, lifetimes }: CertificateQuestion): Promise<WebhookCertificates> {
  const authority = await newAuthority(now, lifetimes);
  const served = await issueServerCertificate(authority, {
    now,
    lifetime: lifetimes.serving,
    names,
  });
  return {
    authorities: [authority.certificate],
    authorityKey: authority.key,
    certificate: served.certificate,
    key: served.key,
  };
}

const newAuthority = (now: number, { authority: lifetime }: CertificateLifetimes) =>
  createServerAuthority("heddle webhooks", { now, lifetime });

interface Known {
  readonly newest: X509Certificate;
  readonly served: X509Certificate;
  readonly names: readonly string[];
  readonly byNewest: boolean;
}

/** Undefined where nothing can be made of what is held: it was cut, or nobody trusts it any more. */
function look(held: WebhookCertificates, now: number): Known | undefined {
  try {
    const [newest, ...older] = held.authorities.map((pem) => new X509Certificate(pem));
    const served = new X509Certificate(held.certificate);
    if (!newest || Date.parse(newest.validTo) <= now) return undefined;
    const byNewest = served.verify(newest.publicKey);
    if (!byNewest && !older.some(({ publicKey }) => served.verify(publicKey))) return undefined;
    return { newest, served, byNewest, names: namesOf(served) };
  } catch {
    return undefined;
  }
}

function namesOf({ subjectAltName = "" }: X509Certificate): string[] {
  return subjectAltName.split(", ").map((name) => name.replace(/^(?:DNS|IP Address):/, ""));
}

/** An address has several spellings. */
const isFor = (served: X509Certificate, name: string): boolean =>
  served.checkHost(name) !== undefined || served.checkIP(name) !== undefined;

function renewalOf(
  { validFrom, validTo }: X509Certificate,
  { renewAt }: CertificateLifetimes,
): number {
  // It was made a little later than it says.
  const [from, to] = [Date.parse(validFrom) + CLOCK_SKEW, Date.parse(validTo)];
  return from + (to - from) * renewAt;
}

const endOf = (pem: string): number => Date.parse(new X509Certificate(pem).validTo);

const NAMES = {
  authorities: "ca.crt",
  authorityKey: "ca.key",
  certificate: "tls.crt",
  key: "tls.key",
};

/** By the names of the Secret's `data`. */
export function toSecretData(held: WebhookCertificates): Record<string, string> {
  return {
    [NAMES.authorities]: held.authorities.join(""),
    [NAMES.authorityKey]: held.authorityKey,
    [NAMES.certificate]: held.certificate,
    [NAMES.key]: held.key,
  };
}

/** Undefined where a field is missing, or the certificate and its key are not of each other. */
export function fromSecret(secret: {
  readonly [field: string]: unknown;
}): WebhookCertificates | undefined {
  const [authorities, authorityKey, certificate, key] = Object.values(NAMES).map((name) =>
    secretValue(secret, name)?.toString(),
  );
  if (!authorities || !authorityKey || !certificate || !key) return undefined;
  try {
    if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) return undefined;
  } catch {
    return undefined;
  }
  return { authorities: splitPem(authorities), authorityKey, certificate, key };
}

function splitPem(text: string): string[] {
  return [...text.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map(
    ([pem]) => `${pem}\n`,
  );
}
