/** The graph as it is drawn: islands that are folded become one node, and their edges are added up. */
import type { Golden, Graph, GraphEdge, GraphNode } from "@heddle/client";
import { type Health, healthOf, worst } from "../health/health.ts";

export interface DrawnNode {
  id: string;
  label: string;
  /** The island that it stands on. */
  namespace: string;
  kind: GraphNode["kind"] | "island";
  version: string;
  app: string;
  golden: Golden;
  health: Health;
  /** Nodes behind it: 1, or all of a folded island. */
  members: number;
}

export interface DrawnEdge {
  id: string;
  source: string;
  target: string;
  protocol: GraphEdge["protocol"];
  golden: Golden;
  health: Health;
  mtls: number;
  flags: Record<string, number>;
}

export interface DrawnGraph {
  nodes: DrawnNode[];
  edges: DrawnEdge[];
  /** All islands, also folded ones, in order. */
  islands: { namespace: string; folded: boolean; health: Health; size: number }[];
}

/** Up to this many nodes, every island starts open. */
const OPEN_ALL = 40;
/** What has no namespace, such as hosts outside of the mesh, stands here. */
export const OUTSIDE = "outside the mesh";

/** Islands that start folded: all healthy ones where there are too many nodes to show. */
export function foldedAtFirst(graph: Graph): Set<string> {
  if (graph.nodes.length <= OPEN_ALL) return new Set();
  const health = new Map<string, Health[]>();
  for (const node of graph.nodes) add(health, islandOf(node), healthOf(node.golden));
  return new Set(
    [...health]
      .filter(([, all]) => !["bad", "warn"].includes(worst(all)))
      .map(([namespace]) => namespace),
  );
}

export function foldGraph(graph: Graph, folded: ReadonlySet<string>): DrawnGraph {
  const members = new Map<string, GraphNode[]>();
  for (const node of graph.nodes) add(members, islandOf(node), node);
  const place = new Map<string, string>();
  const nodes: DrawnNode[] = [];
  for (const [namespace, inside] of members) {
    if (folded.has(namespace)) {
      const id = `island:${namespace}`;
      for (const node of inside) place.set(node.id, id);
      nodes.push(foldedIsland(id, namespace, inside));
      continue;
    }
    for (const node of inside) {
      place.set(node.id, node.id);
      nodes.push(drawnNode(node, namespace));
    }
  }
  const bundles = new Map<string, GraphEdge[]>();
  for (const edge of graph.edges) {
    const source = place.get(edge.source);
    const target = place.get(edge.target);
    // Calls within a folded island are its own affair.
    if (
      source === undefined ||
      target === undefined ||
      (source === target && source.startsWith("island:"))
    )
      continue;
    add(bundles, `${source}>${target}`, { ...edge, source, target });
  }
  return {
    nodes: nodes.sort(
      (one, other) => byText(one.namespace, other.namespace) || byText(one.id, other.id),
    ),
    edges: [...bundles.values()].map(mergeEdges).sort((one, other) => byText(one.id, other.id)),
    islands: [...members]
      .map(([namespace, inside]) => ({
        namespace,
        folded: folded.has(namespace),
        health: worst(inside.map((node) => healthOf(node.golden))),
        size: inside.length,
      }))
      .sort((one, other) => byText(one.namespace, other.namespace)),
  };
}

function islandOf(node: GraphNode): string {
  return node.namespace === "" ? OUTSIDE : node.namespace;
}

function drawnNode(node: GraphNode, namespace: string): DrawnNode {
  const { id, kind, version, app, golden } = node;
  return {
    id,
    label: node.name || id,
    namespace,
    kind,
    version,
    app,
    golden,
    health: healthOf(golden),
    members: 1,
  };
}

function foldedIsland(id: string, namespace: string, inside: readonly GraphNode[]): DrawnNode {
  const golden = addGolden(inside.map((node) => node.golden));
  return {
    id,
    label: namespace,
    namespace,
    kind: "island",
    version: "",
    app: "",
    golden,
    health: worst(inside.map((node) => healthOf(node.golden))),
    members: inside.length,
  };
}

function mergeEdges(bundle: readonly GraphEdge[]): DrawnEdge {
  const { source, target, protocol } = bundle[0]!;
  const golden = addGolden(bundle.map((edge) => edge.golden));
  const flags: Record<string, number> = {};
  for (const edge of bundle) {
    for (const [flag, count] of Object.entries(edge.flags))
      flags[flag] = (flags[flag] ?? 0) + count;
  }
  const weight = bundle.reduce((sum, edge) => sum + edge.golden.requests, 0);
  const mtls =
    weight === 0
      ? Math.min(...bundle.map((edge) => edge.mtls))
      : bundle.reduce((sum, edge) => sum + edge.mtls * edge.golden.requests, 0) / weight;
  return {
    id: `${source}>${target}`,
    source,
    target,
    protocol,
    golden,
    health: healthOf(golden),
    mtls,
    flags,
  };
}

/** Adds rates; errors weigh by requests; of latencies the worst is taken, for quantiles cannot be added. */
export function addGolden(all: readonly Golden[]): Golden {
  const requests = all.reduce((sum, golden) => sum + golden.requests, 0);
  const highest = (read: (golden: Golden) => number | null): number | null => {
    const known = all.map(read).filter((value) => value !== null);
    return known.length === 0 ? null : Math.max(...known);
  };
  return {
    requests,
    rate: all.reduce((sum, golden) => sum + golden.rate, 0),
    errorRate:
      requests === 0
        ? 0
        : all.reduce((sum, golden) => sum + golden.errorRate * golden.requests, 0) / requests,
    p50: highest((golden) => golden.p50),
    p95: highest((golden) => golden.p95),
    p99: highest((golden) => golden.p99),
    bytesPerSecond: all.reduce((sum, golden) => sum + golden.bytesPerSecond, 0),
  };
}

function add<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

function byText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
