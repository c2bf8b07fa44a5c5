/** Workload certificates: a key pair and a certificate for each workload in use, renewed before it ends. */
import { HeddleApiError } from "@heddle/client";
import { exportPrivateKey, generateKeyPair, PkiError, readSvid } from "@heddle/pki";
import { AgentError } from "../agent-error.ts";
import type { AgentLog } from "../log.ts";
import { gatherRequests } from "./gathered-requests.ts";
import type { Issuer } from "./issuer.ts";
import { rootOfChain } from "./roots.ts";

/** Whom a certificate is for: an account, and one of its workloads where that can be named. */
export interface CertifiedIdentity {
  readonly spiffeId: string;
  /** The DNS name that the certificate has for it, from `workloadName`. */
  readonly workloadName: string | undefined;
}

export interface WorkloadCertificate extends CertifiedIdentity {
  /** PEM, leaf first. */
  readonly chain: string;
  /** PKCS #8 in PEM; lives in memory only. */
  readonly privateKey: string;
  /** Hexadecimal. */
  readonly serialNumber: string;
  /** Who has signed it, as certificates name it. */
  readonly issuer: string;
  /** The fingerprint of the root that it leads to. */
  readonly root: string;
  /** Milliseconds since 1970. */
  readonly issuedAt: number;
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface WorkloadCertificates {
  /** The certificate of an identity, or of one of its workloads; where there is none yet, one is got and listeners hear of it. */
  get(spiffeId: string, workloadName?: string): WorkloadCertificate | undefined;
  /** PEM of the roots; undefined before the first certificate. */
  trustBundle(): string | undefined;
  /** Calls back when certificates have been renewed, and with `true` when the trust bundle is another one. */
  subscribe(listener: (trustBundleChanged: boolean) => void): () => void;
  all(): readonly WorkloadCertificate[];
  /** Those that have been asked for in vain, and have none. */
  missing(): readonly CertifiedIdentity[];
  /** These have no certificates from now on; others that had been among them have again when they are asked for. */
  revoke(spiffeIds: readonly string[]): void;
  close(): void;
}

/**
 * Renewal comes when this share of a lifetime is over, give or take the jitter, so that not all come at once. Of the plane's it comes
 * early, so that more than half of a lifetime is left when the plane goes away.
 */
export const RENEW_AT = { agent: 2 / 3, plane: 1 / 3 } as const;
const JITTER = 0.08;

interface Entry {
  readonly identity: CertifiedIdentity;
  certificate: WorkloadCertificate | undefined;
  timer: NodeJS.Timeout | undefined;
  /** Whether the last request for it was in vain. */
  failing: boolean;
  /** Of the request that its certificate came by: an earlier one that is answered later is of no use. */
  request: number;
  /** Whether a proxy has asked since the last renewal; one that nobody asked for is forgotten. */
  asked: boolean;
}

/** Nobody would take a certificate of another root; there is one where the plane has gone on between request and answer. */
function rootOf(chain: string, trustBundle: string): string {
  const root = rootOfChain(chain, trustBundle);
  if (root === undefined)
    throw new AgentError("HDL7301", "A certificate leads to no root that is trusted.");
  return root;
}

/** Its name among entries. */
const keyOf = (spiffeId: string, workloadName = "") => `${spiffeId} ${workloadName}`;

/** What the plane says of one request: an identity that is revoked, or another's; not what it says of who asks. */
const OF_ONE = new Set(["HDL1074", "HDL1075", "HDL7103", "HDL7108", "HDL7111"]);
const isRefusal = (error: unknown) => error instanceof HeddleApiError && OF_ONE.has(error.code);

/** `lifetime` in milliseconds. */
export function createWorkloadCertificates(
  issuer: Issuer,
  lifetime: number,
  log: AgentLog,
): WorkloadCertificates {
  const entries = new Map<string, Entry>();
  const listeners = new Set<(trustBundleChanged: boolean) => void>();
  let trustBundle: string | undefined;
  let revoked: ReadonlySet<string> = new Set();
  let requestsMade = 0;
  let closed = false;

  const renew = async (wanted: readonly Entry[]) => {
    if (wanted.length === 0) return;
    const request = ++requestsMade;
    const requests = await Promise.all(
      wanted.map(async ({ identity }) => ({ ...identity, keys: await generateKeyPair() })),
    );
    const issued = await issuer.issue(requests, lifetime);
    const certificates = await Promise.all(
      requests.map(async ({ spiffeId, workloadName, keys }, index) => {
        const chain = issued.chains[index] ?? "";
        const svid = readSvid(chain);
        if (svid.spiffeId !== spiffeId)
          throw new PkiError("HDL7109", `${spiffeId} was asked for, and ${svid.spiffeId} given.`);
        return {
          ...{ spiffeId, workloadName, chain },
          privateKey: await exportPrivateKey(keys.privateKey),
          ...{ serialNumber: svid.serialNumber, issuer: svid.certificate.issuer },
          root: rootOf(chain, issued.trustBundle),
          issuedAt: Date.now(),
          notBefore: svid.notBefore.getTime(),
          notAfter: svid.notAfter.getTime(),
        };
      }),
    );
    if (closed) return;
    for (const [index, certificate] of certificates.entries())
      hold(wanted[index]!, certificate, request);
    // What the issuer knows by now is newer than what it knew when it was asked.
    const changed = trust(issuer.trustBundle?.() ?? issued.trustBundle);
    for (const listener of listeners) listener(changed);
  };
  const gathered = gatherRequests<Entry>({
    ask: (wanted) => renew(wanted.filter(isHere)),
    isRefusal,
    failed(wanted, error) {
      for (const entry of wanted) entry.failing = true;
      log.warn("certificates could not be got yet", {
        identities: wanted.length,
        error: String(error),
      });
    },
  });
  /** Whether it was not revoked or forgotten meanwhile. */
  const isHere = (entry: Entry) => {
    const { spiffeId, workloadName } = entry.identity;
    return entries.get(keyOf(spiffeId, workloadName)) === entry;
  };
  const trust = (bundle: string): boolean => {
    const changed = trustBundle !== bundle;
    trustBundle = bundle;
    return changed;
  };
  const hold = (entry: Entry, certificate: WorkloadCertificate, request: number) => {
    if (!isHere(entry) || entry.request > request) return;
    entry.request = request;
    entry.certificate = certificate;
    entry.failing = false;
    entry.asked = false;
    const lives = certificate.notAfter - certificate.issuedAt;
    const share = RENEW_AT[issuer.signedBy] + (Math.random() * 2 - 1) * JITTER;
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => renewOrForget(entry), Math.min(lives * share, 2 ** 31 - 1));
  };
  /** After a renewal every proxy with the identity reads it again; where none did, none is left. */
  const renewOrForget = (entry: Entry) => {
    const { spiffeId, workloadName } = entry.identity;
    if (entry.asked) gathered.want(entry);
    else entries.delete(keyOf(spiffeId, workloadName));
  };
  // Workloads learn at once whom to trust from now on, and get a certificate of the authority that signs from now on.
  const unsubscribe = issuer.subscribe?.((change) => {
    const bundle = issuer.trustBundle?.();
    if (change === "authority" || bundle === undefined)
      for (const entry of entries.values()) gathered.want(entry);
    else if (trust(bundle)) for (const listener of listeners) listener(true);
  });
  return {
    get(spiffeId, workloadName) {
      if (revoked.has(spiffeId)) return undefined;
      const key = keyOf(spiffeId, workloadName);
      let entry = entries.get(key);
      if (!entry) {
        entry = {
          ...{ identity: { spiffeId, workloadName }, certificate: undefined, timer: undefined },
          ...{ failing: false, request: 0, asked: true },
        };
        entries.set(key, entry);
        gathered.want(entry);
      }
      entry.asked = true;
      return entry.certificate;
    },
    trustBundle: () => trustBundle,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    revoke(spiffeIds) {
      const again = [...revoked].some((id) => !spiffeIds.includes(id));
      revoked = new Set(spiffeIds);
      for (const [key, { identity, timer }] of entries) {
        if (!revoked.has(identity.spiffeId)) continue;
        clearTimeout(timer);
        entries.delete(key);
      }
      // Proxies that were refused ask anew.
      if (again) for (const listener of listeners) listener(false);
    },
    all: () => [...entries.values()].flatMap(({ certificate }) => certificate ?? []),
    missing: () =>
      [...entries.values()]
        .filter(({ certificate, failing }) => certificate === undefined && failing)
        .map(({ identity }) => identity),
    close() {
      closed = true;
      unsubscribe?.();
      gathered.close();
      for (const { timer } of entries.values()) clearTimeout(timer);
      issuer.close();
    },
  };
}
