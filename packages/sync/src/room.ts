/** The plane's side of the link as a pure function: one room per mesh, its agents, and how far each revision has come. */

import {
  type AgentFrame,
  type Head,
  type PlaneFrame,
  type ProxyReport,
  type Rejection,
} from "./frames.ts";
import type { FederationReport, Sharing } from "./frames.ts";
import { AUTHORITY, FEATURES, negotiate, PROTOCOLS, SHARING } from "./protocol.ts";
import { agentOfReplica, isReplica } from "./replica.ts";
import {
  clusterJoined,
  clusterLeft,
  type RoomCluster,
  sharedPart,
  wantedBy,
  withdrawGone,
} from "./room-clusters.ts";
import { SyncError } from "./sync-error.ts";

/** Milliseconds between an agent's pings: two missed ones notice a dead link within half a minute. */
export const HEARTBEAT = 10_000;
/** A revision that proxies have not acknowledged for so long is stale, milliseconds. */
export const STALE_AFTER = 30_000;
/** Revisions whose progress is kept in memory. */
const KEPT_REVISIONS = 200;

/** The last word of an agent on a revision. */
export type Acknowledgement = Omit<Extract<AgentFrame, { type: "ack" }>, "type">;

export interface RoomAgent {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly features: readonly string[];
  readonly connected: boolean;
  /** When it connected, or went, milliseconds since 1970. */
  readonly since: number;
  readonly applied: number;
  /** The last revision that all of its proxies have acknowledged. */
  readonly acknowledged: number;
  readonly ack: Acknowledgement | undefined;
  readonly proxies: ReadonlyMap<string, ProxyReport>;
  /** Hash of the summary that it has sent whole. */
  readonly summary: string | undefined;
  /** The cluster whose services it shares; undefined: none. */
  readonly sharing?: Sharing | undefined;
  /** What it said of certificates on this connection; undefined: nothing yet. */
  readonly authority?: AuthorityReport | undefined;
  /** What it said on this connection of the trust domains that the mesh federates with. */
  readonly federations?: readonly FederationReport[] | undefined;
}

/** What an agent says of its authority, and of whom it waits for. */
export type AuthorityReport = Omit<Extract<AgentFrame, { type: "authority" }>, "type">;

/** How far one revision has come over all agents of the mesh. */
export interface Progress {
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly committedAt: number;
  readonly proxies: number;
  readonly acknowledged: number;
  /** Milliseconds from commit to the last acknowledgement; undefined until then. */
  readonly durationMs: number | undefined;
  readonly laggards: readonly string[];
  readonly rejections: readonly Rejection[];
}

export interface RoomState {
  readonly mesh: string;
  readonly head: Head | undefined;
  readonly inline: string | undefined;
  /** Names which authorities are in force; undefined: none has been needed yet. */
  readonly authority?: string | undefined;
  readonly agents: ReadonlyMap<string, RoomAgent>;
  /** By revision number, the newest few. */
  readonly progress: ReadonlyMap<number, Progress>;
  /** Those that share the mesh, by agent; replicas are one. */
  readonly clusters: ReadonlyMap<string, RoomCluster>;
}

export type RoomEvent = { readonly now: number } & (
  | { readonly type: "publish"; readonly head: Head; readonly inline: string | undefined }
  | { readonly type: "frame"; readonly agent: AgentIdentity; readonly frame: AgentFrame }
  | { readonly type: "gone"; readonly agent: string }
  /** Other authorities are in force. */
  | { readonly type: "authority"; readonly version: string }
  /** Time has passed: what the effect `wake` asked for. */
  | { readonly type: "tick" }
  | { readonly type: "summarized"; readonly agent: string; readonly hash: string }
  | {
      readonly type: "command";
      readonly command: Extract<PlaneFrame, { type: "command" }>;
      /** Only to agents that have this feature. */
      readonly feature?: string;
    }
);

/** Who an agent is, from its token; never from what it says. */
export interface AgentIdentity {
  readonly id: string;
  readonly name: string;
  /** Hash of the summary that is stored for it. */
  readonly summary?: string | undefined;
}

