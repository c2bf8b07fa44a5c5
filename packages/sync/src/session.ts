/** The agent's side of the link as a pure function: (state, event) → (state, effects). */

import { backoff } from "./backoff.ts";
import type { AgentFrame, Head, PlaneFrame, Sharing } from "./frames.ts";
import { NO_PARENT } from "./header.ts";
import { FEATURES, missingFeatures, PROTOCOLS } from "./protocol.ts";
import type { SyncCode } from "./sync-error.ts";

/** Silence for so many heartbeats means that the link is dead. */
const SILENT_HEARTBEATS = 2;
/** A connection that has not been greeted by then is given up, milliseconds. */
const GREETING_WITHIN = 10_000;
/** Messages in an error frame: the protocol's limit is a little more. */
const MESSAGE_CHARACTERS = 500;

export interface SessionSettings {
  readonly mesh: string;
  /** What the agent calls itself. */
  readonly agent: string;
  readonly version: string;
  readonly features?: readonly string[];
  /** The cluster whose services are shared; undefined: none. */
  readonly sharing?: Sharing | undefined;
}

/** A revision in force. */
export interface Applied {
  readonly number: number;
  /** Hash of its header; `NO_PARENT` for nothing. */
  readonly hash: string;
}

export interface SessionState {
  readonly settings: SessionSettings;
  readonly phase: "idle" | "connecting" | "greeting" | "open" | "waiting";
  /** Counts connections; events of earlier ones are stale. */
  readonly socket: number;
  readonly attempts: number;
  /** When the link last worked, milliseconds since 1970. */
  readonly workedAt: number;
  readonly heardAt: number;
  /** Milliseconds; as the plane asks. */
  readonly heartbeat: number;
  readonly applied: Applied;
  /** The last revision that every proxy has acknowledged. */
  readonly acknowledged: number;
  readonly lastAck: Extract<AgentFrame, { type: "ack" }> | undefined;
  /** The highest head seen and not refused. Its signature is checked with its bundle. */
  readonly newest: Head | undefined;
  readonly inline: string | undefined;
  /** Heads on the way to the newest, in order. */
  readonly path: readonly Head[];
  /** What the shell is busy with; only one thing at a time. */
  readonly busy: "taking" | "learning" | "resting" | undefined;
  /** The next time that the way is asked for, a snapshot is wanted. */
  readonly wantSnapshot: boolean;
  readonly failures: number;
  /** Hashes of heads that cannot be had: not tried again on this connection. */
  readonly refused: ReadonlySet<string>;
  readonly held: { readonly number: number; readonly missing: readonly string[] } | undefined;
}

/** Something that happened. `now` is in milliseconds since 1970, `random` uniform in [0, 1). */
export type SessionEvent = { readonly now: number; readonly random: number } & (
  | { readonly type: "start" }
  | { readonly type: "opened"; readonly socket: number }
  | { readonly type: "frame"; readonly socket: number; readonly frame: PlaneFrame }
  /** `refused`: the plane was reached and denied the token. */
  | { readonly type: "closed"; readonly socket: number; readonly refused: boolean }
  | { readonly type: "timer"; readonly timer: SessionTimer }
  | { readonly type: "learned"; readonly heads: readonly Head[] }
  | { readonly type: "learning-failed" }
  /** A bundle passed every check, is on disk as far as the disk allows, and is in force. */
  | { readonly type: "applied"; readonly head: Head }
  | {
      readonly type: "refused";
      readonly head: Head;
      readonly code: SyncCode;
      readonly message: string;
    }
  /** How far the agent's proxies are. */
  | { readonly type: "progress"; readonly ack: Extract<AgentFrame, { type: "ack" }> }
);

export type SessionTimer = "reconnect" | "greeting" | "heartbeat" | "rest";

export type SessionEffect =
  | { readonly type: "connect"; readonly socket: number }
  | { readonly type: "close"; readonly socket: number }
  | { readonly type: "send"; readonly frame: AgentFrame }
  /** Replaces a timer of the same name. */
  | { readonly type: "timer"; readonly timer: SessionTimer; readonly after: number }
  | { readonly type: "cancel"; readonly timer: SessionTimer }
  /** Fetch (unless inline), verify, keep and apply a bundle; answer with `applied` or `refused`. */
  | { readonly type: "take"; readonly head: Head; readonly inline: string | undefined }
  /** Ask for the heads that lead from here to the newest; answer with `learned` or `learning-failed`. */
  | {
      readonly type: "learn";
      readonly from: Applied;
      readonly to: number;
      readonly snapshot: boolean;
    }
  /** The plane greeted; `summary` is the hash of the summary that it has. */
  | { readonly type: "greeted"; readonly summary: string | undefined }
  | { readonly type: "command"; readonly command: Extract<PlaneFrame, { type: "command" }> }
  | { readonly type: "sharing"; readonly frame: SharingFrame }
  | { readonly type: "authority"; readonly version: string }
  | { readonly type: "rotate"; readonly rotate: Extract<PlaneFrame, { type: "rotate" }> }
  | { readonly type: "report"; readonly code: SyncCode; readonly message: string };

