/** Where nodes, islands and edges stand: the question put to the layout engine, and its answer read. */
import type { ElkNode } from "elkjs/lib/elk-api.js";
import type { DrawnGraph } from "./fold.ts";

const NODE_WIDTH = 172;
const NODE_HEIGHT = 48;
export const LABEL_WIDTH = 92;
export const LABEL_HEIGHT = 34;

export interface Point {
  x: number;
  y: number;
}

export interface Box extends Point {
  width: number;
  height: number;
}

export interface Layout {
  width: number;
  height: number;
  nodes: ReadonlyMap<string, Box>;
  islands: ReadonlyMap<string, Box>;
  /** Points of each edge's line, and where its label stands. */
  edges: ReadonlyMap<string, { points: Point[]; label: Point | undefined }>;
}

/** Whether a layout already has a place for everything in the graph. What has gone leaves a gap, and nothing moves. */
export function covers(layout: Layout, graph: DrawnGraph): boolean {
  return (
    graph.nodes.every((node) => layout.nodes.has(node.id)) &&
    graph.edges.every((edge) => layout.edges.has(edge.id))
  );
}

/**
 * The order in which nodes are given to the engine, which keeps it where it can: as they stood before, new ones after them by name.
 */
export function layoutOrder(ids: readonly string[], before: ReadonlyMap<string, Point>): string[] {
  const known = ids.filter((id) => before.has(id));
  const fresh = ids.filter((id) => !before.has(id));
  known.sort((one, other) => {
    const a = before.get(one)!;
    const b = before.get(other)!;
    return a.y - b.y || a.x - b.x || (one < other ? -1 : 1);
  });
  fresh.sort();
  return [...known, ...fresh];
}

/** The engine's input: namespaces as containers, calls from left to right, room for a label on every edge. */
export function layoutQuestion(graph: DrawnGraph, before: ReadonlyMap<string, Point>): ElkNode {
  const order = layoutOrder(
    graph.nodes.map((node) => node.id),
    before,
  );
  const rank = new Map(order.map((id, index) => [id, index]));
  const namespaceOf = new Map(graph.nodes.map((node) => [node.id, node.namespace]));
  const namespaces = [...new Set(order.map((id) => namespaceOf.get(id)!))];
  const edges = graph.edges.toSorted(
    (one, other) =>
      rank.get(one.source)! - rank.get(other.source)! ||
      rank.get(one.target)! - rank.get(other.target)!,
  );
  return {
    id: "root",
    layoutOptions: {
      "elk.algorithm": "layered",
      "elk.direction": "RIGHT",
      "elk.hierarchyHandling": "INCLUDE_CHILDREN",
      "elk.edgeRouting": "SPLINES",
      "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
      "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
      "elk.layered.spacing.nodeNodeBetweenLayers": "22",
      "elk.layered.spacing.edgeNodeBetweenLayers": "12",
      "elk.spacing.nodeNode": "28",
      "elk.spacing.edgeNode": "20",
      "elk.spacing.componentComponent": "40",
      "elk.json.shapeCoords": "ROOT",
      "elk.json.edgeCoords": "ROOT",
    },
    children: namespaces.map((namespace) => ({
      id: islandId(namespace),
      layoutOptions: { "elk.padding": "[top=40,left=20,bottom=20,right=20]" },
      children: order
        .filter((id) => namespaceOf.get(id) === namespace)
        .map((id) => ({ id, width: NODE_WIDTH, height: NODE_HEIGHT })),
    })),
    edges: edges.map((edge) => ({
      id: edge.id,
      sources: [edge.source],
      targets: [edge.target],
      labels: [
        {
          id: `label:${edge.id}`,
          text: edge.id,
          width: LABEL_WIDTH,
          height: LABEL_HEIGHT,
          layoutOptions: { "elk.edgeLabels.inline": "true" },
        },
      ],
    })),
  };
}

/** Reads the engine's answer, with every coordinate counted from the drawing's corner. */
export function readLayout(answer: ElkNode): Layout {
  const nodes = new Map<string, Box>();
  const islands = new Map<string, Box>();
  const edges = new Map<string, { points: Point[]; label: Point | undefined }>();
  for (const island of answer.children ?? []) {
    islands.set(island.id.slice(islandId("").length), box(island));
    for (const node of island.children ?? []) nodes.set(node.id, box(node));
  }
  for (const holder of [answer, ...(answer.children ?? [])]) {
    for (const edge of holder.edges ?? []) {
      const points = (edge.sections ?? []).flatMap(({ startPoint, bendPoints, endPoint }) => [
        startPoint,
        ...(bendPoints ?? []),
        endPoint,
      ]);
      const label = edge.labels?.[0];
      edges.set(edge.id, {
        points,
        label: label?.x === undefined ? undefined : { x: label.x, y: label.y ?? 0 },
      });
    }
  }
  return { width: answer.width ?? 0, height: answer.height ?? 0, nodes, islands, edges };
}

/** An SVG path through the points of a spline: cubic Béziers while there are three left, straight lines for the rest. */
export function splinePath(points: readonly Point[]): string {
  const [start, ...rest] = points;
  if (!start) return "";
  const at = ({ x, y }: Point): string => `${round(x)} ${round(y)}`;
  let path = `M${at(start)}`;
  let index = 0;
  for (; index + 2 < rest.length; index += 3)
    path += `C${at(rest[index]!)} ${at(rest[index + 1]!)} ${at(rest[index + 2]!)}`;
  const left = rest.slice(index);
  if (left.length === 2) path += `Q${at(left[0]!)} ${at(left[1]!)}`;
  else if (left.length === 1) path += `L${at(left[0]!)}`;
  return path;
}

function islandId(namespace: string): string {
  return `namespace:${namespace}`;
}

function box({ x = 0, y = 0, width = 0, height = 0 }: ElkNode): Box {
  return { x, y, width, height };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
