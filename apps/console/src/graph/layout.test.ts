import { expect, test } from "vitest";
import type { DrawnGraph } from "./fold.ts";
import {
  covers,
  type Layout,
  layoutOrder,
  layoutQuestion,
  readLayout,
  splinePath,
} from "./layout.ts";

const golden = { requests: 1, rate: 1, errorRate: 0, p50: 1, p95: 1, p99: 1, bytesPerSecond: 1 };
const graph: DrawnGraph = {
  nodes: [
    { id: "web", namespace: "front" },
    { id: "cart", namespace: "shop" },
    { id: "stock", namespace: "shop" },
  ].map((node) => ({
    ...node,
    label: node.id,
    kind: "service",
    version: "",
    app: "",
    golden,
    health: "ok",
    members: 1,
  })),
  edges: [
    { source: "web", target: "cart" },
    { source: "cart", target: "stock" },
  ].map((edge) => ({
    ...edge,
    id: `${edge.source}>${edge.target}`,
    protocol: "http",
    golden,
    health: "ok",
    mtls: 1,
    flags: {},
  })),
  islands: [],
};

test("nodes keep their order, and new ones come after them", () => {
  const before = new Map([
    ["cart", { x: 10, y: 5 }],
    ["web", { x: 0, y: 90 }],
    ["stock", { x: 0, y: 5 }],
  ]);
  expect(layoutOrder(["new", "web", "cart", "a-new", "stock"], before)).toEqual([
    "stock",
    "cart",
    "web",
    "a-new",
    "new",
  ]);
});

test("the order of the graph's nodes does not change the question", () => {
  const turned = { ...graph, nodes: graph.nodes.toReversed(), edges: graph.edges.toReversed() };
  expect(layoutQuestion(turned, new Map())).toEqual(layoutQuestion(graph, new Map()));
});

test("a layout serves as long as everything has a place, also when something is gone", () => {
  const place = { x: 0, y: 0, width: 1, height: 1 };
  const layout: Layout = {
    width: 1,
    height: 1,
    islands: new Map(),
    nodes: new Map(graph.nodes.map((node) => [node.id, place])),
    edges: new Map(graph.edges.map((edge) => [edge.id, { points: [], label: undefined }])),
  };
  expect(covers(layout, graph)).toBe(true);
  expect(covers(layout, { ...graph, nodes: graph.nodes.slice(1), edges: [] })).toBe(true);
  const more = {
    ...graph,
    edges: [...graph.edges, { ...graph.edges[0]!, id: "web>stock", target: "stock" }],
  };
  expect(covers(layout, more)).toBe(false);
});

test("the answer is read with islands, nodes, edges and labels", () => {
  const layout = readLayout({
    id: "root",
    width: 400,
    height: 200,
    children: [
      {
        id: "namespace:shop",
        x: 10,
        y: 20,
        width: 90,
        height: 80,
        children: [{ id: "cart", x: 30, y: 60, width: 5, height: 6 }],
      },
    ],
    edges: [
      {
        id: "web>cart",
        sources: ["web"],
        targets: ["cart"],
        sections: [
          {
            id: "s",
            startPoint: { x: 0, y: 1 },
            bendPoints: [{ x: 2, y: 3 }],
            endPoint: { x: 4, y: 5 },
          },
        ],
        labels: [{ id: "l", x: 7, y: 8 }],
      },
    ],
  });
  expect(layout.islands.get("shop")).toEqual({ x: 10, y: 20, width: 90, height: 80 });
  expect(layout.nodes.get("cart")).toEqual({ x: 30, y: 60, width: 5, height: 6 });
  expect(layout.edges.get("web>cart")).toEqual({
    points: [
      { x: 0, y: 1 },
      { x: 2, y: 3 },
      { x: 4, y: 5 },
    ],
    label: { x: 7, y: 8 },
  });
});

test("a spline's points become curves, and what is left over a line", () => {
  const points = [0, 1, 2, 3, 4].map((n) => ({ x: n, y: n }));
  expect(splinePath(points)).toBe("M0 0C1 1 2 2 3 3L4 4");
  expect(splinePath(points.slice(0, 2))).toBe("M0 0L1 1");
  expect(splinePath([])).toBe("");
});
