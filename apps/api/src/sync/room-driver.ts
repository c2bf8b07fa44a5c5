/** Drives the pure room of `@heddle/sync`: performs its effects on sockets, database and event readers. */
import type { WorkloadAccessQuestion } from "@heddle/model";
import {
  type AccessAnswer,
  type AgentIdentity,
  agentOfReplica,
  asOneAcknowledgement,
  asOneAgent,
  AUTHORITY,
  decodeAgentFrame,
  type Effect,
  EFFECTS,
  EXPLAINS,
  encodeFrame,
  type Head,
  isReplica,
  type PlaneFrame,
  room as step,
  type RoomAgent,
  type RoomEffect,
  type RoomEvent,
  type RoomState,
  sharesWith,
  stateOf,
  SyncError,
} from "@heddle/sync";
import type { Follower } from "@heddle/pki";
import type { Logger, MeshRef } from "../deps.ts";
import type { AuthorityWatch } from "../pki/rotations.ts";
import type { AgentStore } from "./agent-store.ts";
import { type Asked, createAskedAgents } from "./asked-agents.ts";
import { createAlertWatch } from "./certificate-alerts.ts";
import { createSummaryAssembly } from "./cluster-summary.ts";
import { convergenceEvent, createEventHub, type EventHub } from "./room-events.ts";
import type { LiveAgent } from "./rooms.ts";

/** The sockets of a room, by agent. */
export interface RoomSockets {
  send(agent: string, text: string): void;
  close(agent: string, code: number, reason: string): void;
}

export interface RoomDriver {
  readonly events: EventHub;
  state(): RoomState;
  publish(head: Head, inline: string | undefined): void;
  /** What an agent sent; what is no frame closes its socket. */
  received(agent: AgentIdentity, text: string): void;
  gone(agent: string): void;
  /** Time has passed: what the room asked to be woken for. */
  tick(): void;
  agents(): LiveAgent[];
  /** What an object, by its key, has become at the connected agents' proxies. */
  effect(key: string): Promise<Asked<Effect>>;
  /** Whether the connected agents' proxies of a workload would take a request. */
  explain(question: WorkloadAccessQuestion): Promise<Asked<AccessAnswer>>;
  /** Other authorities may be in force: reads which, and tells the agents. */
  authorityChanged(): Promise<void>;
  /** Resolves when all that is to be stored is. */
  settled(): Promise<void>;
  /** Ends its timer. */
  close(): void;
}

export interface RoomParts {
  readonly mesh: MeshRef;
  readonly initial: RoomState;
  readonly sockets: RoomSockets;
  readonly store: AgentStore;
  readonly authorities: AuthorityWatch;
  readonly clock: () => number;
  readonly log: Logger;
  /** `tick` is wanted at this time, milliseconds since 1970, and not at an earlier one any more. */
  readonly wake: (at: number) => void;
  /** Called after each step that changed the state. */
  readonly changed?: (state: RoomState) => void;
}

/** WebSocket close codes: protocol errors, and those of our own. */
export const CLOSE = { protocol: 1002, tooLarge: 1009, refused: 4403, replaced: 4409 } as const;

