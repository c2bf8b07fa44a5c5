/** A room's state in the storage of its Durable Object, so that it wakes as it fell asleep. */
import { emptyRoom, type ProxyReport, type RoomAgent, type RoomState } from "@heddle/sync";
import type { ObjectStorage } from "./durable-runtime.ts";

type StoredAgent = Omit<RoomAgent, "proxies">;
interface StoredRoom {
  readonly head: RoomState["head"];
  readonly inline: RoomState["inline"];
  readonly agents: readonly StoredAgent[];
  readonly progress: RoomState["progress"];
}

const ROOM = "room";
/** One entry a proxy: a list of thousands would not fit into one value. */
const PROXY = "proxy ";
/** Entries that one `put` or `delete` takes. */
const BATCH = 128;
/** Revisions whose progress survives sleep. */
const KEPT_PROGRESS = 20;

export async function loadRoom(storage: ObjectStorage, mesh: string): Promise<RoomState> {
  const [room, proxies] = await Promise.all([
    storage.get<StoredRoom>(ROOM),
    storage.list<{ agent: string; report: ProxyReport }>({ prefix: PROXY }),
  ]);
  if (!room) return emptyRoom(mesh);
  const byAgent = Map.groupBy(proxies.values(), ({ agent }) => agent);
  const agents = room.agents.map((agent): [string, RoomAgent] => {
    const own = byAgent.get(agent.id) ?? [];
    return [agent.id, { ...agent, proxies: new Map(own.map(({ report }) => [report.id, report])) }];
  });
  return {
    mesh,
    head: room.head,
    inline: room.inline,
    agents: new Map(agents),
    progress: room.progress,
  };
}

/** Writes what differs. The runtime gathers the writes of one turn into one. */
export async function saveRoom(
  storage: ObjectStorage,
  before: RoomState,
  after: RoomState,
): Promise<void> {
  const agents = [...after.agents.values()].map(({ proxies: _, ...agent }) => agent);
  const progress = new Map([...after.progress].slice(-KEPT_PROGRESS));
  const room: StoredRoom = { head: after.head, inline: after.inline, agents, progress };
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
  await Promise.all(writes);
}

const keyOf = (agent: string, proxy: string) => `${PROXY}${agent} ${proxy}`;

function batches<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / BATCH) }, (_, index) =>
    items.slice(index * BATCH, (index + 1) * BATCH),
  );
}
