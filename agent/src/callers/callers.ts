/**
 * Who calls: a token becomes the pod that it proves, or an account whose machines may come. Its signature is checked by the
 * cluster's keys, that it is still good by the API server once for each token, and that its pod is there by what the agent
 * follows of the cluster, with every call. Of an account nothing is followed: the API server is asked again.
 */
import { createHash } from "node:crypto";
import type { MeshObject, Pod } from "@heddle/model";
import type { PodOfProxy, ProxyDescription, XdsNode } from "@heddle/translate";
import type { AgentLog } from "../log.ts";
import { type AccountToken, checkedToken, readToken } from "./account-token.ts";
import { CallerRefused } from "./caller-refused.ts";
import type { ClusterKeys } from "./cluster-keys.ts";
import type { TokenReview } from "./token-review.ts";

/** A proxy may come before the agent has heard of its pod, or of the pod's address. Milliseconds. */
const PATIENCE = 5_000;
const LOOK_AGAIN = 50;
/** A refused proxy comes again every few seconds; the API server is not asked of its token each time. Milliseconds. */
const REFUSED_FOR = 5_000;
/** After the API server did not answer, it is asked of the same token no sooner, milliseconds. */
const REVIEW_AGAIN = 5_000;
/** Who has no pod that could end may have lost its account: the API server is asked again so often, milliseconds. */
const REVIEW_MACHINES = 60_000;
/** Tokens that are remembered: more than an agent has proxies, with two for each. */
const MAX_TOKENS = 20_000;

