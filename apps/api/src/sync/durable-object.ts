/** A mesh's sync room as a Durable Object: its sockets hibernate, its state lies in its storage. */
import {
  accessQuestionSchema,
  type AgentIdentity,
  agentOfReplica,
  headSchema,
  isOneTooMany,
  type RoomState,
} from "@heddle/sync";
import { z } from "zod";
import type { AppDeps, MeshRef } from "../deps.ts";
import { standingTokens, TOKEN_BELIEVED_FOR } from "./agent-identity.ts";
import { createAuthorityWatch } from "../pki/rotations.ts";
import { createAgentStore } from "./agent-store.ts";
import { createBundleStore } from "./bundle-store.ts";
import { inlineOf } from "./change-bundle.ts";
import { type HibernatingSocket, type ObjectState, socketPair } from "./durable-runtime.ts";
import { CLOSE, createRoomDriver, type RoomDriver } from "./room-driver.ts";
import type { MeshRooms } from "./rooms.ts";
import { loadRoom, meshOfRoom, saveRoom } from "./room-storage.ts";

/** What the rest of the plane asks of the object, as paths of requests to it. */
export const ROOM_PATHS = {
  connect: "/connect",
  publish: "/publish",
  agents: "/agents",
  progress: "/progress",
  events: "/events",
  effect: "/effect",
  explain: "/explain",
  authority: "/authority",
  dismiss: "/dismiss",
} as const;

/** Which mesh the room is for; on every request, since an object does not know its own name. */
export const ROOM_HEADERS = {
  tenant: "x-heddle-tenant",
  mesh: "x-heddle-mesh",
  agent: "x-heddle-agent",
  name: "x-heddle-agent-name",
  token: "x-heddle-token-id",
} as const;

const publishSchema = z.object({ head: headSchema, inline: z.string().optional() });

/** `rooms`: those of other meshes, which follow this one's roots. */
type RoomDeps = Pick<AppDeps, "db" | "clock" | "log"> & { readonly rooms: MeshRooms };

