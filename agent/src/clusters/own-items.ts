/** What this cluster shares with the others of its mesh, and what of it has changed. */
import { createHash } from "node:crypto";
import { type MeshObject, objectKey, type Service } from "@heddle/model";
import { MAX_SHARED_ITEMS, type SharedItem } from "@heddle/sync";
import { OWN_GATEWAYS, type OwnCluster } from "@heddle/translate";
import type { MergedModel } from "../sources/merge.ts";
import { documentOf, isForOthers, itemsOf } from "./shared-services.ts";

export interface OwnItems {
  /** Reads what has changed of the cluster. Answers with the items that are others now, by key; undefined: gone. */
  refresh(): Map<string, SharedItem | undefined>;
  all(): readonly SharedItem[];
  /** Hash of all items: equal in whatever order they came. */
  version(): string;
  /** Services for which there was no room. */
  leftOut(): number;
}

export function createOwnItems(
  own: OwnCluster,
  model: Pick<MergedModel, "get" | "ownerOf">,
): OwnItems {
  /** By service, `host|namespace`, or `OWN_GATEWAYS`. */
  const held = new Map<string, readonly SharedItem[]>();
  const items = new Map<string, SharedItem>();
  const hashes = new Map<string, string>();
  const leftOut = new Set<string>();

  const read = (name: string): readonly SharedItem[] => {
    if (name === OWN_GATEWAYS)
      return own.gateways().map(({ network, address, port }) => {
        const key = `gateway|${network}|${address}|${port}`;
        return { kind: "gateway", key, network, address, port };
      });
    const bar = name.lastIndexOf("|");
    const [host, namespace] = [name.slice(0, bar), name.slice(bar + 1)];
    const service = own.service(host, namespace);
    if (!service || !isForOthers(namespace, service.model.name, service.model.exportTo)) return [];
    const { model: found, endpoints } = service;
    if (found.origin === "ServiceEntry") return itemsOf(host, namespace, undefined, endpoints);
    const key = serviceKey(namespace, found.name);
    // What another cluster has told of is not this one's to tell.
    if (model.ownerOf(key) === "elsewhere") return [];
    const object = model.get(key) as MeshObject<Service> | undefined;
    return object ? itemsOf(host, namespace, documentOf(object), endpoints) : [];
  };
  return {
    refresh() {
      const changed = new Map<string, SharedItem | undefined>();
      for (const name of own.takeChanged()) {
        const before = held.get(name) ?? [];
        let after = read(name);
        leftOut.delete(name);
        if (items.size - before.length + after.length > MAX_SHARED_ITEMS) {
          leftOut.add(name);
          after = [];
        }
        if (after.length > 0) held.set(name, after);
        else held.delete(name);
        const kept = new Set(after.map(({ key }) => key));
        for (const { key } of before) {
          if (kept.has(key)) continue;
          items.delete(key);
          hashes.delete(key);
          changed.set(key, undefined);
        }
        for (const item of after) {
          const hash = digest(JSON.stringify(item));
          if (hashes.get(item.key) === hash) continue;
          items.set(item.key, item);
          hashes.set(item.key, hash);
          changed.set(item.key, item);
        }
      }
      return changed;
    },
    all: () => [...items.values()],
    version: () =>
      digest(
        [...hashes]
          .map(([key, hash]) => `${key} ${hash}\n`)
          .toSorted()
          .join(""),
      ),
    leftOut: () => leftOut.size,
  };
}

function serviceKey(namespace: string, name: string): string {
  const metadata = { namespace, name, labels: {}, annotations: {} };
  return objectKey({ apiVersion: "v1", kind: "Service", metadata });
}

const digest = (text: string) => createHash("sha256").update(text).digest("hex");
