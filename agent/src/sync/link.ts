/** The agent's link to its plane: performs the effects of `@heddle/sync`'s session on a WebSocket, HTTP and the disk. */
import { z } from "zod";
import type { HeddleClient } from "@heddle/client";
import {
  acceptBundle,
  type AgentFrame,
  decodePlaneFrame,
  encodeFrame,
  type Head,
  headSchema,
  importVerifier,
  MAX_BUNDLE_BYTES,
  MAX_FRAME_BYTES,
  type MeshState,
  NO_PARENT,
  type PlaneFrame,
  type PublicSigningKey,
  session,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
  type Sharing,
  type SharingFrame,
  startingSession,
  SyncError,
  verifyKeyRotation,
} from "@heddle/sync";
import WebSocket from "ws";
import type { AgentLog } from "../log.ts";
import type { Acknowledged } from "../state/acknowledged.ts";
import type { LastGood } from "../state/last-good.ts";

export interface LinkOptions {
  readonly url: string;
  readonly token: string;
  /** Which of the agent's replicas this is; undefined: it has none. */
  readonly replica: string | undefined;
  readonly mesh: { readonly id: string };
  readonly agent: string;
  readonly version: string;
  readonly signingKey: PublicSigningKey;
  readonly client: HeddleClient;
  /** What is in force already, from disk. */
  readonly state: MeshState;
  readonly lastGood: LastGood;
  readonly acknowledged: Acknowledged;
  readonly log: AgentLog;
  /** A state passed every check: put it in force. `changed` are state keys. */
  readonly apply: (state: MeshState, changed: readonly string[]) => void;
  /** The plane greeted; `summary` is the hash of the summary that it has. */
  readonly greeted: (summary: string | undefined) => void;
  readonly command: (command: Extract<PlaneFrame, { type: "command" }>) => void;
  /** The cluster whose services are shared; undefined: none. */
  readonly sharing: Sharing | undefined;
  /** What the plane says of the other clusters of the mesh. */
  readonly others: (frame: SharingFrame) => void;
  /** Which authorities the plane has in force, by their version. */
  readonly authority: (version: string) => void;
  /** The plane has named a successor of its signing key, signed by the pinned one. */
  readonly rotated: (key: PublicSigningKey) => void;
}

export interface Link {
  /** Tells the plane how far the proxies are; the last word is said again after a break. */
  progress(ack: Extract<AgentFrame, { type: "ack" }>): void;
  /** Sends while connected; what is not is sent when the plane greets. */
  send(frame: AgentFrame): void;
  state(): SessionState;
  close(): Promise<void>;
}

/** A bundle or a way that takes longer is given up and asked for again, milliseconds. */
const REQUEST_WITHIN = 30_000;
/** Statuses of an upgrade that say that the token is not good. */
const REFUSED = new Set([401, 403]);

type Plain<T> = T extends unknown ? Omit<T, "now" | "random"> : never;