export type RoomEffect =
  /** A `tick` is wanted then, milliseconds since 1970; replaces an earlier wish. */
  | { readonly type: "wake"; readonly at: number }
  | { readonly type: "send"; readonly agent: string; readonly frame: PlaneFrame }
  | { readonly type: "close"; readonly agent: string; readonly reason: string }
  /** The agent's row is another now. */
  | { readonly type: "agent"; readonly agent: RoomAgent }
  /** To be stored, coalesced. */
  | {
      readonly type: "acknowledged";
      readonly agent: string;
      readonly ack: Acknowledgement;
      readonly complete: boolean;
    }
  | { readonly type: "progress"; readonly progress: Progress }
  | { readonly type: "proxies"; readonly agent: string }
  /** An agent has said what is in force with it and its proxies. */
  | { readonly type: "authority"; readonly agent: string }
  | {
      readonly type: "summary";
      readonly agent: string;
      readonly frame: Extract<AgentFrame, { type: "summary" }>;
    }
  /** An agent has answered a command. */
  | {
      readonly type: "answer";
      readonly agent: string;
      readonly frame: Extract<AgentFrame, { type: "effect" | "explained" }>;
    }
  | {
      readonly type: "report";
      readonly agent: string;
      readonly code: string;
      readonly message: string;
    };

/** The room after an event, and what is to be done. */
export type RoomStep = readonly [RoomState, readonly RoomEffect[]];
type Step = RoomStep;

export function emptyRoom(mesh: string): RoomState {
  const none = { agents: new Map(), progress: new Map(), clusters: new Map() };
  return { mesh, head: undefined, inline: undefined, ...none };
}

/** One step of the room. */
export function room(state: RoomState, event: RoomEvent): Step {
  switch (event.type) {
    case "publish":
      return publish(state, event.head, event.inline);
    case "frame":
      return event.frame.type === "hello"
        ? hello(state, event.agent, event.frame, event.now)
        : onFrame(state, event.agent.id, event.frame, event.now);
    case "gone":
      return clusterLeft(gone(state, event.agent, event.now), event.agent, event.now);
    case "authority":
      return authority(state, event.version);
    case "tick":
      return withdrawGone(state, event.now);
    case "summarized":
      return withAgent(state, event.agent, (agent) => [{ ...agent, summary: event.hash }, []]);
    case "command":
      return [
        state,
        connected(state)
          .filter(({ features }) => !event.feature || features.includes(event.feature))
          .map(({ id }) => ({ type: "send", agent: id, frame: event.command })),
      ];
  }
}

/** Told to all, also where it is the same: an agent that could not follow tries again. */
function authority(state: RoomState, version: string): Step {
  const frame: PlaneFrame = { type: "authority", version };
  const told = connected(state).filter(({ features }) => features.includes(AUTHORITY));
  return [
    { ...state, authority: version },
    told.map(({ id }) => ({ type: "send", agent: id, frame })),
  ];
}

/** Heads only grow; one that is late, such as from a slower writer, is left to those who have a newer one. */
function publish(state: RoomState, head: Head, inline: string | undefined): Step {
  if (state.head && state.head.number >= head.number) return [state, []];
  const next = withProgress(
    { ...state, head, inline },
    { ...nothingYet(head.number, Date.parse(head.time)), proxies: proxiesOf(state) },
  );
  const frame = headFrame(head, inline);
  return [next, connected(state).map(({ id }) => ({ type: "send", agent: id, frame }))];
}

function hello(
  state: RoomState,
  identity: AgentIdentity,
  frame: Extract<AgentFrame, { type: "hello" }>,
  now: number,
): Step {
  let protocol: number;
  try {
    protocol = negotiate(PROTOCOLS, frame.protocols);
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    const refusal: PlaneFrame = { type: "error", code: error.code, message: error.message };
    return [
      state,
      [
        { type: "send", agent: identity.id, frame: refusal },
        { type: "close", agent: identity.id, reason: error.code },
      ],
    ];
  }
  const known = state.agents.get(identity.id);
  const agent: RoomAgent = {
    id: identity.id,
    name: identity.name,
    version: frame.version,
    features: frame.features,
    connected: true,
    since: now,
    applied: frame.applied,
    // What was acknowledged stays so, whatever an agent that lost its state remembers.
    acknowledged: Math.max(known?.acknowledged ?? 0, frame.acknowledged),
    ack: known?.ack,
    proxies: known?.proxies ?? new Map(),
    summary: known?.summary ?? identity.summary,
    sharing: frame.features.includes(SHARING) ? frame.sharing : undefined,
  };
  const welcome: PlaneFrame = {
    type: "welcome",
    protocol,
    features: [...FEATURES],
    heartbeat: HEARTBEAT,
    ...(agent.summary ? { summary: agent.summary } : {}),
  };
  const effects: RoomEffect[] = [{ type: "send", agent: agent.id, frame: welcome }];
  if (state.head)
    effects.push({
      type: "send",
      agent: agent.id,
      frame: headFrame(state.head, inlineFor(state, agent)),
    });
  if (state.authority !== undefined && agent.features.includes(AUTHORITY))
    effects.push({
      ...{ type: "send", agent: agent.id },
      frame: { type: "authority", version: state.authority },
    });
  effects.push({ type: "agent", agent });
  return clusterJoined([put(withoutAlone(state, agent.id), agent), effects], agent);
}

