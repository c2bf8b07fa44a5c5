/** For tests: WorkloadEntries as an API server keeps them, with its rules for writing, and a few objects of a mesh. */
import type { MeshObject, WorkloadGroup } from "@heddle/model";
import { ApiFailure } from "../../kubernetes/api-failure.ts";
import type { KubernetesClient, KubernetesObject } from "../../kubernetes/client.ts";
import { entryKey, groupKey } from "../machine.ts";

export type EntryClient = Pick<KubernetesClient, "find" | "create" | "replace" | "remove">;

export interface Entries {
  readonly client: EntryClient;
  readonly all: Map<string, KubernetesObject>;
  /** Told of every write. */
  onWrite: (key: string) => void;
}

export function keptEntries(): Entries {
  const all = new Map<string, KubernetesObject>();
  let version = 0;
  const conflict = () => new ApiFailure("another version", 409, "Conflict", 0);
  const put = (key: string, object: KubernetesObject, uid: string) => {
    const metadata = { ...object.metadata, uid, resourceVersion: String(++version) };
    const made = { ...object, metadata };
    all.set(key, made);
    entries.onWrite(key);
    return Promise.resolve(made);
  };
  const keyOf = (namespace: string | undefined, name: string) => entryKey(namespace ?? "", name);
  const client: EntryClient = {
    find: ({ namespace }, name) => Promise.resolve(all.get(keyOf(namespace, name))),
    create({ namespace }, object) {
      const key = keyOf(namespace, object.metadata.name);
      return all.has(key) ? Promise.reject(conflict()) : put(key, object, `uid-${version}`);
    },
    replace({ namespace }, object) {
      const key = keyOf(namespace, object.metadata.name);
      const there = all.get(key)?.metadata;
      const { uid, resourceVersion } = object.metadata;
      return there?.uid === uid && there?.resourceVersion === resourceVersion
        ? put(key, object, uid ?? "")
        : Promise.reject(conflict());
    },
    remove({ namespace }, name, { preconditions } = {}) {
      const key = keyOf(namespace, name);
      const there = all.get(key)?.metadata;
      if (there === undefined) return Promise.resolve(false);
      if (
        there.uid !== preconditions?.uid ||
        there.resourceVersion !== preconditions?.resourceVersion
      )
        return Promise.reject(conflict());
      all.delete(key);
      entries.onWrite(key);
      return Promise.resolve(true);
    },
  };
  const entries: Entries = { client, all, onWrite: () => {} };
  return entries;
}

export function groupObject(
  name: string,
  serviceAccount: string,
  labels: Readonly<Record<string, string>> = {},
): MeshObject<WorkloadGroup> {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "WorkloadGroup",
    metadata: { name, namespace: "shop", labels: {}, annotations: {}, uid: `uid-of-${name}` },
    spec: { metadata: { labels }, template: { serviceAccount, ports: { http: 8080 } } },
  };
}

export const keyOfGroup = (name: string): string => groupKey("shop", name);