export function createRoomDriver({
  mesh,
  initial,
  sockets,
  store,
  authorities,
  clock,
  log,
  wake,
  changed,
}: RoomParts): RoomDriver {
  let state = initial;
  const events = createEventHub();
  const assemble = createSummaryAssembly();
  const effects = createAskedAgents<Effect>();
  const explanations = createAskedAgents<AccessAnswer>();
  const writes = createLatestWrites((error) =>
    log.error("what an agent said could not be stored", { mesh: mesh.id, error: String(error) }),
  );

  const perform = (effect: RoomEffect): void => {
    switch (effect.type) {
      case "send":
        return sockets.send(effect.agent, encodeFrame(effect.frame));
      case "wake":
        return wake(effect.at);
      case "close":
        return sockets.close(effect.agent, CLOSE.refused, effect.reason);
      case "agent": {
        const id = agentOfReplica(effect.agent.id);
        // The last of its replicas that goes stands for it.
        const agent = asOneAgent(replicasOf(id)) ?? { ...effect.agent, id };
        writes.run(`connection ${id}`, () => store.connection(mesh, agent));
        follow();
        return announce(agent);
      }
      case "acknowledged": {
        const id = agentOfReplica(effect.agent);
        const replicas = replicasOf(id).filter((each) => each.connected);
        const { ack, complete } =
          replicas.length > 1 ? asOneAcknowledgement(effect.ack.number, replicas) : effect;
        return writes.run(`ack ${id}`, () => store.acknowledge(mesh, id, ack, complete));
      }
      case "progress":
        return events.emit(
          convergenceEvent(effect.progress, stateOf(state, effect.progress, clock())),
        );
      case "authority":
        return follow();
      case "proxies":
        follow();
        return announce(asOneAgent(replicasOf(agentOfReplica(effect.agent))));
      case "summary": {
        const whole = assemble(effect.agent, effect.frame);
        if (!whole) return;
        advance({ type: "summarized", agent: effect.agent, hash: whole.hash, now: clock() });
        // Replicas see one cluster: each says the same of it.
        const id = agentOfReplica(effect.agent);
        return writes.run(`summary ${id}`, () => store.summarize(mesh, id, whole));
      }
      case "answer":
        return effect.frame.type === "effect"
          ? effects.answered(effect.agent, effect.frame.id, effect.frame.effect)
          : explanations.answered(effect.agent, effect.frame.id, effect.frame.answer);
      case "report":
        return log.warn("an agent reports", {
          mesh: mesh.id,
          agent: effect.agent,
          code: effect.code,
          message: effect.message,
        });
    }
  };
  /** The step of a rotation that is under way. */
  let rotating: string | undefined;
  /** While a root is rotated, whatever agents say may be what the next step waits for. */
  const follow = () => {
    if (rotating === undefined && !urgent) return;
    writes.run("rotation", async () => {
      if (await authorities.look(mesh, agents())) await authorityChanged();
      else if (urgent) soon(URGENT_LOOK);
      else if (federates) soon(FEDERATED_LOOK);
    });
  };
  /** Whoever follows the mesh's roots beyond it has no word here. */
  let federates = false;
  /** Somebody was revoked: nobody's word is waited for longer than a moment. */
  let urgent = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const soon = (after: number) => {
    clearTimeout(timer);
    timer = setTimeout(follow, after);
  };
  const authorityChanged = async () => {
    const now = await authorities.read(mesh);
    if (!now) return;
    const moved = state.authority !== now.version || rotating !== now.step;
    rotating = now.step;
    urgent = now.urgent;
    federates = now.federates && rotating === "trusting";
    advance({ type: "authority", version: now.version, now: clock() });
    if (moved)
      events.emit({
        ...{ type: "authority", version: now.version },
        ...(rotating === undefined ? {} : { step: rotating }),
      });
    if (moved) writes.run("partners", () => authorities.tellPartners(mesh));
    // Everybody may have followed already, such as where there is nobody.
    follow();
  };
  const alertsOf = createAlertWatch();
  const warn = () => {
    const alerts = alertsOf(state.agents.values(), clock());
    if (!alerts) return;
    events.emit({ type: "certificates", ...alerts });
    if (alerts.critical + alerts.expired > 0)
      log.warn("certificates of the mesh end soon, and were not renewed", {
        ...{ mesh: mesh.id, ...alerts },
      });
  };
  const replicasOf = (id: string) =>
    [...state.agents.values()].filter((each) => agentOfReplica(each.id) === id);
  /** Replicas that have gone, by id, with when: their proxies go to another one, which takes a moment. */
  const left = new Map<string, number>();
  const agents = (): LiveAgent[] =>
    [...new Set([...state.agents.keys()].map(agentOfReplica))].flatMap((id) => {
      const agent = asOneAgent(replicasOf(id));
      if (!agent) return [];
      const { name, version, connected, since, acknowledged, proxies } = agent;
      const { clusters } = state;
      const cluster = clusters.get(id)?.cluster;
      const shares = cluster === undefined ? {} : { cluster, with: sharesWith(clusters, id) };
      return [
        {
          ...{ id, name, version, connected, since, acknowledged, ...shares },
          proxies: [...proxies.values()],
          followers: followersOf(id),
          intermediates: replicasOf(id).flatMap(({ authority }) => authority?.intermediate ?? []),
          federations: agent.federations ?? [],
        },
      ];
    });
  const followersOf = (id: string) => [
    ...replicasOf(id).map(followerOf),
    ...[...left].flatMap(([replica, at]) =>
      agentOfReplica(replica) === id && clock() - at < BACK_WITHIN ? [GONE] : [],
    ),
  ];
  const announce = (agent: RoomAgent | undefined) => {
    if (!agent) return;
    const { id, name, connected, acknowledged, proxies } = agent;
    events.emit({ type: "agents", id, name, connected, acknowledged, proxies: proxies.size });
  };
  const advance = (event: RoomEvent) => {
    const [next, effects] = step(state, event);
    const moved = next !== state;
    state = next;
    for (const effect of effects) perform(effect);
    if (moved) changed?.(state);
  };

  const able = (feature: string) =>
    [...state.agents.values()].filter(
      ({ connected, features }) => connected && features.includes(feature),
    );
  const command = (frame: Extract<PlaneFrame, { type: "command" }>, feature: string) =>
    advance({ type: "command", command: frame, feature, now: clock() });

  return {
    events,
    state: () => state,
    publish(head, inline) {
      const before = state.head;
      advance({ type: "publish", head, inline, now: clock() });
      if (state.head === before) return;
      events.emit({ type: "revision", number: head.number, hash: head.hash, time: head.time });
      const progress = state.progress.get(head.number);
      if (progress) events.emit(convergenceEvent(progress, stateOf(state, progress, clock())));
    },
    received(agent, text) {
      try {
        const frame = decodeAgentFrame(text);
        advance({ type: "frame", agent, frame, now: clock() });
        // What holds a rotation may be over by time alone.
        if (frame.type === "ping") {
          follow();
          warn();
        }
      } catch (error) {
        if (!(error instanceof SyncError)) throw error;
        log.warn("an agent sent what is no frame", {
          mesh: mesh.id,
          agent: agent.id,
          code: error.code,
          message: error.message,
        });
        sockets.send(
          agent.id,
          encodeFrame({ type: "error", code: error.code, message: error.message.slice(0, 500) }),
        );
        sockets.close(
          agent.id,
          error.code === "HDL7001" ? CLOSE.tooLarge : CLOSE.protocol,
          error.code,
        );
      }
    },
    gone(agent) {
      effects.gone(agent);
      explanations.gone(agent);
      for (const [replica, at] of left) if (clock() - at >= BACK_WITHIN) left.delete(replica);
      if (isReplica(agent)) left.set(agent, clock());
      advance({ type: "gone", agent, now: clock() });
    },
    tick: () => advance({ type: "tick", now: clock() }),
    effect: (key) =>
      effects.ask(able(EFFECTS), (id) =>
        command({ type: "command", id, name: "effect", key }, EFFECTS),
      ),
    explain: (question) =>
      explanations.ask(able(EXPLAINS), (id) =>
        command({ type: "command", id, name: "explain", question }, EXPLAINS),
      ),
    agents,
    authorityChanged,
    settled: () => writes.settled(),
    close: () => clearTimeout(timer),
  };
}

