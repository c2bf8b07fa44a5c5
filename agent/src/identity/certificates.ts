/** Workload certificates: a key pair and a certificate for each identity in use, renewed before it ends. */
import { exportPrivateKey, generateKeyPair, PkiError, readSvid } from "@heddle/pki";
import { AgentError } from "../agent-error.ts";
import type { AgentLog } from "../log.ts";
import type { Issuer } from "./issuer.ts";
import { rootOfChain } from "./roots.ts";

export interface WorkloadCertificate {
  readonly spiffeId: string;
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
  /** The identity's certificate; where there is none yet, one is got and listeners hear of it. */
  get(spiffeId: string): WorkloadCertificate | undefined;
  /** PEM of the roots; undefined before the first certificate. */
  trustBundle(): string | undefined;
  /** Calls back when certificates have been renewed, and with `true` when the trust bundle is another one. */
  subscribe(listener: (trustBundleChanged: boolean) => void): () => void;
  all(): readonly WorkloadCertificate[];
  /** These have no certificates from now on; others that had been among them have again when they are asked for. */
  revoke(spiffeIds: readonly string[]): void;
  close(): void;
}

/** Renewal comes when this share of a lifetime is over, give or take the jitter, so that not all come at once. */
const RENEW_AT = 2 / 3;
const JITTER = 0.08;
/** Identities that are asked for within this time share one request, milliseconds. */
const GATHER = 3;
/** Tries again after so long, milliseconds, and then twice as long each time. */
const RETRY = { first: 100, longest: 10_000 };

interface Entry {
  certificate: WorkloadCertificate | undefined;
  timer: NodeJS.Timeout | undefined;
  failures: number;
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

export function createWorkloadCertificates(
  issuer: Issuer,
  lifetime: number,
  log: AgentLog,
): WorkloadCertificates {
  const entries = new Map<string, Entry>();
  const listeners = new Set<(trustBundleChanged: boolean) => void>();
  let trustBundle: string | undefined;
  let wanted = new Set<string>();
  let gathering: NodeJS.Timeout | undefined;
  let revoked: ReadonlySet<string> = new Set();
  let closed = false;

  const want = (spiffeId: string) => {
    wanted.add(spiffeId);
    gathering ??= setTimeout(() => {
      gathering = undefined;
      const batch = [...wanted];
      wanted = new Set();
      void renew(batch);
    }, GATHER);
  };
  let requestsMade = 0;
  const renew = async (ids: readonly string[]) => {
    const request = ++requestsMade;
    try {
      const requests = await Promise.all(
        ids.map(async (spiffeId) => ({ spiffeId, keys: await generateKeyPair() })),
      );
      const issued = await issuer.issue(requests, lifetime);
      const certificates = await Promise.all(
        requests.map(async ({ spiffeId, keys }, index) => {
          const chain = issued.chains[index] ?? "";
          const svid = readSvid(chain);
          if (svid.spiffeId !== spiffeId)
            throw new PkiError("HDL7109", `${spiffeId} was asked for, and ${svid.spiffeId} given.`);
          return {
            ...{ spiffeId, chain, privateKey: await exportPrivateKey(keys.privateKey) },
            ...{ serialNumber: svid.serialNumber, issuer: svid.certificate.issuer },
            root: rootOf(chain, issued.trustBundle),
            issuedAt: Date.now(),
            notBefore: svid.notBefore.getTime(),
            notAfter: svid.notAfter.getTime(),
          };
        }),
      );
      if (closed) return;
      for (const certificate of certificates) hold(certificate, request);
      // What the issuer knows by now is newer than what it knew when it was asked.
      const changed = trust(issuer.trustBundle?.() ?? issued.trustBundle);
      for (const listener of listeners) listener(changed);
    } catch (error) {
      if (closed) return;
      log.warn("certificates could not be got yet", {
        identities: ids.length,
        error: String(error),
      });
      for (const id of ids) retry(id);
    }
  };
  const trust = (bundle: string): boolean => {
    const changed = trustBundle !== bundle;
    trustBundle = bundle;
    return changed;
  };
  const hold = (certificate: WorkloadCertificate, request: number) => {
    const entry = entries.get(certificate.spiffeId);
    if (!entry || entry.request > request) return;
    entry.request = request;
    entry.certificate = certificate;
    entry.failures = 0;
    entry.asked = false;
    const lives = certificate.notAfter - certificate.issuedAt;
    const share = RENEW_AT + (Math.random() * 2 - 1) * JITTER;
    schedule(certificate.spiffeId, entry, lives * share);
  };
  const retry = (id: string) => {
    const entry = entries.get(id);
    if (!entry) return;
    const ceiling = Math.min(RETRY.first * 2 ** entry.failures++, RETRY.longest);
    schedule(id, entry, ceiling * (0.5 + Math.random() / 2), true);
  };
  const schedule = (id: string, entry: Entry, after: number, again = false) => {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(
      () => {
        // After a renewal every proxy with the identity reads it again; where none did, none is left.
        if (!again && !entry.asked) entries.delete(id);
        else want(id);
      },
      Math.min(after, 2 ** 31 - 1),
    );
  };
  // Workloads learn at once whom to trust from now on, and get a certificate of the authority that signs from now on.
  const unsubscribe = issuer.subscribe?.((change) => {
    const bundle = issuer.trustBundle?.();
    if (change === "authority" || bundle === undefined) for (const id of entries.keys()) want(id);
    else if (trust(bundle)) for (const listener of listeners) listener(true);
  });
  return {
    get(spiffeId) {
      if (revoked.has(spiffeId)) return undefined;
      let entry = entries.get(spiffeId);
      if (!entry) {
        entry = {
          ...{ certificate: undefined, timer: undefined },
          ...{ failures: 0, request: 0, asked: true },
        };
        entries.set(spiffeId, entry);
        want(spiffeId);
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
      for (const id of revoked) {
        clearTimeout(entries.get(id)?.timer);
        entries.delete(id);
      }
      // Proxies that were refused ask anew.
      if (again) for (const listener of listeners) listener(false);
    },
    all: () => [...entries.values()].flatMap(({ certificate }) => certificate ?? []),
    close() {
      closed = true;
      unsubscribe?.();
      clearTimeout(gathering);
      for (const { timer } of entries.values()) clearTimeout(timer);
      issuer.close();
    },
  };
}
