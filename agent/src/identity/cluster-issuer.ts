/** The signing authority of a cluster without a plane: one for all replicas of the agent, in a Secret of their namespace. */
import { createRoot, exportPrivateKey, openAuthority, type Authority } from "@heddle/pki";
import { X509Certificate } from "node:crypto";
import { ApiFailure } from "../kubernetes/api-failure.ts";
import { AUTHORITY_SECRET, AUTHORITY_SECRET_TYPE } from "../kubernetes/authority-secret.ts";
import type { KubernetesClient, KubernetesObject, Place } from "../kubernetes/client.ts";
import { ownSecret } from "../kubernetes/own-secret.ts";
import { secretValue } from "../kubernetes/secret-data.ts";
import type { AgentLog } from "../log.ts";
import { type Issuer, type IssuerChange, issueAll } from "./issuer.ts";

/** What somebody else has made of the Secret is seen after so long, milliseconds. */
const LOOK_AGAIN = 30_000;

/** As `kubernetes.io/tls` has them: the chain of the authority that signs, its key, and all roots that are trusted. */
const FILES = { chain: "tls.crt", key: "tls.key", roots: "ca.crt" } as const;

interface Opened {
  readonly authority: Authority;
  readonly trustBundle: string;
  readonly version: string | undefined;
}

export interface ClusterIssuerOptions {
  readonly client: Pick<KubernetesClient, "find" | "create">;
  readonly namespace: string;
  readonly trustDomain: string;
  readonly log: AgentLog;
  /** 30 s unless told otherwise. */
  readonly lookAgain?: number;
}

/**
 * Reads the Secret, and makes it where there is none; of several that do so at once all take the first one's. Another authority or
 * more roots that are written into it are in force within half a minute: whoever puts a new root beside the old one in `ca.crt`,
 * then exchanges `tls.crt` and `tls.key`, and takes the old root away a day later, has rotated it under traffic.
 *
 * Until the API server has answered once `issue` rejects; with `HDL7257` where the Secret holds no authority of this trust domain.
 */
export function clusterIssuer(options: ClusterIssuerOptions): Issuer {
  const { client, namespace, trustDomain, log, lookAgain = LOOK_AGAIN } = options;
  const place: Place = { apiVersion: "v1", plural: "secrets", namespace };
  const listeners = new Set<(change: IssuerChange) => void>();
  let current: Opened | undefined;
  let reading: Promise<Opened> | undefined;

  const read = (): Promise<Opened> => {
    reading ??= readSecret().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  const readSecret = async (): Promise<Opened> => {
    const secret = (await client.find(place, AUTHORITY_SECRET)) ?? (await make());
    if (current && current.version === secret.metadata.resourceVersion) return current;
    const before = current;
    current = await opened(secret, trustDomain, `Secret ${namespace}/${AUTHORITY_SECRET}`);
    if (before && isOther(before, current)) {
      log.info("the authority of the cluster has changed", { secret: AUTHORITY_SECRET });
      for (const listener of listeners) listener("authority");
    }
    return current;
  };
  const make = async (): Promise<KubernetesObject> => {
    const { keys, pem } = await createRoot(trustDomain, { now: Date.now() });
    const data = {
      [FILES.chain]: pem,
      [FILES.key]: await exportPrivateKey(keys.privateKey),
      [FILES.roots]: pem,
    };
    const secret = ownSecret({
      name: AUTHORITY_SECRET,
      namespace,
      type: AUTHORITY_SECRET_TYPE,
      data,
    });
    try {
      const made = await client.create(place, secret);
      log.info("an authority was made for the cluster", { secret: AUTHORITY_SECRET, trustDomain });
      return made;
    } catch (error) {
      // Another replica was first: its authority is this one's too.
      const first = error instanceof ApiFailure && error.conflict;
      const theirs = first ? await client.find(place, AUTHORITY_SECRET) : undefined;
      if (theirs === undefined) throw error;
      return theirs;
    }
  };
  const timer = setInterval(() => {
    if (current === undefined) return;
    read().catch((error: unknown) =>
      log.warn("the authority of the cluster could not be read again", { error: String(error) }),
    );
  }, lookAgain);
  timer.unref();
  return {
    signedBy: "agent",
    async issue(requests, lifetime) {
      const { authority, trustBundle } = current ?? (await read());
      return issueAll(authority, trustBundle, requests, lifetime);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => clearInterval(timer),
  };
}

function isOther(before: Opened, now: Opened): boolean {
  return (
    before.trustBundle !== now.trustBundle ||
    before.authority.certificate.serialNumber !== now.authority.certificate.serialNumber
  );
}

async function opened(
  secret: KubernetesObject,
  trustDomain: string,
  where: string,
): Promise<Opened> {
  const text = (name: string) => secretValue(secret, name)?.toString() ?? "";
  const [chain, key] = [text(FILES.chain), text(FILES.key)];
  const trustBundle = text(FILES.roots) || chain;
  try {
    const certificate = new X509Certificate(chain);
    if (!certificate.ca) throw new Error("its certificate is no authority's");
    if (!certificate.subjectAltName?.split(", ").includes(`URI:spiffe://${trustDomain}`))
      throw new Error(`it is not of trust domain ${trustDomain}`);
    const authority = await openAuthority(trustDomain, chain, key);
    return { authority, trustBundle, version: secret.metadata.resourceVersion };
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`HDL7257: ${where} holds no authority that can be used: ${message}`, {
      cause: error,
    });
  }
}
