/** What of the objects that are made for Gateways the cluster has, as it changes. */
import { GATEWAY_NAME } from "@heddle/injection";
import type { ApiServer } from "../sources/kubernetes/api.ts";
import {
  nameOf,
  type RawObject,
  type Reflector,
  startReflector,
} from "../sources/kubernetes/reflector.ts";
import type { KubernetesObject } from "../kubernetes/client.ts";
import { MADE_KINDS } from "./made-kinds.ts";

export interface SeenObjects {
  /** By `idOf`: those with the label that names a Gateway, whoever made them. */
  get(id: string): KubernetesObject["metadata"] | undefined;
  all(): IterableIterator<[id: string, metadata: KubernetesObject["metadata"]]>;
  /** Each kind was listed: what is not seen is not there. */
  whole(): boolean;
  close(): Promise<void>;
}

export function watchMade(api: ApiServer, changed: () => void): SeenObjects {
  const seen = new Map<string, KubernetesObject["metadata"]>();
  const reflectors = MADE_KINDS.map(({ apiVersion, kind, plural }): Reflector => {
    const id = (name: string) => `${kind}/${name}`;
    return startReflector({
      ...{ api, changed, metadataOnly: true },
      path: `/${apiVersion.includes("/") ? "apis" : "api"}/${apiVersion}/${plural}`,
      query: { labelSelector: GATEWAY_NAME },
      target: {
        put(object) {
          seen.set(id(nameOf(object)), object.metadata as KubernetesObject["metadata"]);
          changed();
        },
        remove(object: RawObject) {
          if (seen.delete(id(nameOf(object)))) changed();
        },
        only(names) {
          const listed = new Set([...names].map(id));
          for (const known of seen.keys())
            if (known.startsWith(`${kind}/`) && !listed.has(known)) seen.delete(known);
          changed();
        },
      },
    });
  });
  return {
    get: (id) => seen.get(id),
    all: () => seen.entries(),
    whole: () => reflectors.every((each) => each.state().listed),
    async close() {
      await Promise.all(reflectors.map((each) => each.close()));
    },
  };
}
