/** A room's state in the storage of its Durable Object, so that it wakes as it fell asleep. */
import {
  differenceOf,
  emptyRoom,
  nothingShared,
  type ProxyReport,
  type RoomAgent,
  type RoomCluster,
  type RoomState,
  type SharedItem,
} from "@heddle/sync";
import type { MeshRef } from "../deps.ts";
import type { ObjectStorage } from "./durable-runtime.ts";

type StoredAgent = Omit<RoomAgent, "proxies">;
/** Items stand by themselves, and with them the version that they are. */
type StoredCluster = Omit<RoomCluster, "set"> & { readonly version: string | undefined };
interface StoredRoom {
  /** Whose room it is: an alarm does not say. */
  readonly mesh?: MeshRef;
  readonly clusters?: readonly StoredCluster[];
  readonly head: RoomState["head"];
  readonly inline: RoomState["inline"];
  readonly authority?: RoomState["authority"];
  readonly agents: readonly StoredAgent[];
  readonly progress: RoomState["progress"];
}

const ROOM = "room";
/** One entry a proxy: a list of thousands would not fit into one value. */
const PROXY = "proxy ";
/** One entry an item that a cluster shares. */
const ITEM = "item ";
/** Entries that one `put` or `delete` takes. */
const BATCH = 128;
/** Revisions whose progress survives sleep. */
const KEPT_PROGRESS = 20;

/** Whose room it is; undefined for one that nothing was stored of. */
export async function meshOfRoom(storage: ObjectStorage): Promise<MeshRef | undefined> {
  return (await storage.get<StoredRoom>(ROOM))?.mesh;
}

export async function loadRoom(storage: ObjectStorage, mesh: MeshRef): Promise<RoomState> {
  const [room, proxies, shared] = await Promise.all([
    storage.get<StoredRoom>(ROOM),
    storage.list<{ agent: string; report: ProxyReport }>({ prefix: PROXY }),
    storage.list<{ agent: string; item: SharedItem }>({ prefix: ITEM }),
  ]);
  if (!room) return emptyRoom(mesh.id);
  const byAgent = Map.groupBy(proxies.values(), ({ agent }) => agent);
  const agents = room.agents.map((agent): [string, RoomAgent] => {
    const own = byAgent.get(agent.id) ?? [];
    return [agent.id, { ...agent, proxies: new Map(own.map(({ report }) => [report.id, report])) }];
  });
  const itemsOf = Map.groupBy(shared.values(), ({ agent }) => agent);
  const clusters = (room.clusters ?? []).map(({ version, ...cluster }): [string, RoomCluster] => {
    const own = itemsOf.get(cluster.id) ?? [];
    const items = new Map(own.map(({ item }) => [item.key, item]));
    const set = version === undefined ? nothingShared : { version, items, pending: undefined };
    return [cluster.id, { ...cluster, set }];
  });
  return {
    mesh: mesh.id,
    clusters: new Map(clusters),
    head: room.head,
    inline: room.inline,
    authority: room.authority,
    agents: new Map(agents),
    progress: room.progress,
  };
}

/** Writes what differs. The runtime gathers the writes of one turn into one. */
export async function saveRoom(
  storage: ObjectStorage,
  { tenant, id }: MeshRef,
  before: RoomState,
  after: RoomState,
): Promise<void> {
  const agents = [...after.agents.values()].map(({ proxies: _, ...agent }) => agent);
  const progress = new Map([...after.progress].slice(-KEPT_PROGRESS));
  const clusters = [...after.clusters.values()].map(({ set: { version }, ...cluster }) => ({
    ...cluster,
    version,
  }));
  const mesh = { tenant, id };
  const { head, inline, authority } = after;
  const room: StoredRoom = { mesh, head, inline, authority, agents, progress, clusters };
  const writes: Promise<unknown>[] = [storage.put({ [ROOM]: room })];
  for (const agent of after.agents.values()) {
    const old = before.agents.get(agent.id)?.proxies;
    if (old === agent.proxies) continue;
    const puts: [string, unknown][] = [];
    for (const [id, report] of agent.proxies)
      if (old?.get(id) !== report) puts.push([keyOf(agent.id, id), { agent: agent.id, report }]);
    const gone = [...(old?.keys() ?? [])]
      .filter((id) => !agent.proxies.has(id))
      .map((id) => keyOf(agent.id, id));
    for (const batch of batches(puts)) writes.push(storage.put(Object.fromEntries(batch)));
    for (const batch of batches(gone)) writes.push(storage.delete(batch));
  }
  for (const { id, proxies } of before.agents.values()) {
    if (after.agents.has(id)) continue;
    const keys = [...proxies.keys()].map((proxy) => keyOf(id, proxy));
    for (const batch of batches(keys)) writes.push(storage.delete(batch));
  }
  await Promise.all([...writes, ...itemWrites(storage, before, after)]);
}

function itemWrites(
  storage: ObjectStorage,
  before: RoomState,
  after: RoomState,
): Promise<unknown>[] {
  const puts: [string, unknown][] = [];
  const gone: string[] = [];
  for (const agent of new Set([...before.clusters.keys(), ...after.clusters.keys()])) {
    const old = before.clusters.get(agent)?.set.items ?? new Map<string, SharedItem>();
    const now = after.clusters.get(agent)?.set.items ?? new Map<string, SharedItem>();
    for (const [key, item] of differenceOf(old, now)) {
      if (item) puts.push([itemKey(agent, key), { agent, item }]);
      else gone.push(itemKey(agent, key));
    }
  }
  return [
    ...batches(puts).map((batch) => storage.put(Object.fromEntries(batch))),
    ...batches(gone).map((batch) => storage.delete(batch)),
  ];
}

const itemKey = (agent: string, key: string) => `${ITEM}${agent} ${key}`;

const keyOf = (agent: string, proxy: string) => `${PROXY}${agent} ${proxy}`;

function batches<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / BATCH) }, (_, index) =>
    items.slice(index * BATCH, (index + 1) * BATCH),
  );
}
