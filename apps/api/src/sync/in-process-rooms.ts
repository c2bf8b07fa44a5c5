/** The sync rooms of a plane that is one process: a Map of rooms and their WebSockets. */
import { type AgentIdentity, agentOfReplica, emptyRoom, isOneTooMany } from "@heddle/sync";
import type { WebSocket } from "ws";
import type { AppDeps, MeshRef } from "../deps.ts";
import { createAuthorityWatch } from "../pki/rotations.ts";
import { createAgentStore } from "./agent-store.ts";
import { bundleOf, inlineOf } from "./change-bundle.ts";
import { createBundleStore, type BundleStore } from "./bundle-store.ts";
import { CLOSE, createRoomDriver, type RoomDriver } from "./room-driver.ts";
import type { MeshRoom, MeshRooms } from "./rooms.ts";

export interface InProcessRooms extends MeshRooms {
  readonly bundles: BundleStore;
  room(mesh: MeshRef): MeshRoom;
  /** Puts an agent's socket into its mesh's room. */
  join(mesh: MeshRef, agent: Omit<AgentIdentity, "summary">, socket: WebSocket): void;
  close(): Promise<void>;
}

interface OpenRoom {
  readonly driver: RoomDriver;
  readonly sockets: Map<string, WebSocket>;
  /** Resolves when the room knows the mesh's newest revision. */
  readonly ready: Promise<void>;
  /** Ends its timer. */
  readonly stop: () => void;
}

export function createInProcessRooms(deps: Pick<AppDeps, "db" | "clock" | "log">): InProcessRooms {
  const bundles = createBundleStore(deps);
  const store = createAgentStore(deps);
  const opened = new Map<string, OpenRoom>();

  const open = (mesh: MeshRef): OpenRoom => {
    const known = opened.get(mesh.id);
    if (known) return known;
    const sockets = new Map<string, WebSocket>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const driver = createRoomDriver({
      mesh,
      initial: emptyRoom(mesh.id),
      store,
      authorities: createAuthorityWatch({ ...deps, rooms }),
      clock: deps.clock,
      log: deps.log,
      wake: (at) => {
        clearTimeout(timer);
        timer = setTimeout(() => driver.tick(), Math.max(0, at - deps.clock()) + 1);
        timer.unref();
      },
      sockets: {
        send: (agent, text) => sockets.get(agent)?.send(text),
        close: (agent, code, reason) => sockets.get(agent)?.close(code, reason),
      },
    });
    const ready = (async () => {
      await store.opened(mesh);
      const newest = await bundles.newest(mesh);
      if (newest) driver.publish(newest.head, inlineOf(newest));
      await driver.authorityChanged();
    })();
    ready.catch((error: unknown) => {
      deps.log.error("a sync room could not open", { mesh: mesh.id, error: String(error) });
      opened.delete(mesh.id);
    });
    const room = { driver, sockets, ready, stop: () => clearTimeout(timer) };
    opened.set(mesh.id, room);
    return room;
  };

  const rooms: InProcessRooms = {
    bundles,
    room: (mesh) => ({
      async publish(revision) {
        const made = await bundleOf(revision);
        open(mesh).driver.publish(made.head, inlineOf(made));
        // Agents need not wait for it: until it is stored it is answered from memory, later made again from the revision.
        bundles.put(mesh, made).catch((error: unknown) =>
          deps.log.error("a bundle could not be stored", {
            mesh: mesh.id,
            revision: revision.number,
            error: String(error),
          }),
        );
      },
      agents: async () => open(mesh).driver.agents(),
      progress: async () => [...open(mesh).driver.state().progress.values()].toReversed(),
      effect: (key) => open(mesh).driver.effect(key),
      explain: (question) => open(mesh).driver.explain(question),
      authorityChanged: () => open(mesh).driver.authorityChanged(),
      async dismiss(agent) {
        for (const [id, socket] of open(mesh).sockets)
          if (agentOfReplica(id) === agent) socket.close(CLOSE.refused, "HDL7011");
      },
      events: async () => open(mesh).driver.events.stream(),
    }),
    join(mesh, agent, socket) {
      const { driver, sockets, ready } = open(mesh);
      const queue: string[] = [];
      let identity: AgentIdentity | undefined;
      if (isOneTooMany([...sockets.keys()], agent.id))
        return socket.close(CLOSE.refused, "too many replicas");
      sockets.get(agent.id)?.close(CLOSE.replaced, "replaced");
      sockets.set(agent.id, socket);
      socket.on("message", (data, isBinary) => {
        if (isBinary) return socket.close(CLOSE.protocol, "text frames only");
        const text = String(data);
        if (identity) driver.received(identity, text);
        else queue.push(text);
      });
      socket.on("error", (error) =>
        deps.log.warn("an agent's socket failed", { agent: agent.id, error: error.message }),
      );
      socket.on("close", () => {
        if (sockets.get(agent.id) !== socket) return;
        sockets.delete(agent.id);
        driver.gone(agent.id);
      });
      void Promise.all([store.summaryHash(mesh, agentOfReplica(agent.id)), ready]).then(
        ([summary]) => {
          // It went again before anybody could listen: it must not be taken for one that is there.
          if (sockets.get(agent.id) !== socket) return;
          identity = { ...agent, summary };
          for (const text of queue.splice(0)) driver.received(identity, text);
        },
        () => socket.close(1011, "the room could not open"),
      );
    },
    async close() {
      for (const { driver, sockets, stop } of opened.values()) {
        for (const [agent, socket] of sockets) {
          // Said here and now: the socket's own event would come when the database is closed.
          sockets.delete(agent);
          driver.gone(agent);
          socket.terminate();
        }
        driver.events.close();
        driver.close();
        stop();
        await driver.settled();
      }
    },
  };
  return rooms;
}