/** What the plane says of the other clusters of the mesh. */
export type SharingFrame = Extract<PlaneFrame, { type: "share" | "clusters" | "elsewhere" }>;

type Step = readonly [SessionState, readonly SessionEffect[]];

/** A session that resumes from what was in force, and acknowledged, when the agent last ran. */
export function startingSession(
  settings: SessionSettings,
  applied: Applied = { number: 0, hash: NO_PARENT },
  acknowledged = 0,
): SessionState {
  return {
    settings,
    phase: "idle",
    socket: 0,
    attempts: 0,
    workedAt: 0,
    heardAt: 0,
    heartbeat: 10_000,
    applied,
    acknowledged,
    lastAck: undefined,
    newest: undefined,
    inline: undefined,
    path: [],
    busy: undefined,
    wantSnapshot: false,
    failures: 0,
    refused: new Set(),
    held: undefined,
  };
}

/** One step of the session. */
export function session(state: SessionState, event: SessionEvent): Step {
  switch (event.type) {
    case "start":
      return state.phase === "idle" ? connect({ ...state, workedAt: event.now }) : [state, []];
    case "opened":
      return isStale(state, event.socket) ? [state, []] : greet(state, event.now);
    case "closed":
      return isStale(state, event.socket) ? [state, []] : lost(state, event);
    case "frame":
      return isStale(state, event.socket)
        ? [state, []]
        : onFrame({ ...state, heardAt: event.now }, event.frame, event.now);
    case "timer":
      return onTimer(state, event.timer, event);
    case "learned":
      return onLearned(state, event.heads, event.random);
    case "learning-failed":
      return rest(state, event.random);
    case "applied":
      return onApplied(state, event.head);
    case "refused":
      return onRefused(state, event);
    case "progress":
      return onProgress(state, event.ack);
  }
}

const isStale = (state: SessionState, socket: number) =>
  socket !== state.socket || state.phase === "waiting";

function connect(state: SessionState): Step {
  const socket = state.socket + 1;
  return [
    { ...state, phase: "connecting", socket },
    [
      { type: "connect", socket },
      { type: "timer", timer: "greeting", after: GREETING_WITHIN },
    ],
  ];
}

function greet(state: SessionState, now: number): Step {
  const { settings, applied, acknowledged } = state;
  const frame: AgentFrame = {
    type: "hello",
    protocols: [...PROTOCOLS],
    agent: settings.agent,
    version: settings.version,
    features: [...featuresOf(state)],
    applied: applied.number,
    acknowledged,
    ...(settings.sharing ? { sharing: settings.sharing } : {}),
  };
  return [{ ...state, phase: "greeting", heardAt: now }, [{ type: "send", frame }]];
}

function lost(state: SessionState, event: { now: number; random: number; refused: boolean }): Step {
  const after = backoff(
    { attempts: state.attempts, lasted: event.now - state.workedAt, refused: event.refused },
    event.random,
  );
  return [
    // What was refused is tried again on the next connection: the plane may have been mended.
    { ...state, phase: "waiting", attempts: state.attempts + 1, refused: new Set() },
    [
      { type: "cancel", timer: "heartbeat" },
      { type: "cancel", timer: "greeting" },
      { type: "timer", timer: "reconnect", after },
    ],
  ];
}

function onTimer(
  state: SessionState,
  timer: SessionTimer,
  at: { now: number; random: number },
): Step {
  switch (timer) {
    case "reconnect":
      return state.phase === "waiting" ? connect(state) : [state, []];
    case "greeting":
      return state.phase === "connecting" || state.phase === "greeting"
        ? silent(state, at)
        : [state, []];
    case "heartbeat":
      return state.phase === "open" ? beat(state, at) : [state, []];
    case "rest":
      return state.busy === "resting" ? plan({ ...state, busy: undefined }) : [state, []];
  }
}