/** What an agent was before it had replicas is not waited for. */
function withoutAlone(state: RoomState, id: string): RoomState {
  const alone = isReplica(id) && state.agents.get(agentOfReplica(id));
  if (!alone || alone.connected) return state;
  return { ...state, agents: new Map([...state.agents].filter(([key]) => key !== alone.id)) };
}

function onFrame(
  state: RoomState,
  id: string,
  frame: Exclude<AgentFrame, { type: "hello" }>,
  now: number,
): Step {
  switch (frame.type) {
    case "ack":
      return acknowledge(state, id, frame, now);
    case "ping": {
      const pong: RoomEffect = {
        type: "send",
        agent: id,
        frame: { type: "pong", number: state.head?.number ?? 0 },
      };
      const [next, effects] = catchUp(state, id, frame.acknowledged, now);
      return [next, [pong, ...effects]];
    }
    case "proxies":
      return withAgent(state, id, (agent) => {
        const proxies = new Map(frame.reset ? [] : agent.proxies);
        for (const name of frame.removed) proxies.delete(name);
        for (const proxy of frame.upserted) proxies.set(proxy.id, proxy);
        return [{ ...agent, proxies }, [{ type: "proxies", agent: id }]];
      });
    case "authority":
      return withAgent(state, id, (agent) => {
        const { type: _, ...said } = frame;
        return [{ ...agent, authority: said }, [{ type: "authority", agent: id }]];
      });
    case "federations":
      return withAgent(state, id, (agent) => [{ ...agent, federations: frame.items }, []]);
    case "shared":
      return sharedPart(state, id, frame);
    case "want":
      return [state, wantedBy(state, id, frame.agent)];
    case "summary":
      return [state, [{ type: "summary", agent: id, frame }]];
    case "effect":
    case "explained":
      return [state, [{ type: "answer", agent: id, frame }]];
    case "error":
      return [state, [{ type: "report", agent: id, code: frame.code, message: frame.message }]];
  }
}

function acknowledge(
  state: RoomState,
  id: string,
  frame: Extract<AgentFrame, { type: "ack" }>,
  now: number,
): Step {
  const { type: _, ...ack } = frame;
  // An agent cannot have what was never published here, and its word on an older revision is overtaken.
  if (ack.number > (state.head?.number ?? 0)) return [state, []];
  return withAgent(state, id, (agent, put) => {
    if (agent.ack && ack.number < agent.ack.number) return [agent, []];
    const complete = ack.acknowledged >= ack.proxies;
    const next: RoomAgent = {
      ...agent,
      ack,
      applied: Math.max(agent.applied, ack.number),
      acknowledged: complete ? Math.max(agent.acknowledged, ack.number) : agent.acknowledged,
    };
    const effects: RoomEffect[] = [{ type: "acknowledged", agent: id, ack, complete }];
    return [next, effects, recount(put(next), now)];
  });
}

/**
 * A ping names the last revision that all proxies have acknowledged. Where that is more than is known here, the
 * acknowledgement itself was lost, such as when the room's process ended before it was stored.
 */
function catchUp(state: RoomState, id: string, number: number, now: number): Step {
  const agent = state.agents.get(id);
  if (!agent || number <= agent.acknowledged) return [state, []];
  const known = agent.ack;
  // Of a later revision more is known already than that the earlier one is done.
  if (known && known.number > number) {
    return withAgent(state, id, (before, put) => {
      const next = { ...before, acknowledged: number };
      return [next, [], recount(put(next), now)];
    });
  }
  const proxies = known?.proxies ?? agent.proxies.size;
  const all = { number, proxies, acknowledged: proxies, laggards: [], rejections: [] };
  return acknowledge(state, id, { type: "ack", ...all }, now);
}

function gone(state: RoomState, id: string, now: number): Step {
  const step = withAgent(state, id, (agent) => {
    const next = { ...agent, connected: false, since: now };
    return [next, [{ type: "agent", agent: next }]];
  });
  // Its proxies go to another replica, and its name does not come again.
  return isReplica(id) ? forget(step, id, now) : step;
}