export async function startLink(options: LinkOptions): Promise<Link> {
  const { log, client, mesh } = options;
  let key = options.signingKey;
  let verifier = await importVerifier(key);
  let meshState = options.state;
  const applied = meshState.header
    ? { number: meshState.header.number, hash: meshState.headHash }
    : { number: 0, hash: NO_PARENT };
  let state = startingSession(
    { mesh: mesh.id, agent: options.agent, version: options.version, sharing: options.sharing },
    applied,
    await options.acknowledged.load(mesh.id, applied.number),
  );
  let socket: WebSocket | undefined;
  let closed = false;
  const timers = new Map<string, NodeJS.Timeout>();
  const abort = new AbortController();

  const handle = (event: Plain<SessionEvent>): void => {
    if (closed) return;
    const [next, effects] = session(state, {
      ...event,
      now: Date.now(),
      random: Math.random(),
    } as SessionEvent);
    if (next.acknowledged > state.acknowledged)
      options.acknowledged.keep(mesh.id, next.acknowledged);
    state = next;
    for (const effect of effects) perform(effect);
  };
  const perform = (effect: SessionEffect): void => {
    switch (effect.type) {
      case "connect":
        return connect(effect.socket);
      case "close":
        return socket?.terminate();
      case "send":
        return send(effect.frame);
      case "timer":
        clearTimeout(timers.get(effect.timer));
        return void timers.set(
          effect.timer,
          setTimeout(() => handle({ type: "timer", timer: effect.timer }), effect.after),
        );
      case "cancel":
        return clearTimeout(timers.get(effect.timer));
      case "take":
        return void take(effect.head, effect.inline);
      case "learn":
        return void learn(effect);
      case "greeted":
        log.info("in touch with the plane", { mesh: mesh.id, revision: state.applied.number });
        return options.greeted(effect.summary);
      case "command":
        return options.command(effect.command);
      case "sharing":
        return options.others(effect.frame);
      case "authority":
        return options.authority(effect.version);
      case "rotate":
        return void rotate(effect.rotate);
      case "report":
        return log.warn(`${effect.code}: ${effect.message}`, { code: effect.code });
    }
  };
  const send = (frame: AgentFrame): void => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(encodeFrame(frame));
  };

  const connect = (number: number): void => {
    const url = new URL("/v1/sync", options.url.replace(/^http/, "ws"));
    url.searchParams.set("mesh", mesh.id);
    if (options.replica !== undefined) url.searchParams.set("replica", options.replica);
    const own = new WebSocket(url, {
      headers: { authorization: `Bearer ${options.token}` },
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      skipUTF8Validation: false,
    });
    let refused = false;
    socket = own;
    own.on("open", () => handle({ type: "opened", socket: number }));
    own.on("message", (data) => {
      try {
        handle({ type: "frame", socket: number, frame: decodePlaneFrame(String(data)) });
      } catch (error) {
        if (!(error instanceof SyncError)) throw error;
        log.warn(`${error.code}: ${error.message}`, { code: error.code });
      }
    });
    own.on("unexpected-response", (_, response) => {
      refused = REFUSED.has(response.statusCode ?? 0);
      response.resume();
      if (refused)
        log.error("HDL7011: the plane refuses the agent's token", { status: response.statusCode });
      own.terminate();
    });
    own.on("error", () => {
      // What there is to say of it comes with "close".
    });
    own.on("close", () => handle({ type: "closed", socket: number, refused }));
  };

  const take = async (head: Head, inline: string | undefined): Promise<void> => {
    let text: string;
    try {
      text = inline ?? (await client.bundle(head.bundle, deadline()));
    } catch (error) {
      return handle({
        type: "refused",
        head,
        code: "HDL7010",
        message: `Bundle ${head.bundle}: ${reasonOf(error)}`,
      });
    }
    try {
      if (text.length > MAX_BUNDLE_BYTES)
        throw new SyncError(
          "HDL7005",
          `Bundle ${head.bundle} has ${text.length} characters; the limit is ${MAX_BUNDLE_BYTES}.`,
        );
      const accepted = await acceptBundle(meshState, text, { mesh: mesh.id, head, verifier });
      if (closed) return;
      meshState = accepted.state;
      options.apply(accepted.state, accepted.changed);
      options.lastGood.keep(accepted.state, {
        text,
        kind: accepted.bundle.kind,
        signature: accepted.bundle.signature,
      });
      handle({ type: "applied", head });
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      handle({ type: "refused", head, code: error.code, message: error.message });
    }
  };
  const learn = async ({
    from,
    snapshot,
  }: Extract<SessionEffect, { type: "learn" }>): Promise<void> => {
    try {
      const path = `/v1/meshes/${encodeURIComponent(mesh.id)}/bundles`;
      const query = {
        from: from.number,
        ...(from.number > 0 ? { hash: from.hash } : {}),
        ...(snapshot ? { snapshot: "true" } : {}),
      };
      const answer = await client.transport.json("GET", path, { query, signal: deadline() });
      handle({ type: "learned", heads: waySchema.parse(answer).heads });
    } catch (error) {
      log.warn("the way to the newest revision could not be learned", { error: reasonOf(error) });
      handle({ type: "learning-failed" });
    }
  };
  const rotate = async (
    frame: Extract<SessionEffect, { type: "rotate" }>["rotate"],
  ): Promise<void> => {
    if (!(await verifyKeyRotation(mesh.id, frame.key, frame.signature, verifier)))
      return log.error("HDL7004: a new signing key is not signed by the pinned one and is refused");
    key = frame.key;
    verifier = await importVerifier(key);
    options.rotated(key);
  };
  const deadline = () => AbortSignal.any([abort.signal, AbortSignal.timeout(REQUEST_WITHIN)]);

  handle({ type: "start" });
  return {
    progress: (ack) => handle({ type: "progress", ack }),
    send,
    state: () => state,
    async close() {
      closed = true;
      abort.abort();
      for (const timer of timers.values()) clearTimeout(timer);
      socket?.terminate();
      await Promise.all([options.lastGood.settled(), options.acknowledged.settled()]);
    },
  };
}

const waySchema = z.object({ heads: z.array(headSchema) });

const reasonOf = (error: unknown) =>
  error instanceof Error
    ? `${error.message}${error.cause instanceof Error ? ` (${error.cause.message})` : ""}`
    : String(error);