function beat(state: SessionState, at: { now: number; random: number }): Step {
  if (at.now - state.heardAt > state.heartbeat * SILENT_HEARTBEATS) return silent(state, at);
  return [
    state,
    [
      { type: "send", frame: { type: "ping", acknowledged: state.acknowledged } },
      { type: "timer", timer: "heartbeat", after: state.heartbeat },
    ],
  ];
}

function silent(state: SessionState, at: { now: number; random: number }): Step {
  const [next, effects] = lost(state, { ...at, refused: false });
  const message = `The plane has said nothing for ${at.now - state.heardAt} ms.`;
  return [
    next,
    [
      { type: "report", code: "HDL7014", message },
      { type: "close", socket: state.socket },
      ...effects,
    ],
  ];
}

function onFrame(state: SessionState, frame: PlaneFrame, now: number): Step {
  switch (frame.type) {
    case "welcome": {
      if (!PROTOCOLS.includes(frame.protocol)) {
        const message = `The plane wants protocol ${frame.protocol}; this agent speaks ${PROTOCOLS.join(", ")}.`;
        return [
          state,
          [
            { type: "report", code: "HDL7003", message },
            { type: "close", socket: state.socket },
          ],
        ];
      }
      const next: SessionState = {
        ...state,
        phase: "open",
        attempts: 0,
        workedAt: now,
        heartbeat: frame.heartbeat,
      };
      return [
        next,
        [
          { type: "cancel", timer: "greeting" },
          { type: "timer", timer: "heartbeat", after: frame.heartbeat },
          { type: "greeted", summary: frame.summary },
          ...(state.lastAck ? [{ type: "send" as const, frame: state.lastAck }] : []),
        ],
      ];
    }
    case "head":
      return onHead({ ...state, workedAt: now }, frame.head, frame.inline);
    case "pong":
      return onPong({ ...state, workedAt: now }, frame.number);
    case "command":
      return onCommand(state, frame);
    case "rotate":
      return [state, [{ type: "rotate", rotate: frame }]];
    case "authority":
      return [state, [{ type: "authority", version: frame.version }]];
    case "share":
    case "clusters":
    case "elsewhere":
      return [state, [{ type: "sharing", frame }]];
    case "error":
      return [
        state,
        [
          {
            type: "report",
            code: "HDL7002",
            message: `The plane says ${frame.code}: ${frame.message}`,
          },
        ],
      ];
  }
}

function onHead(state: SessionState, head: Head, inline: string | undefined): Step {
  const { applied, settings } = state;
  if (head.mesh !== settings.mesh)
    return [
      state,
      [report("HDL7009", `The plane sent revision ${head.number} of mesh ${head.mesh}.`)],
    ];
  if (head.number < applied.number)
    return [
      state,
      [
        report(
          "HDL7007",
          `The plane offers revision ${head.number}; ${applied.number} is in force.`,
        ),
      ],
    ];
  if (head.number === applied.number) {
    if (head.hash === applied.hash) return [state, []];
    return [
      state,
      [
        report(
          "HDL7015",
          `The plane's revision ${head.number} is not the one that is in force here.`,
        ),
      ],
    ];
  }
  if (state.refused.has(head.hash) || (state.newest && state.newest.number >= head.number))
    return plan(state);
  return plan({ ...state, newest: head, inline });
}

/** The plane has something newer than the last head that came: a head was lost. */
function onPong(state: SessionState, number: number): Step {
  const known = Math.max(state.newest?.number ?? 0, state.applied.number);
  if (number <= known || state.busy) return [state, []];
  return learn(state, number);
}

function onCommand(state: SessionState, command: Extract<PlaneFrame, { type: "command" }>): Step {
  if (command.name !== "resync") return [state, [{ type: "command", command }]];
  if (state.busy) return [state, []];
  return learn(state, Math.max(state.newest?.number ?? 0, state.applied.number + 1));
}

/** Decides what to fetch next, where nothing is under way. */
function plan(state: SessionState): Step {
  if (state.busy) return [state, []];
  const path = state.path.filter(
    (head) => head.number > state.applied.number && !state.refused.has(head.hash),
  );
  const next = path[0];
  if (next && leadsOn(state.applied, next)) return take({ ...state, path }, next, undefined);
  const { newest } = state;
  if (!newest || newest.number <= state.applied.number || state.refused.has(newest.hash))
    return [{ ...state, path: [] }, []];
  if (leadsOn(state.applied, newest)) return take({ ...state, path: [] }, newest, state.inline);
  return learn({ ...state, path: [] }, newest.number);
}

