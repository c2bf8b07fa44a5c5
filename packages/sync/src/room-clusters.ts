/** Clusters that share a mesh, as its room sees them: who shares what, who is told of it, and until when. */

import type { AgentFrame, PlaneFrame, Sharing } from "./frames.ts";
import { agentOfReplica } from "./replica.ts";
import type { RoomAgent, RoomEffect, RoomState, RoomStep } from "./room.ts";
import { MAX_CLUSTERS, MAX_SHARED_ITEMS } from "./shared-item.ts";
import { nothingShared, type SharedSet, wholeInParts, withPart } from "./shared-set.ts";

export interface RoomCluster extends Sharing {
  /** Its agent; replicas are one. */
  readonly id: string;
  readonly name: string;
  /** When the last socket of the agent went, milliseconds since 1970; undefined: it is there. */
  readonly goneAt: number | undefined;
  /** The socket that was asked for what the cluster shares; undefined: nobody was. */
  readonly asked: string | undefined;
  readonly set: SharedSet;
}

type Clusters = ReadonlyMap<string, RoomCluster>;

/** An agent has greeted. */
export function clusterJoined([state, effects]: RoomStep, agent: RoomAgent): RoomStep {
  const { sharing, name } = agent;
  const id = agentOfReplica(agent.id);
  if (sharing === undefined) return notSharing([state, effects], id);
  const known = state.clusters.get(id);
  if (!known && state.clusters.size >= MAX_CLUSTERS) {
    const message = `${MAX_CLUSTERS} clusters share the mesh already.`;
    return [state, [...effects, refusal(agent.id, "HDL7018", message)]];
  }
  // Another cluster by the same agent has nothing of what the first one had.
  const set = known?.cluster === sharing.cluster ? known.set : nothingShared;
  // A socket that greets knows of nothing that was asked of the one before it.
  const asked = known?.asked === agent.id ? undefined : known?.asked;
  const cluster = { ...sharing, id, name, goneAt: undefined, asked, set };
  const next = withCluster(state, cluster);
  return settled(next, effects, isListed(known, cluster) ? [agent.id] : everybody(next));
}

/** A socket has gone. The cluster stays for its time to live. */
export function clusterLeft([state, effects]: RoomStep, id: string, now: number): RoomStep {
  const cluster = state.clusters.get(agentOfReplica(id));
  if (!cluster || cluster.goneAt !== undefined) return [state, effects];
  const next = withCluster(state, {
    ...cluster,
    goneAt: socketsOf(state, cluster.id).length > 0 ? undefined : now,
    asked: cluster.asked === id ? undefined : cluster.asked,
  });
  return settled(next, effects, []);
}

/** Withdraws clusters whose agents have been gone for their time to live. */
export function withdrawGone(state: RoomState, now: number): RoomStep {
  const over = [...state.clusters.values()].filter((each) => goneUntil(each) <= now);
  if (over.length === 0) return settled(state, [], []);
  const clusters = new Map(state.clusters);
  for (const { id } of over) clusters.delete(id);
  const next = { ...state, clusters };
  return settled(next, [], everybody(next), over);
}

/** A part of what an agent's cluster shares: kept, and handed on to the others. */
export function sharedPart(
  state: RoomState,
  id: string,
  frame: Extract<AgentFrame, { type: "shared" }>,
): RoomStep {
  const cluster = state.clusters.get(agentOfReplica(id));
  // From another socket than the one that was asked, or after it was told to stop.
  if (cluster?.asked !== id) return [state, []];
  const [set, lost] = withPart(cluster.set, frame);
  const size = Math.max(set.items.size, set.pending?.items.size ?? 0);
  if (size > MAX_SHARED_ITEMS) {
    const message = `Cluster ${cluster.cluster} shares ${size} items; the limit is ${MAX_SHARED_ITEMS}.`;
    return [state, [refusal(id, "HDL7017", message)]];
  }
  const next = withCluster(state, { ...cluster, set });
  if (lost) return [next, [send(id, { type: "share", on: true })]];
  const { type: _, ...part } = frame;
  const relayed: PlaneFrame = { type: "elsewhere", agent: cluster.id, ...part };
  return [next, listenersTo(state, cluster).map((each) => send(each.id, relayed))];
}

/** All that another agent's cluster shares, for who asks; nothing while it is not whole: it comes when it is. */
export function wantedBy(state: RoomState, id: string, wanted: string): RoomEffect[] {
  const cluster = state.clusters.get(wanted);
  const version = cluster?.set.version;
  if (!cluster || version === undefined) return [];
  if (!listenersTo(state, cluster).some((each) => each.id === id)) return [];
  return wholeInParts([...cluster.set.items.values()], version).map((part) =>
    send(id, { type: "elsewhere", agent: wanted, ...part }),
  );
}

