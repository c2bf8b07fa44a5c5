/** Who has which address in the mesh, and which WorkloadGroups an account has: what a machine's claims are held against. */
import type { MeshObject, Pod, Service, WorkloadEntry, WorkloadGroup } from "@heddle/model";
import { accountOfGroup, canonicalAddress } from "@heddle/model";
import { ENTRY_KIND, GROUP_KIND } from "./machine.ts";

const POD_KIND = "core/Pod/";
const SERVICE_KIND = "core/Service/";

export interface Directory {
  /** Keys of objects that came, went or changed. */
  objectsChanged(keys: Iterable<string>): void;
  /** Keys of the Pods, Services and WorkloadEntries that have a canonical address. */
  at(address: string): readonly string[];
  groupsOf(namespace: string, serviceAccount: string): readonly MeshObject<WorkloadGroup>[];
  /** Keys of all WorkloadEntries. */
  entries(): Iterable<string>;
}

export function createDirectory(objectAt: (key: string) => MeshObject | undefined): Directory {
  const addresses = new Map<string, readonly string[]>();
  const holders = new Map<string, Set<string>>();
  const groups = new Set<string>();
  const entries = new Set<string>();

  const file = (key: string, after: readonly string[]) => {
    for (const address of addresses.get(key) ?? []) {
      const keys = holders.get(address);
      keys?.delete(key);
      if (keys?.size === 0) holders.delete(address);
    }
    if (after.length === 0) addresses.delete(key);
    else addresses.set(key, after);
    for (const address of after) holders.set(address, (holders.get(address) ?? new Set()).add(key));
  };
  return {
    objectsChanged(keys) {
      for (const key of keys) {
        const read = READS.find(([kind]) => key.startsWith(kind))?.[1];
        const isGroup = key.startsWith(GROUP_KIND);
        if (!read && !isGroup) continue;
        const object = objectAt(key);
        if (isGroup) note(groups, key, object);
        if (key.startsWith(ENTRY_KIND)) note(entries, key, object);
        if (read) file(key, object === undefined ? [] : canonical(read(object)));
      }
    },
    at: (address) => [...(holders.get(address) ?? [])],
    groupsOf: (namespace, serviceAccount) =>
      [...groups].flatMap((key) => {
        const group = objectAt(key) as MeshObject<WorkloadGroup> | undefined;
        const is =
          group?.metadata.namespace === namespace && accountOfGroup(group.spec) === serviceAccount;
        return is ? [group] : [];
      }),
    entries: () => entries,
  };
}

function note(keys: Set<string>, key: string, object: MeshObject | undefined): void {
  if (object === undefined) keys.delete(key);
  else keys.add(key);
}

type Addresses = readonly (string | undefined)[];

const READS: readonly (readonly [kind: string, read: (object: MeshObject) => Addresses])[] = [
  [POD_KIND, (object) => ofPod(object as MeshObject<Pod>)],
  [SERVICE_KIND, (object) => ofService(object as MeshObject<Service>)],
  [ENTRY_KIND, ({ spec }) => [(spec as WorkloadEntry).address]],
];

/** A pod that has ended has its address no more, though it still stands there. */
function ofPod({ spec: { status = {} } }: MeshObject<Pod>): Addresses {
  const { phase, podIP, podIPs = [] } = status;
  return phase === "Succeeded" || phase === "Failed" ? [] : [podIP, ...podIPs.map(({ ip }) => ip)];
}

function ofService({ spec }: MeshObject<Service>): Addresses {
  const { clusterIP, clusterIPs = [], externalIPs = [], status } = spec;
  const balanced = status?.loadBalancer?.ingress ?? [];
  return [clusterIP, ...clusterIPs, ...externalIPs, ...balanced.map(({ ip }) => ip)];
}

function canonical(addresses: Addresses): readonly string[] {
  return [...new Set(addresses.flatMap((each) => canonicalAddress(each ?? "") ?? []))];
}
