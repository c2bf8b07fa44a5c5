import type { Golden, Graph } from "@heddle/client";
import { describe, expect, test } from "vitest";
import { addGolden, foldedAtFirst, foldGraph, OUTSIDE } from "./fold.ts";

const golden = (requests: number, errorRate = 0, p95: number | null = 10): Golden => ({
  requests,
  rate: requests / 10,
  errorRate,
  p50: null,
  p95,
  p99: null,
  bytesPerSecond: 1,
});

function graph(
  nodes: [id: string, namespace: string, errorRate?: number][],
  edges: [string, string, number, number?][],
): Graph {
  return {
    from: "",
    to: "",
    nodes: nodes.map(([id, namespace, errorRate]) => ({
      id,
      kind: "service",
      namespace,
      name: id,
      app: id,
      version: "",
      golden: golden(100, errorRate),
    })),
    edges: edges.map(([source, target, requests, mtls = 1]) => ({
      source,
      target,
      protocol: "http",
      golden: golden(requests),
      mtls,
      flags: { UF: 1 },
    })),
  };
}

const shop = graph(
  [
    ["b", "shop"],
    ["a", "shop", 0.2],
    ["web", "front"],
    ["bank", ""],
  ],
  [
    ["web", "a", 100, 1],
    ["web", "b", 300, 0],
    ["a", "b", 50],
    ["a", "bank", 10],
  ],
);

describe("folding", () => {
  test("open islands keep their nodes; what has no namespace stands outside", () => {
    const drawn = foldGraph(shop, new Set());
    expect(drawn.nodes.map((node) => node.id)).toEqual(["web", "bank", "a", "b"]);
    expect(drawn.islands.map((island) => island.namespace)).toEqual(["front", OUTSIDE, "shop"]);
    expect(drawn.edges).toHaveLength(4);
  });

  test("a folded island is one node as unhealthy as its worst, its edges are added up, inner calls vanish", () => {
    const drawn = foldGraph(shop, new Set(["shop"]));
    const island = drawn.nodes.find((node) => node.kind === "island");
    expect(island).toMatchObject({ id: "island:shop", members: 2, health: "bad" });
    expect(drawn.edges.map((edge) => edge.id)).toEqual(["island:shop>bank", "web>island:shop"]);
    expect(drawn.edges[1]).toMatchObject({
      golden: { requests: 400 },
      mtls: 0.25,
      flags: { UF: 2 },
    });
  });

  test("does not depend on the order of the answer", () => {
    const turned = { ...shop, nodes: shop.nodes.toReversed(), edges: shop.edges.toReversed() };
    expect(foldGraph(turned, new Set())).toEqual(foldGraph(shop, new Set()));
  });

  test("an edge whose end is unknown is not drawn", () => {
    expect(foldGraph(graph([["a", "x"]], [["a", "gone", 1]]), new Set()).edges).toEqual([]);
  });

  test("a large graph starts with its healthy islands folded and the others open", () => {
    const many = graph(
      Array.from({ length: 60 }, (_, index) => [
        `n${index}`,
        index < 30 ? "calm" : "ill",
        index === 45 ? 0.5 : 0,
      ]),
      [],
    );
    expect([...foldedAtFirst(many)]).toEqual(["calm"]);
    expect(foldedAtFirst(shop).size).toBe(0);
  });

  test("quantiles are not added: the worst stands for all", () => {
    expect(addGolden([golden(10, 0.5, 20), golden(30, 0.1, null), golden(0, 0, 7)])).toMatchObject({
      errorRate: 0.2,
      p95: 20,
      requests: 40,
    });
    expect(addGolden([]).p95).toBeNull();
  });
});