/** Names of the clusters that one shares its mesh with, sorted. */
export function sharesWith(clusters: Clusters, id: string): readonly string[] {
  const own = clusters.get(id);
  if (!own) return [];
  const others = [...clusters.values()].filter(({ cluster }) => cluster !== own.cluster);
  return [...new Set(others.map(({ cluster }) => cluster))].toSorted();
}

/** Asks who has to share and is not asked, tells who need not any more, and those who are to be told who there is. */
function settled(
  before: RoomState,
  effects: readonly RoomEffect[],
  told: readonly string[],
  withdrawn: readonly RoomCluster[] = [],
): RoomStep {
  let state = before;
  const said: RoomEffect[] = [];
  const wanted = new Set([...before.clusters.values()].map(({ cluster }) => cluster)).size > 1;
  for (const cluster of before.clusters.values()) {
    const [socket] = socketsOf(before, cluster.id);
    if (wanted && cluster.asked === undefined && socket) {
      const { version } = cluster.set;
      const held = version === undefined ? {} : { version };
      state = withCluster(state, { ...cluster, asked: socket.id });
      said.push(send(socket.id, { type: "share", on: true, ...held }));
    } else if (!wanted && (cluster.asked !== undefined || cluster.set !== nothingShared)) {
      state = withCluster(state, { ...cluster, asked: undefined, set: nothingShared });
      if (cluster.asked !== undefined) said.push(send(cluster.asked, { type: "share", on: false }));
    }
  }
  for (const id of told) {
    const agent = state.agents.get(id);
    if (agent?.sharing) said.push(send(id, listFor(state, agent, withdrawn)));
  }
  const first = Math.min(...[...state.clusters.values()].map(goneUntil));
  if (Number.isFinite(first)) said.push({ type: "wake", at: first });
  return [state, [...effects, ...said]];
}

function listFor(
  state: RoomState,
  { id, sharing }: RoomAgent,
  withdrawn: readonly RoomCluster[],
): PlaneFrame {
  const others = [...state.clusters.values()].filter(
    (each) => each.id !== agentOfReplica(id) && each.cluster !== sharing?.cluster,
  );
  return {
    type: "clusters",
    clusters: others.map(({ id: agent, name, cluster, ttl, goneAt, set: { version } }) => ({
      ...{ agent, name, cluster, ttl, connected: goneAt === undefined },
      ...(version === undefined ? {} : { version }),
    })),
    withdrawn: withdrawn.map((each) => each.id),
  };
}

/** An agent that does not share any more has no cluster, and the others hear of it at once. */
function notSharing([state, effects]: RoomStep, id: string): RoomStep {
  const cluster = state.clusters.get(id);
  if (!cluster || socketsOf(state, id).length > 0) return [state, effects];
  const clusters = new Map(state.clusters);
  clusters.delete(id);
  const next = { ...state, clusters };
  return settled(next, effects, everybody(next), [cluster]);
}

/** Whether those who have been told of it have been told all. */
function isListed(known: RoomCluster | undefined, now: RoomCluster): boolean {
  return (
    known !== undefined &&
    known.goneAt === undefined &&
    (["name", "cluster", "ttl"] as const).every((field) => known[field] === now[field])
  );
}

/** Connected sockets of an agent that share, in one order. */
function socketsOf(state: RoomState, id: string): readonly RoomAgent[] {
  return [...state.agents.values()]
    .filter((each) => each.connected && each.sharing && agentOfReplica(each.id) === id)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function listenersTo({ agents }: RoomState, { id, cluster }: RoomCluster): readonly RoomAgent[] {
  return [...agents.values()].filter(
    ({ connected, sharing, id: own }) =>
      connected && sharing && agentOfReplica(own) !== id && sharing.cluster !== cluster,
  );
}

function everybody({ agents }: RoomState): readonly string[] {
  return [...agents.values()].filter((each) => each.connected && each.sharing).map(({ id }) => id);
}

const goneUntil = ({ goneAt, ttl }: RoomCluster) =>
  goneAt === undefined ? Number.POSITIVE_INFINITY : goneAt + ttl;

const withCluster = (state: RoomState, cluster: RoomCluster): RoomState => ({
  ...state,
  clusters: new Map([...state.clusters, [cluster.id, cluster]]),
});

const send = (agent: string, frame: PlaneFrame): RoomEffect => ({ type: "send", agent, frame });

const refusal = (agent: string, code: string, message: string): RoomEffect =>
  send(agent, { type: "error", code, message });