/** The class that a Worker exports; `depsOf` makes what the room needs of its environment. */
export function meshRoomClass<Bindings>(depsOf: (env: Bindings) => RoomDeps) {
  return class MeshRoomObject {
    readonly #ctx: ObjectState;
    readonly #deps: RoomDeps;
    #room: { readonly mesh: MeshRef; readonly driver: RoomDriver } | undefined;
    #opening: Promise<RoomDriver> | undefined;

    constructor(ctx: ObjectState, env: Bindings) {
      this.#ctx = ctx;
      this.#deps = depsOf(env);
    }

    async fetch(request: Request): Promise<Response> {
      const mesh = {
        tenant: request.headers.get(ROOM_HEADERS.tenant) ?? "",
        id: request.headers.get(ROOM_HEADERS.mesh) ?? "",
      };
      const driver = await this.#open(mesh);
      switch (new URL(request.url).pathname) {
        case ROOM_PATHS.publish: {
          const { head, inline } = publishSchema.parse(await request.json());
          driver.publish(head, inline);
          return new Response(null, { status: 204 });
        }
        case ROOM_PATHS.agents:
          return Response.json(driver.agents());
        case ROOM_PATHS.progress:
          return Response.json([...driver.state().progress.values()].toReversed());
        case ROOM_PATHS.effect: {
          const key = new URL(request.url).searchParams.get("key") ?? "";
          return Response.json(await driver.effect(key));
        }
        case ROOM_PATHS.explain:
          return Response.json(
            await driver.explain(accessQuestionSchema.parse(await request.json())),
          );
        case ROOM_PATHS.authority:
          await driver.authorityChanged();
          return new Response(null, { status: 204 });
        case ROOM_PATHS.dismiss:
          this.#dismiss(new URL(request.url).searchParams.get("agent") ?? "");
          return new Response(null, { status: 204 });
        case ROOM_PATHS.events:
          return new Response(driver.events.stream());
        case ROOM_PATHS.connect:
          return this.#connect(mesh, request);
        default:
          return new Response(null, { status: 404 });
      }
    }

    async webSocketMessage(socket: HibernatingSocket, data: string | ArrayBuffer): Promise<void> {
      const { mesh, agent } = socket.deserializeAttachment() as Attachment;
      if (typeof data !== "string") return socket.close(CLOSE.protocol, "text frames only");
      if (!(await this.#stands(socket))) return socket.close(CLOSE.refused, "HDL7011");
      const driver = await this.#open(mesh);
      driver.received(agent, data);
      await driver.settled();
    }

    async webSocketClose(socket: HibernatingSocket): Promise<void> {
      const { mesh, agent } = socket.deserializeAttachment() as Attachment;
      // An agent that has connected anew before its old socket was seen to end is still there.
      if (this.#ctx.getWebSockets(agent.id).some((other) => other !== socket)) return;
      const driver = await this.#open(mesh);
      driver.gone(agent.id);
      await driver.settled();
    }

    /** Time to live is over for some cluster. */
    async alarm(): Promise<void> {
      const mesh = await meshOfRoom(this.#ctx.storage);
      if (!mesh) return;
      const driver = await this.#open(mesh);
      driver.tick();
      await driver.settled();
    }

    webSocketError(socket: HibernatingSocket): Promise<void> {
      return this.webSocketClose(socket);
    }

    /** An agent pings while it lives: that is when its token is looked at again. */
    async #stands(socket: HibernatingSocket): Promise<boolean> {
      const attachment = socket.deserializeAttachment() as Attachment;
      const { token, checkedAt } = attachment;
      const now = this.#deps.clock();
      if (now - checkedAt < TOKEN_BELIEVED_FOR) return true;
      socket.serializeAttachment({ ...attachment, checkedAt: now } satisfies Attachment);
      try {
        return (await standingTokens(this.#deps, [token])).has(token);
      } catch (error) {
        // A database that does not answer says nothing about a token.
        this.#deps.log.warn("an agent's token could not be looked at again", {
          mesh: attachment.mesh.id,
          error: String(error),
        });
        return true;
      }
    }

    #open(mesh: MeshRef): Promise<RoomDriver> {
      if (this.#room) return Promise.resolve(this.#room.driver);
      this.#opening ??= this.#wake(mesh).finally(() => (this.#opening = undefined));
      return this.#opening;
    }

    async #wake(mesh: MeshRef): Promise<RoomDriver> {
      const initial = await loadRoom(this.#ctx.storage, mesh);
      let saved: RoomState = initial;
      const driver = createRoomDriver({
        mesh,
        initial,
        store: createAgentStore(this.#deps),
        authorities: createAuthorityWatch(this.#deps),
        clock: this.#deps.clock,
        log: this.#deps.log,
        sockets: {
          send: (agent, text) => this.#newestSocket(agent)?.send(text),
          close: (agent, code, reason) => this.#newestSocket(agent)?.close(code, reason),
        },
        wake: (at) => this.#ctx.waitUntil(this.#ctx.storage.setAlarm(at)),
        changed: (state) => {
          const before = saved;
          saved = state;
          this.#ctx.waitUntil(saveRoom(this.#ctx.storage, mesh, before, state));
        },
      });
      // Sockets that ended with the process that held them: nobody has said that they are gone.
      for (const { id, connected } of initial.agents.values())
        if (connected && this.#ctx.getWebSockets(id).length === 0) driver.gone(id);
      if (!initial.head) {
        const newest = await createBundleStore(this.#deps).newest(mesh);
        if (newest) driver.publish(newest.head, inlineOf(newest));
      }
      await driver.authorityChanged();
      this.#room = { mesh, driver };
      return driver;
    }

    #connect(mesh: MeshRef, request: Request): Response {
      const agent = {
        id: request.headers.get(ROOM_HEADERS.agent) ?? "",
        name: decodeURIComponent(request.headers.get(ROOM_HEADERS.name) ?? ""),
      };
      const there = this.#ctx
        .getWebSockets()
        .map((socket) => (socket.deserializeAttachment() as Attachment).agent.id);
      if (isOneTooMany([...new Set(there)], agent.id))
        return new Response("too many replicas", { status: 429 });
      for (const old of this.#ctx.getWebSockets(agent.id)) old.close(CLOSE.replaced, "replaced");
      const { client, server } = socketPair();
      this.#ctx.acceptWebSocket(server, [agent.id]);
      const openedAt = this.#deps.clock();
      server.serializeAttachment({
        mesh,
        agent,
        token: request.headers.get(ROOM_HEADERS.token) ?? "",
        openedAt,
        checkedAt: openedAt,
      } satisfies Attachment);
      return new Response(null, { status: 101, webSocket: client } as ResponseInit);
    }

    #dismiss(agent: string): void {
      for (const socket of this.#ctx.getWebSockets()) {
        const { id } = (socket.deserializeAttachment() as Attachment).agent;
        if (agentOfReplica(id) === agent) socket.close(CLOSE.refused, "HDL7011");
      }
    }

    #newestSocket(agent: string): HibernatingSocket | undefined {
      const openedAt = (socket: HibernatingSocket) =>
        (socket.deserializeAttachment() as Attachment).openedAt;
      return this.#ctx.getWebSockets(agent).toSorted((a, b) => openedAt(b) - openedAt(a))[0];
    }
  };
}

/** What a socket keeps through sleep. */
interface Attachment {
  readonly mesh: MeshRef;
  readonly agent: AgentIdentity;
  /** The id of the token that opened it. */
  readonly token: string;
  readonly openedAt: number;
  /** When the token was last found to stand. */
  readonly checkedAt: number;
}
