/**
 * Writes the WorkloadEntries of machines that are connected to this replica. Several replicas may: whoever has the machine's stream
 * notes itself on the entry as its controller, and only who still stands there notes that the machine is gone. An entry is
 * removed a while after that, and only the one that nobody has touched since.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { MeshObject, WorkloadGroup } from "@heddle/model";
import { ApiFailure } from "../kubernetes/api-failure.ts";
import type { KubernetesClient, KubernetesObject } from "../kubernetes/client.ts";
import type { AgentLog } from "../log.ts";
import {
  type Annotated,
  disconnected,
  isRegistered,
  laidOver,
  placeOfEntries,
  registeredEntry,
  registrationOf,
  removeEntry,
} from "./entry.ts";
import { entryKey, groupKey, type Machine } from "./machine.ts";

/** After a write that failed, milliseconds; twice as much each time. */
const TRY_AGAIN = { first: 100, most: 5_000 };

export interface RegistrarOptions {
  readonly client: Pick<KubernetesClient, "find" | "create" | "replace" | "remove">;
  /** What this replica is called on entries. */
  readonly replica: string;
  readonly groupAt: (key: string) => MeshObject<WorkloadGroup> | undefined;
  /** Of an object of the cluster. */
  readonly uidOf: (key: string) => string | undefined;
  /** How long after its machine an entry goes, milliseconds. */
  readonly grace: number;
  readonly log: AgentLog;
}

export interface Registrar {
  /** A machine's stream has begun; what is given back is to be called when it has ended. */
  connected(machine: Machine): () => void;
  /** Whether the machine of an entry is connected to this replica; by the entry's key. */
  holds(entry: string): boolean;
  /** Keys of objects that came, went or changed: a machine that is here is to have its entry. */
  objectsChanged(keys: readonly string[], entryAt: (key: string) => Annotated | undefined): void;
  /** Entries that could not be written when that was tried last. */
  unwritten(): number;
  close(): void;
}

interface Held {
  readonly machine: Machine;
  streams: number;
  /** Of the newest stream; RFC 3339. */
  connectedAt: string;
  /** It is being brought in line. */
  running: boolean;
  /** There is more to do than was begun. */
  again: boolean;
  failing: boolean;
  leaving?: NodeJS.Timeout | undefined;
}

export function createRegistrar(options: RegistrarOptions): Registrar {
  const { client, replica, groupAt, uidOf, grace, log } = options;
  const all = new Map<string, Held>();
  const closing = new AbortController();
  const { signal } = closing;

  const run = async (key: string, held: Held): Promise<void> => {
    held.again = true;
    if (held.running) return;
    held.running = true;
    let wait = TRY_AGAIN.first;
    while (held.again && !signal.aborted) {
      held.again = false;
      try {
        await (held.streams > 0 ? join(held) : leave(key, held));
        held.failing = false;
      } catch (error) {
        if (signal.aborted) break;
        held.again = true;
        const failure = ApiFailure.of(error);
        // Somebody else has written it in between.
        if (!failure.conflict) tell(key, held, failure);
        await sleep(wait, undefined, { signal }).catch(() => {});
        wait = Math.min(wait * 2, TRY_AGAIN.most);
      }
    }
    held.running = false;
  };
  const tell = (key: string, held: Held, failure: ApiFailure) => {
    if (!held.failing)
      log.error("HDL7262: a machine's WorkloadEntry cannot be written", {
        entry: key,
        error: failure.message,
      });
    held.failing = true;
  };
  const join = async ({ machine, connectedAt }: Held): Promise<void> => {
    const key = groupKey(machine.namespace, machine.group);
    const group = groupAt(key);
    // What has gone since takes its entries with it.
    if (group === undefined) return;
    const place = placeOfEntries(group.apiVersion, machine.namespace);
    const wanted = registeredEntry(machine, group, uidOf(key), {
      controller: replica,
      connectedAt,
    });
    const there = await client.find(place, machine.entry, signal);
    if (there === undefined) {
      await client.create(place, wanted, signal);
      log.info("a machine has registered", { ...machine });
    } else if (isRegistered(there, machine.group)) {
      await client.replace(place, laidOver(there, wanted), signal);
    } else {
      log.error("HDL7262: a WorkloadEntry of another hand has the name of a machine's", {
        ...{ entry: machine.entry, namespace: machine.namespace, machine: machine.name },
      });
    }
  };
  /** Where another replica has the machine by now, nothing is left to do here. */
  const leave = async (key: string, held: Held): Promise<void> => {
    const there = await own(held);
    if (there === undefined) {
      if (held.streams === 0) all.delete(key);
      return;
    }
    const place = placeOfEntries(there.apiVersion, held.machine.namespace);
    await client.replace(place, disconnected(there, new Date().toISOString()), signal);
    if (held.streams > 0) return;
    held.leaving = setTimeout(() => void remove(key, held), grace);
  };
  const remove = async (key: string, held: Held): Promise<void> => {
    if (held.streams > 0) return;
    const { machine } = held;
    try {
      const there = await own(held);
      if (there && held.streams === 0 && (await removeEntry(client, there, signal)))
        log.info("a machine's entry is removed", { ...machine });
    } catch (error) {
      // The leader looks for what is left over.
      if (!signal.aborted && !ApiFailure.of(error).conflict) tell(key, held, ApiFailure.of(error));
    }
    if (held.streams === 0 && !held.running) all.delete(key);
  };
  /** The entry as it is now, where this replica is still its controller. */
  const own = async ({ machine }: Held): Promise<KubernetesObject | undefined> => {
    const apiVersion =
      groupAt(groupKey(machine.namespace, machine.group))?.apiVersion ?? NEWEST_VERSION;
    const there = await client.find(
      placeOfEntries(apiVersion, machine.namespace),
      machine.entry,
      signal,
    );
    return there && registrationOf(there)?.controller === replica ? there : undefined;
  };
  return {
    connected(machine) {
      if (!machine.registers || signal.aborted) return () => {};
      const key = entryKey(machine.namespace, machine.entry);
      const held = all.get(key) ?? {
        ...{ machine, streams: 0, connectedAt: "" },
        ...{ running: false, again: false, failing: false },
      };
      all.set(key, held);
      clearTimeout(held.leaving);
      held.streams++;
      held.connectedAt = new Date().toISOString();
      if (held.streams === 1) void run(key, held);
      return () => {
        held.streams--;
        if (held.streams === 0 && !signal.aborted) void run(key, held);
      };
    },
    holds: (entry) => (all.get(entry)?.streams ?? 0) > 0,
    objectsChanged(keys, entryAt) {
      const changed = new Set(keys);
      for (const [key, held] of all) {
        const { namespace, group } = held.machine;
        if (held.streams === 0) continue;
        const isOther = changed.has(groupKey(namespace, group));
        if (isOther || (changed.has(key) && isAbsent(entryAt(key)))) void run(key, held);
      }
    },
    unwritten: () => [...all.values()].filter(({ failing }) => failing).length,
    close() {
      closing.abort();
      for (const { leaving } of all.values()) clearTimeout(leaving);
    },
  };
}

/** Or somebody, such as a replica that had the machine too, has noted that it is gone. */
function isAbsent(entry: Annotated | undefined): boolean {
  return entry === undefined || registrationOf(entry)?.disconnectedAt !== undefined;
}

/** Where the group has gone that said which versions the cluster has. */
const NEWEST_VERSION = "networking.istio.io/v1";
