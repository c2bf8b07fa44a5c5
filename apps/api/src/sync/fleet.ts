/** Agents and proxies of a mesh, from the database and the mesh's room. */
import type { AgentInfo, Page, ProxyInfo } from "@heddle/client";
import type { ProxyReport } from "@heddle/sync";
import type { AppDeps, MeshRecord } from "../deps.ts";
import { decodeCursor, pageOf } from "../http/cursor.ts";
import { listAgents } from "./agent-store.ts";
import { type LiveAgent, meshRoom } from "./rooms.ts";

interface PageRequest {
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** By name. */
export async function pageOfAgents(
  deps: AppDeps,
  mesh: MeshRecord,
  page: PageRequest,
): Promise<Page<AgentInfo>> {
  const after =
    page.cursor === undefined ? undefined : String(decodeCursor(page.cursor, ["string"])[0]);
  const [rows, live] = await Promise.all([
    deps.db.withTenant(mesh.tenant, (tx) => listAgents(tx, mesh, { after, limit: page.limit + 1 })),
    liveAgents(deps, mesh),
  ]);
  const { items, ...rest } = pageOf(rows, page.limit, (row) => [row.name]);
  return {
    items: items.map((row) => {
      const now = live.get(row.id);
      const since = now ? new Date(now.since) : (row.lastSeenAt ?? row.createdAt);
      return {
        id: row.id,
        name: row.name,
        version: now?.version ?? row.version,
        connected: now?.connected ?? false,
        since: since.toISOString(),
        ...(now?.cluster === undefined ? {} : { cluster: now.cluster }),
        sharesWith: [...(now?.with ?? [])],
        acknowledged: Math.max(now?.acknowledged ?? 0, row.acknowledged),
        proxies: (now?.proxies ?? []).map((proxy) => proxyInfo(proxy, row.name)),
      };
    }),
    ...rest,
  };
}

/** Proxies connected to the mesh's agents, by name and id. */
export async function pageOfProxies(
  deps: AppDeps,
  mesh: MeshRecord,
  page: PageRequest,
): Promise<Page<ProxyInfo>> {
  const after =
    page.cursor === undefined
      ? undefined
      : decodeCursor(page.cursor, ["string", "string"]).join("\0");
  const rows = await deps.db.withTenant(mesh.tenant, (tx) =>
    listAgents(tx, mesh, { after: undefined, limit: 10_000 }),
  );
  const live = await liveAgents(deps, mesh);
  const all = rows
    .flatMap((row) => (live.get(row.id)?.proxies ?? []).map((proxy) => proxyInfo(proxy, row.name)))
    .toSorted((a, b) => (place(a) < place(b) ? -1 : 1))
    .filter((proxy) => after === undefined || place(proxy) > after);
  return pageOf(all.slice(0, page.limit + 1), page.limit, ({ name, id }) => [name, id]);
}

const place = ({ name, id }: Pick<ProxyInfo, "name" | "id">) => `${name}\0${id}`;

async function liveAgents(deps: AppDeps, mesh: MeshRecord): Promise<Map<string, LiveAgent>> {
  const agents = await meshRoom(deps.rooms, mesh).agents();
  return new Map(agents.map((agent) => [agent.id, agent]));
}

function proxyInfo({ cohort: _, ...proxy }: ProxyReport, agent: string): ProxyInfo {
  return { ...proxy, agent } as ProxyInfo;
}
