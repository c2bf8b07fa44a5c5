/** The certificate of the agent's own server: issued as workloads' are, with the names that proxies know it by, and renewed in use. */
import { X509Certificate } from "node:crypto";
import type { ServerCredentials } from "@grpc/grpc-js";
import { exportPrivateKey, generateKeyPair } from "@heddle/pki";
import type { AgentLog } from "../log.ts";
import { RENEW_AT } from "./certificates.ts";
import type { Issuer } from "./issuer.ts";
import { createCertificatePort, type ShownCertificate } from "./shown-certificate.ts";

/** Milliseconds between tries, the first and the longest. */
const RETRY = { first: 250, longest: 30_000 };
const MAX_TIMEOUT = 2 ** 31 - 1;

export interface ServingName {
  readonly spiffeId: string;
  readonly dnsNames: readonly string[];
}

export interface ServingCertificate {
  /** Connections from now on get the newest certificate; those that are open go on. */
  readonly credentials: ServerCredentials;
  /** What connections get, for other ports; undefined before there is one. */
  shown(): ShownCertificate | undefined;
  /** PEM of the roots by which it is to be verified; undefined before the first one is there. */
  roots(): string | undefined;
  /** When it ends, milliseconds since 1970; undefined before it is there. */
  expiresAt(): number | undefined;
  /** Resolves when there is one. */
  readonly ready: Promise<void>;
  /** Calls back when there is a new one, perhaps with other roots; returns how to stop. */
  subscribe(listener: () => void): () => void;
  close(): void;
}

interface Current extends ShownCertificate {
  readonly roots: string;
  readonly expiresAt: number;
}

/** `lifetime` in milliseconds. The issuer stays the caller's to close. */
export function createServingCertificate(
  issuer: Pick<Issuer, "issue" | "subscribe" | "signedBy">,
  { spiffeId, dnsNames }: ServingName,
  lifetime: number,
  log: AgentLog,
): ServingCertificate {
  const port = createCertificatePort();
  const listeners = new Set<() => void>();
  const { promise: ready, resolve: isReady } = Promise.withResolvers<void>();
  let current: Current | undefined;
  let timer: NodeJS.Timeout | undefined;
  let wait = RETRY.first;
  let closed = false;

  const renew = async () => {
    try {
      const keys = await generateKeyPair();
      const { chains, trustBundle } = await issuer.issue([{ spiffeId, keys, dnsNames }], lifetime);
      const [chain = ""] = chains;
      const privateKey = await exportPrivateKey(keys.privateKey);
      if (closed) return;
      const expiresAt = Date.parse(new X509Certificate(chain).validTo);
      current = { chain, privateKey, roots: trustBundle, expiresAt };
      wait = RETRY.first;
      plan((expiresAt - Date.now()) * RENEW_AT[issuer.signedBy]);
      port.show(current);
      isReady();
      for (const listener of listeners) listener();
    } catch (error) {
      if (closed) return;
      log.warn("the certificate of the agent's TLS port could not be renewed yet", {
        names: dnsNames,
        expires: current && new Date(current.expiresAt).toISOString(),
        error: String(error),
      });
      plan(wait * (0.5 + Math.random() / 2));
      wait = Math.min(wait * 2, RETRY.longest);
    }
  };
  const plan = (after: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => void renew(), Math.min(Math.max(0, after), MAX_TIMEOUT));
    timer.unref();
  };
  const unsubscribe = issuer.subscribe?.(() => void renew());
  void renew();
  return {
    credentials: port.credentials,
    shown: () => current && { chain: current.chain, privateKey: current.privateKey },
    roots: () => current?.roots,
    expiresAt: () => current?.expiresAt,
    ready,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      closed = true;
      unsubscribe?.();
      clearTimeout(timer);
    },
  };
}
