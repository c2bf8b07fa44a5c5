/**
 * What injected pods know the agent by: a ConfigMap in every namespace, kept by the leader. It is made where a namespace comes, put
 * right where somebody changes it, and written anew when the roots of the agent's certificate change. It belongs to the agent's
 * ClusterRole, with which Kubernetes removes it everywhere: whoever uninstalls the agent need not know of it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { IDENTITY_CONFIG_MAP, identityConfigMap } from "@heddle/injection";
import { OWN_LABELS } from "@heddle/kube";
import type { ConfigMap, MeshObject, Namespace } from "@heddle/model";
import { ApiFailure } from "../kubernetes/api-failure.ts";
import type { KubernetesClient, KubernetesObject } from "../kubernetes/client.ts";
import type { AgentLog } from "../log.ts";

/** A burst of changes, such as the first reading of a cluster, is looked at once. Milliseconds. */
const GATHER = 50;
/** After a write that failed, milliseconds. */
const TRY_AGAIN = 5_000;
/** Writes at a time: a new root goes to every namespace. */
const WRITERS = 4;

const NAMESPACE_KEY = /^core\/Namespace\/-\/(.+)$/;
const MAP_KEY = new RegExp(`^core/ConfigMap/(.+)/${IDENTITY_CONFIG_MAP}$`);

export interface IdentityMaps {
  /** Keys of objects of the cluster that came, went or changed. */
  objectsChanged(keys: readonly string[]): void;
  /** The leader's work; resolves when `signal` ends it. */
  run(signal: AbortSignal): Promise<void>;
}

export interface IdentityMapsOptions {
  readonly client: Pick<KubernetesClient, "apply" | "find">;
  /** Name of the agent's ClusterRole. */
  readonly role: string;
  /** Keys of all of the cluster's. */
  readonly namespaces: () => readonly string[];
  readonly objectAt: <Spec>(key: string) => MeshObject<Spec> | undefined;
  /** PEM by which proxies verify the agent; undefined while nobody knows. */
  readonly roots: () => string | undefined;
  /** Calls back when the roots may have changed; returns how to stop. */
  readonly onRoots: (listener: () => void) => () => void;
  readonly log: AgentLog;
}

export function createIdentityMaps(options: IdentityMapsOptions): IdentityMaps {
  const { client, role, namespaces, objectAt, roots, onRoots, log } = options;
  const dirty = new Set<string>();
  let wake = () => {};
  let owners: readonly Owner[] = [];

  const allDirty = () => {
    noteKeys(namespaces());
    wake();
  };
  const noteKeys = (keys: readonly string[]) => {
    for (const key of keys) {
      const namespace = (NAMESPACE_KEY.exec(key) ?? MAP_KEY.exec(key))?.[1];
      if (namespace !== undefined) dirty.add(namespace);
    }
  };
  /** Whether it is as it should be now, as far as that can be brought about. */
  const put = async (namespace: string, signal: AbortSignal): Promise<boolean> => {
    const pem = roots();
    const there = objectAt<Namespace>(`core/Namespace/-/${namespace}`);
    if (pem === undefined || there === undefined || isEnding(there)) return true;
    const wanted = wantedMap(namespace, pem, owners);
    if (isSame(objectAt<ConfigMap>(`core/ConfigMap/${namespace}/${IDENTITY_CONFIG_MAP}`), wanted))
      return true;
    const place = { apiVersion: "v1", plural: "configmaps", namespace };
    try {
      await client.apply(place, wanted, {}, signal);
      return true;
    } catch (error) {
      if (signal.aborted || isGoing(error)) return true;
      log.error("HDL7258: proxies of a namespace may not know the agent", {
        namespace,
        error: String(error),
      });
      return false;
    }
  };
  return {
    objectsChanged(keys) {
      noteKeys(keys);
      if (dirty.size > 0) wake();
    },
    async run(signal) {
      const stop = onRoots(allDirty);
      allDirty();
      try {
        owners = await ownersOf(client, role, signal);
        while (!signal.aborted) {
          if (dirty.size === 0)
            await new Promise<void>((resolve) => {
              wake = resolve;
              signal.addEventListener("abort", () => resolve(), { once: true });
            });
          await pause(GATHER, signal);
          const batch = [...dirty];
          dirty.clear();
          const failed: string[] = [];
          const work = batch.values();
          await Promise.all(
            Array.from({ length: WRITERS }, async () => {
              for (const namespace of work)
                if (!signal.aborted && !(await put(namespace, signal))) failed.push(namespace);
            }),
          );
          if (failed.length === 0) continue;
          await pause(TRY_AGAIN, signal);
          for (const namespace of failed) dirty.add(namespace);
        }
      } finally {
        stop();
        wake = () => {};
      }
    },
  };
}

interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** None where the agent has its rights from somewhere else: what it made then stays when it goes. */
async function ownersOf(
  client: Pick<KubernetesClient, "find">,
  name: string,
  signal: AbortSignal,
): Promise<readonly Owner[]> {
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const role = await client
    .find({ apiVersion, plural: "clusterroles" }, name, signal)
    .catch(() => undefined);
  const uid = role?.metadata.uid;
  return uid === undefined ? [] : [{ apiVersion, kind: "ClusterRole", name, uid }];
}

function wantedMap(namespace: string, roots: string, owners: readonly Owner[]): KubernetesObject {
  const made = identityConfigMap(namespace, roots) as KubernetesObject;
  return { ...made, metadata: { ...made.metadata, labels: OWN_LABELS, ownerReferences: owners } };
}

function isSame(map: MeshObject<ConfigMap> | undefined, wanted: KubernetesObject): boolean {
  const data = (wanted["data"] ?? {}) as Readonly<Record<string, string>>;
  // What others add beside it is theirs.
  return Object.entries(data).every(([name, text]) => map?.spec.data?.[name] === text);
}

function isEnding({ spec }: MeshObject<Namespace>): boolean {
  return spec.status?.phase === "Terminating";
}

/** The namespace has gone, or goes, and this agent has not heard of it yet. */
function isGoing(error: unknown): boolean {
  return (
    error instanceof ApiFailure &&
    (error.missing || (error.status === 403 && /being terminated/.test(error.message)))
  );
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {});
}
