/** Keeps the webhooks' certificates in a Secret that all replicas read: whoever comes first makes it, and the leader renews it. */
import type { AgentLog } from "../log.ts";
import { ApiFailure } from "../kubernetes/api-failure.ts";
import type { KubernetesClient, KubernetesObject, Place } from "../kubernetes/client.ts";
import type { Leadership } from "../kubernetes/leader.ts";
import { ownSecret } from "../kubernetes/own-secret.ts";
import type { RawObject } from "../sources/kubernetes/reflector.ts";
import {
  type CertificateLifetimes,
  dueAt,
  fromSecret,
  nextCertificates,
  toSecretData,
  type WebhookCertificates,
} from "./certificates.ts";

export interface CertificateKeeper {
  /** What the Secret holds; undefined before it was read or made. */
  held(): WebhookCertificates | undefined;
  /** Follows the Secret; undefined: it is gone. */
  seen(secret: RawObject | undefined): void;
  /** What decides on the next step may be different now. */
  look(): void;
  close(): void;
}

export interface KeeperOptions {
  readonly client: KubernetesClient;
  readonly leadership: Leadership;
  readonly namespace: string;
  /** Of the Secret. */
  readonly name: string;
  /** DNS names and addresses by which it is asked. */
  readonly names: () => readonly string[];
  readonly lifetimes: CertificateLifetimes;
  readonly isTrusted: (authority: string) => boolean;
  /** They are other ones: to be served, and to be trusted. */
  readonly changed: (held: WebhookCertificates) => void;
  readonly log: AgentLog;
  readonly now?: () => number;
}

/** A step that failed is tried again after so long, milliseconds; the same is the longest wait where clocks were changed. */
const AGAIN = 2_000;
const LONGEST_WAIT = 3_600_000;
/** A new authority, a certificate of it, and what was changed meanwhile. */
const MOST_STEPS = 4;

export function startCertificateKeeper(options: KeeperOptions): CertificateKeeper {
  const { client, leadership, namespace, name, names, lifetimes, isTrusted, changed, log } =
    options;
  const { now = Date.now } = options;
  const place: Place = { apiVersion: "v1", plural: "secrets", namespace };
  let held: WebhookCertificates | undefined;
  /** Undefined: there is no Secret, as far as is known. */
  let version: string | undefined;
  let isReadable = false;
  let timer: NodeJS.Timeout | undefined;
  let busy = false;
  let again = false;
  let closed = false;

  const take = (secret: RawObject | KubernetesObject) => {
    version = secret.metadata.resourceVersion;
    const read = fromSecret(secret);
    const before = held;
    isReadable = read !== undefined;
    held = read ?? held;
    if (read && JSON.stringify(read) !== JSON.stringify(before)) changed(read);
  };
  const step = async () => {
    const there = version === undefined ? await client.find(place, name) : undefined;
    if (there) take(there);
    // Only the first Secret is made by anybody: without one nobody can be served.
    if (version !== undefined && !leadership.isLeader) return;
    const question = { names: names(), lifetimes, isTrusted, now: now() };
    const isWhole = version !== undefined && isReadable;
    const next = (await nextCertificates(held, question)) ?? (isWhole ? undefined : held);
    if (!next || closed) return;
    const data = toSecretData(next);
    const secret = ownSecret({ name, namespace, type: "Opaque", data, resourceVersion: version });
    const written =
      version === undefined ? client.create(place, secret) : client.replace(place, secret);
    take(await written);
    log.info("the webhooks have other certificates", { authorities: next.authorities.length });
    again = true;
  };
  const run = async () => {
    if (busy || closed) return void (again = true);
    busy = true;
    clearTimeout(timer);
    let wait = AGAIN;
    try {
      again = true;
      for (let steps = 0; again && steps < MOST_STEPS && !closed; steps += 1) {
        again = false;
        await step();
      }
      if (held) wait = Math.max(AGAIN, dueAt(held, lifetimes) - now());
    } catch (error) {
      const failure = ApiFailure.of(error);
      // Somebody else was first: what they wrote is read next.
      if (failure.conflict || failure.missing) version = undefined;
      else if (!closed)
        log.warn("HDL7283: the webhooks' certificates cannot be kept", {
          secret: `${namespace}/${name}`,
          error: failure.message,
        });
    } finally {
      busy = false;
    }
    if (!closed) timer = setTimeout(() => void run(), Math.min(wait, LONGEST_WAIT));
  };
  void run();
  return {
    held: () => held,
    seen(secret) {
      if (secret) take(secret);
      else version = undefined;
      void run();
    },
    look: () => void run(),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