/** How often an urgent rotation is looked at, milliseconds. */
const URGENT_LOOK = 200;
/** How often a rotation is looked at that meshes beyond this one are to follow, milliseconds. */
const FEDERATED_LOOK = 1_000;
/** Proxies of a replica that has gone are back within so long, milliseconds. */
const BACK_WITHIN = 30_000;
const GONE: Follower = { agent: "", connected: false, able: true, said: undefined, proxies: [] };

/** An agent, or one of its replicas, as a rotation sees it. */
function followerOf({ name, connected, features, authority, proxies }: RoomAgent): Follower {
  return {
    ...{ agent: name, connected, able: features.includes(AUTHORITY), said: authority },
    proxies: [...proxies.values()].map(({ name: proxy, trust }) => ({
      name: proxy,
      identity: trust?.leaf?.spiffeId,
      held: trust && { roots: trust.roots, issuer: trust.leaf?.root, pending: trust.pending },
    })),
  };
}

/** One write at a time for each name; of those that come meanwhile only the latest is done. */
function createLatestWrites(failed: (error: unknown) => void) {
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, () => Promise<void>>();
  const run = (name: string, write: () => Promise<void>): void => {
    if (running.has(name)) return void waiting.set(name, write);
    const work = write()
      .catch(failed)
      .then(() => {
        running.delete(name);
        const next = waiting.get(name);
        waiting.delete(name);
        if (next) run(name, next);
      });
    running.set(name, work);
  };
  return {
    run,
    async settled() {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}