/** A pod that has proven who it is, as the cluster has it. */
export interface PodCaller extends AccountToken {
  readonly pod: string;
  readonly uid: string;
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** A machine that has proven its account: which one of the account's it is, its node claims. */
export interface MachineCaller extends AccountToken, MachineAccount {
  readonly pod?: never;
}

export type Caller = PodCaller | MachineCaller;

/** What is known of an account whose machines may come. */
export interface MachineAccount {
  /** The proxy as its node describes it, as far as that may be; throws `CallerRefused` for what may not be. */
  admit(node: XdsNode): ProxyDescription;
  /** Who sends, where no node says which machine it is: the only one that there is, or what all have in common. */
  workload(): Pick<PodOfProxy, "pod" | "addresses" | "labels">;
}

/** Rejects with `CallerRefused` where no machines are of the account. */
export type MachineAccounts = (
  token: Pick<AccountToken, "namespace" | "serviceAccount">,
) => Promise<MachineAccount>;

export interface CallerNumbers {
  readonly refused: number;
  /** Taken by the cluster's keys alone, since the API server could not be asked. */
  readonly unreviewed: number;
}

export interface Callers {
  /** Rejects with `CallerRefused`. */
  prove(token: string | undefined): Promise<Caller>;
  numbers(): CallerNumbers;
}

export interface CallersOptions {
  readonly audience: string;
  readonly keys: ClusterKeys;
  readonly review: TokenReview;
  /** The pod as the cluster has it now. */
  readonly podAt: (namespace: string, name: string) => MeshObject<Pod> | undefined;
  /** Undefined where only pods are taken. */
  readonly machines?: MachineAccounts | undefined;
  readonly log: AgentLog;
  /** 5 s unless told otherwise. */
  readonly patience?: number;
}

interface Known {
  readonly token: AccountToken;
  reviewed: boolean;
  /** `performance.now()`. */
  reviewAgainAt: number;
}

export function createCallers(options: CallersOptions): Callers {
  const { audience, keys, review, podAt, machines, log, patience = PATIENCE } = options;
  // By the hash of a token: what is written to memory dumps and logs must open nothing.
  const known = new Map<string, Known>();
  const refused = new Map<string, { readonly error: CallerRefused; readonly until: number }>();
  const checking = new Map<string, Promise<Known>>();
  const numbers = { refused: 0, unreviewed: 0 };

  const knownOf = (token: string): Promise<Known> => {
    const hash = createHash("sha256").update(token).digest("base64");
    const before = known.get(hash);
    if (before && before.token.expiresAt <= Date.now()) known.delete(hash);
    else if (before && (isSettled(before) || before.reviewAgainAt > performance.now()))
      return Promise.resolve(before);
    const no = refused.get(hash);
    if (no && no.until > performance.now()) return Promise.reject(no.error);
    refused.delete(hash);
    let check = checking.get(hash);
    if (check === undefined) {
      check = learn(hash, token).finally(() => checking.delete(hash));
      checking.set(hash, check);
    }
    return check;
  };
  const learn = async (hash: string, text: string): Promise<Known> => {
    try {
      const checked = await checkedToken(text, audience, keys);
      // Without keys only the API server can tell; it checks signature, audience and expiry as well.
      const token = checked ?? readToken(text);
      const reviewed = await isReviewed(text, token, checked !== undefined);
      const after = reviewed ? REVIEW_MACHINES : REVIEW_AGAIN;
      const each = { token, reviewed, reviewAgainAt: performance.now() + after };
      remember(known, hash, each);
      return each;
    } catch (error) {
      known.delete(hash);
      if (error instanceof CallerRefused && error.code !== "HDL7254")
        remember(refused, hash, { error, until: performance.now() + REFUSED_FOR });
      throw error;
    }
  };
  /** False: it is taken by its signature alone. */
  const isReviewed = async (
    text: string,
    token: AccountToken,
    checked: boolean,
  ): Promise<boolean> => {
    const reviewed = await review(text).catch((error: unknown) => {
      if (!checked)
        throw new CallerRefused(
          "HDL7254",
          "The token cannot be checked now: neither the cluster's keys nor its API server's word can be had.",
          error,
        );
      numbers.unreviewed++;
      log.warn("HDL7255: a token is taken by its signature alone: it cannot be reviewed now", {
        account: `${token.namespace}/${token.serviceAccount}`,
        ...(token.pod === undefined ? {} : { pod: `${token.pod}.${token.namespace}` }),
        error: String(error),
      });
    });
    if (reviewed === undefined) return false;
    if (reviewed.good) return true;
    const reason = reviewed.reason === "" ? "" : `: ${reviewed.reason}`;
    throw new CallerRefused("HDL7252", `The API server does not take the token any more${reason}`);
  };
  const proven = async (text: string): Promise<Caller> => {
    const { token } = await knownOf(text);
    if (token.expiresAt <= Date.now()) throw new CallerRefused("HDL7251", "The token has expired.");
    const { pod: name, uid, ...account } = token;
    if (name === undefined || uid === undefined) {
      if (machines) return { ...account, ...(await machines(account)) };
      throw new CallerRefused("HDL7251", "The token is bound to no pod.");
    }
    const end = performance.now() + patience;
    for (;;) {
      const pod = podAt(token.namespace, name);
      const addresses = pod && isThat(pod, token) ? addressesOf(pod) : [];
      if (pod && addresses.length > 0)
        return { ...account, pod: name, uid, addresses, labels: pod.metadata.labels };
      if (performance.now() >= end) throw unknownPod(token, pod);
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    }
  };
  return {
    async prove(token) {
      try {
        if (token === undefined)
          throw new CallerRefused(
            "HDL7250",
            "The call carries no token of a pod, or of a machine.",
          );
        return await proven(token);
      } catch (error) {
        numbers.refused++;
        throw error;
      }
    },
    numbers: () => numbers,
  };
}

/** The end of a pod is seen; that of an account is not. */
function isSettled({ reviewed, token }: Known): boolean {
  return reviewed && token.pod !== undefined;
}

function isThat({ metadata, spec }: MeshObject<Pod>, token: AccountToken): boolean {
  return (
    metadata.uid === token.uid && (spec.serviceAccountName ?? "default") === token.serviceAccount
  );
}

function addressesOf({ spec: { status = {} } }: MeshObject<Pod>): readonly string[] {
  const { podIP, podIPs = [] } = status;
  const all = [podIP, ...podIPs.map(({ ip }) => ip)];
  return [...new Set(all.filter((ip): ip is string => ip !== undefined && ip !== ""))];
}

function unknownPod(token: AccountToken, pod: MeshObject<Pod> | undefined): CallerRefused {
  const name = `Pod ${token.pod} of namespace ${token.namespace}`;
  if (pod === undefined) return new CallerRefused("HDL7252", `${name} is not there.`);
  if (!isThat(pod, token))
    return new CallerRefused("HDL7252", `${name} is another one than the token is bound to.`);
  return new CallerRefused("HDL7254", `${name} has no address yet.`);
}

/** The oldest go first. */
function remember<T>(map: Map<string, T>, hash: string, value: T): void {
  map.delete(hash);
  map.set(hash, value);
  const [oldest] = map.keys();
  if (map.size > MAX_TOKENS && oldest !== undefined) map.delete(oldest);
}