function forget([state, effects]: Step, id: string, now: number): Step {
  const agents = new Map(state.agents);
  agents.delete(id);
  const [next, counted] = recount({ ...state, agents }, now);
  return [next, [...effects, ...counted]];
}

/** Every unfinished revision's numbers anew, from each agent's last word. */
function recount(state: RoomState, now: number): Step {
  let next = state;
  const effects: RoomEffect[] = [];
  for (const before of state.progress.values()) {
    if (before.durationMs !== undefined) continue;
    const progress = progressOf(state, before, now);
    if (
      progress.proxies === before.proxies &&
      progress.acknowledged === before.acknowledged &&
      progress.durationMs === undefined
    ) {
      if (
        before.laggards.join() === progress.laggards.join() &&
        before.rejections.length === progress.rejections.length
      )
        continue;
    }
    next = withProgress(next, progress);
    effects.push({ type: "progress", progress });
  }
  return [next, effects];
}

function progressOf(
  state: RoomState,
  { number, committedAt }: Pick<Progress, "number" | "committedAt">,
  now: number,
): Progress {
  let [proxies, acknowledged, complete, counted] = [0, 0, true, 0];
  const laggards: string[] = [];
  const rejections: Rejection[] = [];
  for (const agent of state.agents.values()) {
    if (!agent.connected && !agent.ack) continue;
    counted++;
    const { ack } = agent;
    proxies += ack?.proxies ?? agent.proxies.size;
    if (ack && ack.number >= number) {
      // What was acknowledged later holds what came before.
      acknowledged += ack.number > number ? ack.proxies : ack.acknowledged;
      laggards.push(...ack.laggards);
      rejections.push(...ack.rejections);
      if (ack.number === number && ack.acknowledged < ack.proxies) complete = false;
    } else if (agent.acknowledged < number) complete = false;
  }
  const done = complete && counted > 0;
  return {
    number,
    committedAt,
    proxies,
    acknowledged,
    durationMs: done ? Math.max(0, now - committedAt) : undefined,
    laggards,
    rejections,
  };
}

/** `no-agents`, `applied`, `pending` or `stale`, as the API's `Convergence` has it. */
export function stateOf(
  room: RoomState,
  progress: Progress,
  now: number,
): "applied" | "pending" | "stale" | "no-agents" {
  if (room.agents.size === 0) return "no-agents";
  if (progress.durationMs !== undefined) return "applied";
  return connected(room).length > 0 && now - progress.committedAt < STALE_AFTER
    ? "pending"
    : "stale";
}

/** Counts where no agent has spoken of the revision. */
export function nothingYet(number: number, committedAt: number): Progress {
  return {
    number,
    committedAt,
    proxies: 0,
    acknowledged: 0,
    durationMs: undefined,
    laggards: [],
    rejections: [],
  };
}

function withAgent(
  state: RoomState,
  id: string,
  change: (
    agent: RoomAgent,
    put: (agent: RoomAgent) => RoomState,
  ) => readonly [RoomAgent, readonly RoomEffect[], Step?],
): Step {
  const agent = state.agents.get(id);
  if (!agent) return [state, []];
  const [next, effects, then] = change(agent, (changed) => put(state, changed));
  if (then) return [then[0], [...effects, ...then[1]]];
  return [put(state, next), effects];
}

const put = (state: RoomState, agent: RoomAgent): RoomState => ({
  ...state,
  agents: new Map([...state.agents, [agent.id, agent]]),
});

function withProgress(state: RoomState, progress: Progress): RoomState {
  const kept = new Map(state.progress);
  kept.set(progress.number, progress);
  for (const number of kept.keys()) {
    if (kept.size <= KEPT_REVISIONS) break;
    kept.delete(number);
  }
  return { ...state, progress: kept };
}

const connected = (state: RoomState) =>
  [...state.agents.values()].filter((agent) => agent.connected);

const proxiesOf = (state: RoomState) =>
  connected(state).reduce((sum, agent) => sum + agent.proxies.size, 0);

/** A bundle rides along only for those whom it leads on. */
function inlineFor(state: RoomState, agent: RoomAgent): string | undefined {
  return state.head && agent.applied === state.head.parent ? state.inline : undefined;
}

const headFrame = (head: Head, inline: string | undefined): PlaneFrame => ({
  type: "head",
  head,
  ...(inline === undefined ? {} : { inline }),
});
