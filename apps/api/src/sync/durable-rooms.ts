/** The sync rooms of a plane at the edge: each call goes to the mesh's Durable Object. */
import type { AccessAnswer, Effect, Progress } from "@heddle/sync";
import type { AppDeps, MeshRef } from "../deps.ts";
import type { Asked } from "./asked-agents.ts";
import { type BundleStore, createBundleStore } from "./bundle-store.ts";
import { bundleOf, inlineOf } from "./change-bundle.ts";
import { ROOM_HEADERS, ROOM_PATHS } from "./durable-object.ts";
import type { ObjectNamespace } from "./durable-runtime.ts";
import type { LiveAgent, MeshRoom, MeshRooms } from "./rooms.ts";

export function createDurableRooms(
  namespace: ObjectNamespace,
  deps: Pick<AppDeps, "db" | "clock">,
): MeshRooms & { readonly bundles: BundleStore } {
  const bundles = createBundleStore(deps);
  return { bundles, room: (mesh) => durableRoom(namespace, bundles, mesh) };
}

function durableRoom(namespace: ObjectNamespace, bundles: BundleStore, mesh: MeshRef): MeshRoom {
  const stub = namespace.get(namespace.idFromName(mesh.id));
  const call = (
    path: string,
    init: { method?: string; body?: string; headers?: Record<string, string> } = {},
  ) =>
    stub.fetch(
      new Request(`https://room${path}`, {
        ...init,
        headers: {
          ...init.headers,
          [ROOM_HEADERS.tenant]: mesh.tenant,
          [ROOM_HEADERS.mesh]: mesh.id,
        },
      }),
    );
  const read = async <T>(path: string, init?: Parameters<typeof call>[1]): Promise<T> =>
    (await (await call(path, init)).json()) as T;
  return {
    async publish(revision) {
      const made = await bundleOf(revision);
      // Another isolate will be asked for it: it has to be in the database first.
      await bundles.put(mesh, made);
      const inline = inlineOf(made);
      const body = JSON.stringify({ head: made.head, ...(inline === undefined ? {} : { inline }) });
      const response = await call(ROOM_PATHS.publish, { method: "POST", body });
      if (!response.ok) throw new Error(`The mesh's room answered ${response.status}.`);
    },
    agents: () => read<LiveAgent[]>(ROOM_PATHS.agents),
    progress: () => read<Progress[]>(ROOM_PATHS.progress),
    effect: (key) => read<Asked<Effect>>(`${ROOM_PATHS.effect}?key=${encodeURIComponent(key)}`),
    explain: (question) =>
      read<Asked<AccessAnswer>>(ROOM_PATHS.explain, {
        method: "POST",
        body: JSON.stringify(question),
      }),
    async authorityChanged() {
      const response = await call(ROOM_PATHS.authority, { method: "POST" });
      if (!response.ok) throw new Error(`The mesh's room answered ${response.status}.`);
    },
    async dismiss(agent) {
      const path = `${ROOM_PATHS.dismiss}?agent=${encodeURIComponent(agent)}`;
      const response = await call(path, { method: "POST" });
      if (!response.ok) throw new Error(`The mesh's room answered ${response.status}.`);
    },
    async events() {
      const { body } = await call(ROOM_PATHS.events);
      if (!body) throw new Error("The mesh's room has no events.");
      return body;
    },
    connect: (_, agent) =>
      call(ROOM_PATHS.connect, {
        headers: {
          upgrade: "websocket",
          [ROOM_HEADERS.agent]: agent.id,
          [ROOM_HEADERS.name]: encodeURIComponent(agent.name),
          [ROOM_HEADERS.token]: agent.token,
        },
      }),
  };
}