const leadsOn = (applied: Applied, head: Head) =>
  head.kind === "snapshot" || (head.parent === applied.number && head.parentHash === applied.hash);

function take(state: SessionState, head: Head, inline: string | undefined): Step {
  const missing = missingFeatures(head.requires, featuresOf(state));
  if (missing.length > 0) return hold(state, head, missing);
  return [{ ...state, busy: "taking" }, [{ type: "take", head, inline }]];
}

function learn(state: SessionState, to: number): Step {
  return [
    { ...state, busy: "learning" },
    [{ type: "learn", from: state.applied, to, snapshot: state.wantSnapshot }],
  ];
}

function onLearned(state: SessionState, heads: readonly Head[], random: number): Step {
  if (state.busy !== "learning") return [state, []];
  const useful = heads
    .filter(
      ({ mesh, number, hash }) =>
        mesh === state.settings.mesh && number > state.applied.number && !state.refused.has(hash),
    )
    .toSorted((a, b) => a.number - b.number);
  const first = useful.find((head) => leadsOn(state.applied, head));
  const last = useful.at(-1);
  // Nothing leads on from here: a revision between was refused, or the plane's history is another one.
  if (!first || !last) return rest({ ...state, wantSnapshot: heads.length > 0 }, random);
  const newest = state.newest && state.newest.number >= last.number ? state.newest : last;
  const idle = { ...state, busy: undefined, wantSnapshot: false };
  return plan({ ...idle, newest, path: useful.filter((head) => head.number >= first.number) });
}

function onApplied(state: SessionState, head: Head): Step {
  if (head.number <= state.applied.number) return plan({ ...state, busy: undefined });
  return plan({
    ...state,
    applied: { number: head.number, hash: head.hash },
    busy: undefined,
    failures: 0,
    held: undefined,
    inline: state.newest?.hash === head.hash ? undefined : state.inline,
  });
}

function onRefused(
  state: SessionState,
  { head, code, message, random }: { head: Head; code: SyncCode; message: string; random: number },
): Step {
  const idle: SessionState = { ...state, busy: undefined, path: [], inline: undefined };
  const told = [report(code, message), ...tell(state, code, message, head.number)];
  const mendable = code === "HDL7006" || code === "HDL7015";
  if (code === "HDL7010" || code === "HDL7005") {
    const [next, effects] = rest(idle, random);
    return [next, [...told, ...effects]];
  }
  if (mendable && head.kind === "change") {
    const [next, effects] = rest({ ...idle, wantSnapshot: true }, random);
    return [next, [...told, ...effects]];
  }
  const newest = state.newest?.hash === head.hash ? undefined : state.newest;
  const [next, effects] = plan({
    ...idle,
    newest,
    refused: new Set([...state.refused, head.hash]),
  });
  return [next, [...told, ...effects]];
}

function hold(state: SessionState, head: Head, missing: readonly string[]): Step {
  const known = state.held?.number === head.number;
  const message = `Revision ${head.number} needs ${missing.join(", ")}.`;
  const next = { ...state, held: { number: head.number, missing }, path: [] };
  return [
    next,
    known ? [] : [report("HDL7008", message), ...tell(state, "HDL7008", message, head.number)],
  ];
}

/** Waits a moment before asking again. */
function rest(state: SessionState, random: number): Step {
  const after = backoff({ attempts: state.failures, lasted: 0, refused: false }, random);
  return [
    { ...state, busy: "resting", failures: state.failures + 1 },
    [{ type: "timer", timer: "rest", after }],
  ];
}

function onProgress(state: SessionState, ack: Extract<AgentFrame, { type: "ack" }>): Step {
  const complete = ack.acknowledged === ack.proxies;
  const acknowledged = complete ? Math.max(state.acknowledged, ack.number) : state.acknowledged;
  return [
    { ...state, acknowledged, lastAck: ack },
    state.phase === "open" ? [{ type: "send", frame: ack }] : [],
  ];
}

function tell(
  state: SessionState,
  code: SyncCode,
  message: string,
  number: number,
): SessionEffect[] {
  if (state.phase !== "open") return [];
  return [
    {
      type: "send",
      frame: { type: "error", code, message: message.slice(0, MESSAGE_CHARACTERS), number },
    },
  ];
}

const report = (code: SyncCode, message: string): SessionEffect => ({
  type: "report",
  code,
  message,
});

const featuresOf = (state: SessionState) => state.settings.features ?? FEATURES;
