/** Virtual machines that join by their WorkloadGroup: who is let in, and the WorkloadEntries that stand for them. */
import type { MeshObject, WorkloadGroup } from "@heddle/model";
import type { ProxyDescription } from "@heddle/translate";
import type { MachineAccounts } from "../callers/index.ts";
import { createKubernetesClient } from "../kubernetes/client.ts";
import type { Cluster } from "../kubernetes/cluster.ts";
import type { AgentLog } from "../log.ts";
import { createAdmission } from "./admission.ts";
import { createDirectory } from "./directory.ts";
import type { Machine } from "./machine.ts";
import { createNodeAddresses } from "./node-addresses.ts";
import { createRegistrar } from "./registrar.ts";
import { sweep } from "./sweep.ts";

export interface Machines {
  readonly accounts: MachineAccounts;
  /** A proxy's stream has begun; what is given back is to be called when it has ended. */
  opened(proxy: ProxyDescription): () => void;
  /** Keys of objects that came, went or changed. */
  objectsChanged(keys: readonly string[]): void;
  numbers(): MachineNumbers;
  /** Entries stay as they are: machines come to another replica. */
  close(): Promise<void>;
}

export interface MachineNumbers {
  readonly connected: number;
  /** WorkloadEntries that could not be written when that was tried last. */
  readonly unwritten: number;
}

export interface MachinesOptions {
  readonly cluster: Pick<Cluster, "access" | "inside">;
  /** The whole model. */
  readonly objectAt: (key: string) => MeshObject | undefined;
  /** As the API server has it. */
  readonly clusterObject: (key: string) => MeshObject | undefined;
  readonly settings: MachineSettings;
  readonly log: AgentLog;
}

export interface MachineSettings {
  /** How long after its machine an entry goes, milliseconds. */
  readonly grace: number;
  /** Whether machines may have addresses of the loopback: where all of a mesh is on one host. */
  readonly loopback: boolean;
}

export function createMachines(options: MachinesOptions): Machines {
  const { cluster, objectAt, clusterObject, settings, log } = options;
  const { access, inside } = cluster;
  const { grace, loopback } = settings;
  const client = inside?.client ?? createKubernetesClient(access);
  const replica = inside?.pod.name;
  const directory = createDirectory(objectAt);
  const nodes = createNodeAddresses(() => client.list({ apiVersion: "v1", plural: "nodes" }), log);
  const admitted = new WeakMap<ProxyDescription, Machine>();
  const live = new Map<string, { readonly machine: Machine; streams: number }>();
  const registrar =
    replica === undefined
      ? undefined
      : createRegistrar({
          ...{ client, replica, grace, log },
          groupAt: (key) => objectAt(key) as MeshObject<WorkloadGroup> | undefined,
          uidOf: (key) => clusterObject(key)?.metadata.uid,
        });
  const isServed = (entry: string, controller: string) =>
    controller === replica
      ? registrar?.holds(entry) === true
      : clusterObject(`core/Pod/${inside?.pod.namespace ?? ""}/${controller}`) !== undefined;
  const stop = inside?.leadership.onLeading("machines", (signal) =>
    sweep({ client, entries: () => directory.entries(), objectAt, isServed, grace, log }, signal),
  );
  return {
    accounts: createAdmission({
      ...{ directory, nodes, objectAt, replica, loopback },
      live: (address) => live.get(address)?.machine,
      admitted: (proxy, machine) => void admitted.set(proxy, machine),
    }),
    opened(proxy) {
      const machine = admitted.get(proxy);
      if (machine === undefined) return () => {};
      const held = live.get(machine.address) ?? { machine, streams: 0 };
      live.set(machine.address, held);
      held.streams++;
      const left = registrar?.connected(machine);
      return () => {
        held.streams--;
        if (held.streams === 0) live.delete(machine.address);
        left?.();
      };
    },
    objectsChanged(keys) {
      directory.objectsChanged(keys);
      registrar?.objectsChanged(keys, objectAt);
    },
    numbers: () => ({ connected: live.size, unwritten: registrar?.unwritten() ?? 0 }),
    async close() {
      registrar?.close();
      await stop?.();
    },
  };
}
