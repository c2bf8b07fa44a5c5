/** What can be asked of the graph in a filter, and what of it stays. */
import { type Field, matches, type Query } from "../filter/query.ts";
import { healthWord } from "../health/health.ts";
import type { DrawnEdge, DrawnGraph, DrawnNode } from "./fold.ts";

/** A node by itself, or an edge together with one of its ends. */
interface Subject {
  node: DrawnNode | undefined;
  edge: DrawnEdge | undefined;
}

const golden = ({ edge, node }: Subject) => (edge ?? node)?.golden;

export const graphFields: readonly Field<Subject>[] = [
  {
    name: "name",
    aliases: ["service"],
    type: "text",
    about: "name at either end",
    read: ({ node }) => node?.label,
  },
  {
    name: "ns",
    aliases: ["namespace"],
    type: "text",
    about: "namespace at either end",
    read: ({ node }) => node?.namespace,
  },
  { name: "app", type: "text", about: "app label", read: ({ node }) => node?.app },
  { name: "version", type: "text", about: "version label", read: ({ node }) => node?.version },
  {
    name: "errors",
    aliases: ["error"],
    type: "share",
    about: "share of failed requests, as 1%",
    read: (subject) => golden(subject)?.errorRate,
  },
  {
    name: "p95",
    type: "duration",
    about: "latency of the slowest 5 %, as 300ms",
    read: (subject) => golden(subject)?.p95,
  },
  {
    name: "rate",
    aliases: ["rps"],
    type: "number",
    about: "requests per second",
    read: (subject) => golden(subject)?.rate,
  },
  {
    name: "protocol",
    type: "text",
    about: "http, grpc or tcp",
    read: ({ edge }) => edge?.protocol,
  },
  {
    name: "health",
    aliases: ["status"],
    type: "text",
    about: "healthy, degraded, failing",
    read: ({ edge, node }) => healthWord[(edge ?? node)?.health ?? "idle"],
  },
  {
    name: "mtls",
    type: "flag",
    about: "all requests over mutual TLS",
    read: ({ edge }) => edge !== undefined && edge.mtls > 0.999,
  },
];

/** The edges that fit and their ends, and the nodes that fit by themselves. */
export function filterGraph(graph: DrawnGraph, query: Query): DrawnGraph {
  if (query.terms.length === 0) return graph;
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const edges = graph.edges.filter((edge) =>
    [edge.source, edge.target].some((end) =>
      matches(query, { edge, node: nodes.get(end) }, graphFields),
    ),
  );
  // A question about calls alone is answered by calls: a node has no mTLS of its own.
  const aboutCalls = query.terms.some(
    (term) => term.kind !== "word" && ["mtls", "protocol"].includes(term.field),
  );
  const kept = new Set(edges.flatMap((edge) => [edge.source, edge.target]));
  if (!aboutCalls)
    for (const node of graph.nodes)
      if (matches(query, { edge: undefined, node }, graphFields)) kept.add(node.id);
  return { ...graph, edges, nodes: graph.nodes.filter((node) => kept.has(node.id)) };
}
