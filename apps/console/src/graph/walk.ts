/** Walking the graph by arrows: along calls to the right and left, to the neighbour above and below. */
import type { DrawnEdge } from "./fold.ts";
import type { Box } from "./layout.ts";

export type Direction = "left" | "right" | "up" | "down";

/** The node to go to from `id`, or undefined where the graph ends. */
export function walk(
  id: string,
  direction: Direction,
  nodes: ReadonlyMap<string, Box>,
  edges: readonly Pick<DrawnEdge, "source" | "target">[],
): string | undefined {
  const here = nodes.get(id);
  if (!here) return undefined;
  const linked = new Set(
    direction === "right"
      ? edges.filter((edge) => edge.source === id).map((edge) => edge.target)
      : direction === "left"
        ? edges.filter((edge) => edge.target === id).map((edge) => edge.source)
        : [],
  );
  linked.delete(id);
  // Along a call, the end at the same height is nearest; without one, whatever lies in that direction.
  const ends = [...linked].filter((other) => nodes.has(other));
  if (ends.length > 0)
    return nearest(here, ends, nodes, (dx, dy) => Math.abs(dy) + Math.abs(dx) / 100);
  const beyond = [...nodes.keys()].filter(
    (other) => other !== id && lies(here, nodes.get(other)!, direction),
  );
  const vertical = direction === "up" || direction === "down";
  return nearest(here, beyond, nodes, (dx, dy) =>
    vertical ? Math.abs(dy) + 2 * Math.abs(dx) : Math.abs(dx) + 2 * Math.abs(dy),
  );
}

function lies(here: Box, there: Box, direction: Direction): boolean {
  const margin = 8;
  switch (direction) {
    case "left":
      return there.x < here.x - margin;
    case "right":
      return there.x > here.x + margin;
    case "up":
      return there.y < here.y - margin;
    case "down":
      return there.y > here.y + margin;
  }
}

function nearest(
  here: Box,
  ids: readonly string[],
  nodes: ReadonlyMap<string, Box>,
  distance: (dx: number, dy: number) => number,
): string | undefined {
  let found: string | undefined;
  let best = Number.POSITIVE_INFINITY;
  for (const id of ids) {
    const there = nodes.get(id)!;
    const far = distance(there.x - here.x, there.y - here.y);
    if (far < best) {
      best = far;
      found = id;
    }
  }
  return found;
}
