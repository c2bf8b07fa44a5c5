/** What the mesh's other clusters share, as the plane hands it on: kept while the plane is away, withdrawn when they are gone. */
import { type MeshObject, objectKey, type Service } from "@heddle/model";
import {
  type AgentFrame,
  differenceOf,
  nothingShared,
  type SharedItem,
  type SharedSet,
  type SharingFrame,
  withPart,
} from "@heddle/sync";
import type { Elsewhere } from "@heddle/translate";
import type { AgentLog } from "../log.ts";
import type { OwnedObject } from "../sources/merge.ts";
import type { KeptCluster, KeptClusters } from "./kept-clusters.ts";
import { endpointsIn, serviceIn } from "./shared-services.ts";

/** A cluster that the plane has named, or that was kept from before. */
interface OtherCluster {
  readonly agent: string;
  readonly name: string;
  readonly cluster: string;
  /** Milliseconds. */
  readonly ttl: number;
  readonly set: SharedSet;
  /** The plane, in touch since then, does not name it: `Date.now()`; undefined: it does, or it is away itself. */
  readonly unnamedSince: number | undefined;
}

export interface OtherClusterStatus {
  readonly agent: string;
  readonly cluster: string;
  readonly items: number;
}

export interface OtherClusters {
  /** Takes what was kept on disk in force. */
  resume(kept: readonly KeptCluster[]): void;
  /** The plane greeted: it will name those that there are. */
  greeted(): void;
  heard(frame: Extract<SharingFrame, { type: "clusters" | "elsewhere" }>): void;
  status(): readonly OtherClusterStatus[];
  close(): void;
}

export interface OtherClustersParts {
  readonly send: (frame: AgentFrame) => void;
  /** Whether the plane is in touch: of a silent one nothing is withdrawn. */
  readonly connected: () => boolean;
  /** Services that other clusters have; undefined: gone. */
  readonly putServices: (changes: ReadonlyMap<string, OwnedObject | undefined>) => void;
  readonly setElsewhere: (changes: ReadonlyMap<string, Elsewhere | undefined>) => void;
  readonly kept: Pick<KeptClusters, "keep">;
  readonly log: AgentLog;
}

