import { expect, test } from "vitest";
import { parseQuery } from "../filter/query.ts";
import { foldGraph } from "./fold.ts";
import { filterGraph, graphFields } from "./graph-fields.ts";

const golden = (errorRate: number) => ({
  requests: 10,
  rate: 1,
  errorRate,
  p50: 1,
  p95: 100,
  p99: 1,
  bytesPerSecond: 1,
});
const node = (id: string, namespace: string) => ({
  id,
  kind: "service" as const,
  namespace,
  name: id,
  app: id,
  version: "",
  golden: golden(0),
});
const edge = (source: string, target: string, errorRate: number, mtls: number) => ({
  source,
  target,
  protocol: "http" as const,
  golden: golden(errorRate),
  mtls,
  flags: {},
});
const graph = foldGraph(
  {
    from: "",
    to: "",
    nodes: [node("web", "front"), node("cart", "shop"), node("pay", "shop")],
    edges: [edge("web", "cart", 0.2, 1), edge("cart", "pay", 0, 0.5)],
  },
  new Set(),
);

function filtered(text: string): { nodes: string[]; edges: string[] } {
  const kept = filterGraph(graph, parseQuery(text, graphFields));
  return { nodes: kept.nodes.map((each) => each.id), edges: kept.edges.map((each) => each.id) };
}

test("a failing call keeps both of its ends", () => {
  expect(filtered("errors > 1%")).toEqual({ nodes: ["web", "cart"], edges: ["web>cart"] });
});

test("a question about mutual TLS is about calls only", () => {
  expect(filtered("!mtls")).toEqual({ nodes: ["cart", "pay"], edges: ["cart>pay"] });
});

test("a namespace keeps its nodes and the calls that touch it", () => {
  expect(filtered("ns = front")).toEqual({ nodes: ["web", "cart"], edges: ["web>cart"] });
});

test("no filter keeps the graph as it is", () => {
  expect(filterGraph(graph, parseQuery("", graphFields))).toBe(graph);
});
