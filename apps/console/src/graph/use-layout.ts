/** The graph's layout, made anew only when something appears that has no place yet. */
import { useEffect, useRef, useState } from "react";
import type { DrawnGraph } from "./fold.ts";
import { covers, type Layout, layoutQuestion, type Point, readLayout } from "./layout.ts";
import { layOut } from "./layout-engine.ts";

/** `key` names what is looked at (mesh, kind of nodes, folded islands); positions are remembered for each. */
export function useLayout(
  graph: DrawnGraph | undefined,
  key: string,
): { layout: Layout | undefined; error: Error | undefined; tidy: () => void } {
  const [state, setState] = useState<{ key: string; layout: Layout }>();
  const [error, setError] = useState<Error>();
  const [round, setRound] = useState(0);
  const asking = useRef("");
  const current = state?.key === key ? state.layout : undefined;

  useEffect(() => {
    if (!graph || graph.nodes.length === 0 || (current && covers(current, graph))) return;
    const question = JSON.stringify([
      key,
      round,
      graph.nodes.map(({ id }) => id),
      graph.edges.map(({ id }) => id),
    ]);
    if (asking.current === question) return;
    asking.current = question;
    layOut(layoutQuestion(graph, recall(key)))
      .then((answer) => {
        if (asking.current !== question) return;
        const layout = readLayout(answer);
        remember(key, layout);
        setState({ key, layout });
        setError(undefined);
      })
      .catch((reason: unknown) =>
        setError(reason instanceof Error ? reason : new Error(String(reason))),
      );
  }, [graph, key, current, round]);

  function tidy() {
    localStorage.removeItem(storageKey(key));
    setState(undefined);
    setRound((old) => old + 1);
  }
  // While islands fold or open, the old picture stays until the new one is there.
  return {
    layout: current ?? (graph && state && covers(state.layout, graph) ? state.layout : undefined),
    error,
    tidy,
  };
}

function storageKey(key: string): string {
  return `heddle.graph.${key}`;
}

function recall(key: string): Map<string, Point> {
  try {
    return new Map(JSON.parse(localStorage.getItem(storageKey(key)) ?? "[]") as [string, Point][]);
  } catch {
    return new Map();
  }
}

function remember(key: string, layout: Layout): void {
  const places = [...layout.nodes].map(([id, { x, y }]) => [
    id,
    { x: Math.round(x), y: Math.round(y) },
  ]);
  try {
    localStorage.setItem(storageKey(key), JSON.stringify(places));
  } catch {
    // Positions are a comfort; a full storage does without.
  }
}
