/**
 * Replicas of one agent: they share its token, and each has a socket of its own. In a room each is an agent by itself, since
 * proxies are connected to it alone; in the database and for users they are one.
 */
import type { Acknowledgement, RoomAgent } from "./room.ts";

/** In no agent's id, and in no name of a pod. */
const BETWEEN = "~";
/** As pods are named. */
const NAME = /^[a-z0-9][-a-z0-9.]{0,251}[a-z0-9]$/;
/** Sockets that one agent may have: more are a mistake. */
const MAX_REPLICAS = 32;

/** What a room calls a replica; the agent's own id where it names none, or none that could be. */
export function replicaId(agent: string, replica: string | null | undefined): string {
  return replica && NAME.test(replica) ? `${agent}${BETWEEN}${replica}` : agent;
}

/** The agent that a room's id is of. */
export function agentOfReplica(id: string): string {
  return id.split(BETWEEN, 1)[0] ?? id;
}

export function isReplica(id: string): boolean {
  return id.includes(BETWEEN);
}

/** Whether an agent with these sockets, by id, may not have another one. */
export function isOneTooMany(there: readonly string[], id: string): boolean {
  if (!isReplica(id) || there.includes(id)) return false;
  const agent = agentOfReplica(id);
  return there.filter((other) => agentOfReplica(other) === agent).length >= MAX_REPLICAS;
}

/** The replicas of an agent as one; undefined where there are none. */
export function asOneAgent(replicas: readonly RoomAgent[]): RoomAgent | undefined {
  const [first] = replicas;
  if (!first || replicas.length === 1) return first && { ...first, id: agentOfReplica(first.id) };
  const connected = replicas.filter((each) => each.connected);
  const counted = connected.length > 0 ? connected : replicas;
  const newest = counted.toSorted((a, b) => b.since - a.since)[0] ?? first;
  return {
    ...newest,
    id: agentOfReplica(first.id),
    connected: connected.length > 0,
    applied: Math.min(...counted.map(({ applied }) => applied)),
    acknowledged: Math.min(...counted.map(({ acknowledged }) => acknowledged)),
    proxies: new Map(counted.flatMap(({ proxies }) => [...proxies])),
  };
}

/** What the replicas say of a revision together. Complete when each of them is. */
export function asOneAcknowledgement(
  number: number,
  replicas: readonly RoomAgent[],
): { readonly ack: Acknowledgement; readonly complete: boolean } {
  const acks = replicas.map(({ ack, acknowledged, proxies }): Acknowledgement => {
    if (ack?.number === number) return ack;
    // What was acknowledged later holds what came before; who has said nothing yet has all to do.
    const done = acknowledged >= number || (ack !== undefined && ack.number > number);
    const all = ack?.proxies ?? proxies.size;
    const said = { number, proxies: all, laggards: [], rejections: [] };
    return { ...said, acknowledged: done ? all : 0 };
  });
  const silent = replicas.some(
    ({ ack, acknowledged }) => acknowledged < number && (ack === undefined || ack.number < number),
  );
  const sum = (value: (ack: Acknowledgement) => number) =>
    acks.reduce((total, ack) => total + value(ack), 0);
  const ack = {
    number,
    proxies: sum(({ proxies }) => proxies),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    laggards: acks.flatMap(({ laggards }) => laggards),
    rejections: acks.flatMap(({ rejections }) => rejections),
  };
  return { ack, complete: !silent && ack.acknowledged >= ack.proxies };
}