export function createOtherClusters(parts: OtherClustersParts): OtherClusters {
  const { send, log } = parts;
  const clusters = new Map<string, OtherCluster>();
  /** Services by model key, then by who has them. */
  const services = new Map<string, Map<string, MeshObject<Service>>>();
  let timer: NodeJS.Timeout | undefined;

  const put = (cluster: OtherCluster) => {
    const before = clusters.get(cluster.agent);
    clusters.set(cluster.agent, cluster);
    apply(cluster, before?.set.items ?? new Map(), cluster.set.items);
  };
  const drop = ({ agent }: Pick<OtherCluster, "agent">) => {
    const known = clusters.get(agent);
    if (!known) return;
    clusters.delete(agent);
    log.info("another cluster of the mesh is gone; its endpoints are withdrawn", {
      cluster: known.cluster,
    });
    apply(known, known.set.items, new Map());
  };
  const apply = (
    { agent, cluster }: OtherCluster,
    before: ReadonlyMap<string, SharedItem>,
    after: ReadonlyMap<string, SharedItem>,
  ) => {
    const changed = differenceOf(before, after);
    if (changed.size === 0) return;
    const elsewhere = new Map<string, Elsewhere | undefined>();
    const moved = new Map<string, OwnedObject | undefined>();
    for (const [key, item] of changed) {
      const old = before.get(key);
      elsewhere.set(`${agent} ${key}`, item && elsewhereOf(item, cluster));
      const gone = old && documentIn(old);
      const now = item && documentIn(item);
      if (gone) fileService(moved, agent, gone, false);
      if (now) fileService(moved, agent, now, true);
    }
    if (moved.size > 0) parts.putServices(moved);
    parts.setElsewhere(elsewhere);
    keep();
  };
  const fileService = (
    moved: Map<string, OwnedObject | undefined>,
    agent: string,
    service: MeshObject<Service>,
    present: boolean,
  ) => {
    const key = objectKey(service);
    const known = services.get(key) ?? new Map<string, MeshObject<Service>>();
    if (present) known.set(agent, service);
    else known.delete(agent);
    if (known.size > 0) services.set(key, known);
    else services.delete(key);
    // Of several clusters that have it, always the same one tells what it is.
    const [first] = [...known].toSorted(([a], [b]) => (a < b ? -1 : 1));
    moved.set(key, first && { object: first[1] });
  };
  const keep = () =>
    parts.kept.keep(
      [...clusters.values()].map(({ agent, name, cluster, ttl, set: { version, items } }) => ({
        ...{ agent, name, cluster, ttl, items: [...items.values()] },
        ...(version === undefined ? {} : { version }),
      })),
    );
  /** Drops what the plane has not named for its time to live, and comes back for the next one. */
  const sweep = () => {
    clearTimeout(timer);
    // When the plane is back, all is counted anew.
    if (!parts.connected()) return;
    const now = Date.now();
    let next = Number.POSITIVE_INFINITY;
    for (const cluster of clusters.values()) {
      if (cluster.unnamedSince === undefined) continue;
      const until = cluster.unnamedSince + cluster.ttl;
      if (until <= now) drop(cluster);
      else next = Math.min(next, until);
    }
    if (Number.isFinite(next)) timer = setTimeout(sweep, next - now + 1);
  };
  const named = ({ clusters: listed, withdrawn }: Extract<SharingFrame, { type: "clusters" }>) => {
    for (const agent of withdrawn) drop({ agent });
    const there = new Set(listed.map(({ agent }) => agent));
    for (const cluster of clusters.values()) {
      if (there.has(cluster.agent)) continue;
      const unnamedSince = cluster.unnamedSince ?? Date.now();
      clusters.set(cluster.agent, { ...cluster, unnamedSince });
    }
    for (const { agent, name, cluster, ttl, version } of listed) {
      // Endpoints say which cluster they are of: another name makes others of them.
      if (clusters.get(agent)?.cluster !== cluster) drop({ agent });
      const set = clusters.get(agent)?.set ?? nothingShared;
      put({ agent, name, cluster, ttl, set, unnamedSince: undefined });
      if (version !== undefined && version !== set.version) send({ type: "want", agent });
    }
    sweep();
  };
  const came = (frame: Extract<SharingFrame, { type: "elsewhere" }>) => {
    const known = clusters.get(frame.agent);
    if (!known) return;
    const [set, lost] = withPart(known.set, frame);
    put({ ...known, set });
    if (lost) send({ type: "want", agent: frame.agent });
  };
  return {
    resume(kept) {
      for (const { version, items, ...cluster } of kept) {
        const held = new Map(items.map((item) => [item.key, item]));
        const set: SharedSet = { version, items: held, pending: undefined };
        put({ ...cluster, set, unnamedSince: undefined });
      }
    },
    greeted() {
      for (const cluster of clusters.values()) {
        // What was under way on the last connection is not continued, and one that the plane does not name is counted from here.
        const set = { ...cluster.set, pending: undefined };
        clusters.set(cluster.agent, { ...cluster, set, unnamedSince: Date.now() });
      }
      sweep();
    },
    heard: (frame) => (frame.type === "clusters" ? named(frame) : came(frame)),
    status: () =>
      [...clusters.values()].map(({ agent, cluster, set }) => ({
        ...{ agent, cluster, items: set.items.size },
      })),
    close: () => clearTimeout(timer),
  };
}

function elsewhereOf(item: SharedItem, cluster: string): Elsewhere {
  if (item.kind === "gateway") {
    const { network, address, port } = item;
    return { gateway: { network, address, port } };
  }
  const { host, namespace } = item;
  return { service: { host, namespace, endpoints: endpointsIn(item, cluster) } };
}

function documentIn(item: SharedItem): MeshObject<Service> | undefined {
  if (item.kind !== "service" || !item.document) return undefined;
  return serviceIn(item.document);
}
