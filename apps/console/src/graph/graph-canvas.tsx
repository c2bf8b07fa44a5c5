/** The drawn graph: islands, edges with their numbers, nodes; selected by click, walked by arrows, opened by a double click. */
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { Icon } from "../ui/icon.tsx";
import type { DrawnGraph } from "./fold.ts";
import { Edge, EdgeLabel, Island, Node } from "./graph-parts.tsx";
import type { Layout } from "./layout.ts";
import { useViewport } from "./use-viewport.ts";
import { type Direction, walk } from "./walk.ts";
import "./graph.css";

interface GraphCanvasProps {
  graph: DrawnGraph;
  layout: Layout;
  selected: string | undefined;
  labels: boolean;
  onSelect: (id: string | undefined) => void;
  onFold: (namespace: string) => void;
  onTidy: () => void;
}

const arrows: Record<string, Direction> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

export function GraphCanvas({
  graph,
  layout,
  selected,
  labels,
  onSelect,
  onFold,
  onTidy,
}: GraphCanvasProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [hovered, setHovered] = useState<string>();
  const { view, settled, fit, zoom, reveal, handlers } = useViewport(frame, layout);
  const places = useMemo(
    () =>
      new Map(
        graph.nodes.flatMap((node) =>
          layout.nodes.has(node.id) ? [[node.id, layout.nodes.get(node.id)!] as const] : [],
        ),
      ),
    [graph.nodes, layout],
  );
  const topRate = Math.max(...graph.edges.map((edge) => edge.golden.rate), 0.001);
  const near = useMemo(() => neighbourhood(graph, selected), [graph, selected]);
  // Tab enters the graph where the calls come in.
  const leftmost = [...places].sort(
    ([, one], [, other]) => one.x - other.x || one.y - other.y,
  )[0]?.[0];
  const entry = selected !== undefined && places.has(selected) ? selected : leftmost;

  // The selected one comes into sight also when the address or a list selected it.
  useEffect(() => {
    const box = selected === undefined ? undefined : layout.nodes.get(selected);
    if (box && settled) reveal(box);
  }, [selected, layout, reveal, settled]);

  function onKey(event: KeyboardEvent) {
    const direction = arrows[event.key];
    const from = (event.target as HTMLElement).dataset["node"];
    if (direction && from !== undefined) {
      const next = walk(from, direction, places, graph.edges);
      event.preventDefault();
      if (next !== undefined)
        frame.current?.querySelector<HTMLElement>(`[data-node="${CSS.escape(next)}"]`)?.focus();
    } else if (event.key === "Escape") onSelect(undefined);
    else if (event.key === "+" || event.key === "=") zoom(1.25);
    else if (event.key === "-") zoom(0.8);
    else if (event.key === "0") fit();
  }

  return (
    <div className="graph card">
      <div
        ref={frame}
        className="graph__frame"
        role="application"
        aria-label="Service graph. Arrow keys follow the calls; Enter selects; the table shows the same."
        onKeyDown={onKey}
        {...handlers}
        onClick={(event) => {
          if (event.target === event.currentTarget) onSelect(undefined);
        }}
      >
        <div
          className="graph__world"
          style={{
            width: layout.width,
            height: layout.height,
            transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})`,
            visibility: settled ? "visible" : "hidden",
          }}
        >
          {graph.islands.map((island) => {
            const box = layout.islands.get(island.namespace);
            return box && graph.nodes.some((node) => node.namespace === island.namespace) ? (
              <Island key={island.namespace} island={island} box={box} onFold={onFold} />
            ) : null;
          })}
          <svg
            className="graph__edges"
            width={layout.width}
            height={layout.height}
            aria-hidden="true"
          >
            {graph.edges.map((edge) => {
              const line = layout.edges.get(edge.id);
              return line ? (
                <Edge
                  key={edge.id}
                  edge={edge}
                  points={line.points}
                  topRate={topRate}
                  lit={edge.id === selected || edge.id === hovered}
                  dim={near !== undefined && !near.has(edge.id)}
                  onSelect={onSelect}
                  onHover={setHovered}
                />
              ) : null;
            })}
          </svg>
          {graph.edges.map((edge) => {
            const at = layout.edges.get(edge.id)?.label;
            const shown =
              labels || edge.id === hovered || near?.has(edge.id) || edge.id === selected;
            return at && shown ? (
              <EdgeLabel
                key={edge.id}
                edge={edge}
                at={at}
                selected={edge.id === selected}
                dim={near !== undefined && !near.has(edge.id)}
                onSelect={onSelect}
              />
            ) : null;
          })}
          {graph.nodes.map((node) => {
            const box = places.get(node.id);
            return box ? (
              <Node
                key={node.id}
                node={node}
                box={box}
                selected={node.id === selected}
                dim={near !== undefined && !near.has(node.id)}
                entry={node.id === entry}
                onSelect={onSelect}
                onFold={onFold}
              />
            ) : null;
          })}
        </div>
      </div>
      <div className="graph__tools button-group">
        <button
          type="button"
          className="button button--icon"
          aria-label="Larger"
          title="Larger (+)"
          onClick={() => zoom(1.25)}
        >
          <Icon name="plus" />
        </button>
        <button
          type="button"
          className="button button--icon"
          aria-label="Smaller"
          title="Smaller (−)"
          onClick={() => zoom(0.8)}
        >
          <Icon name="minus" />
        </button>
        <button
          type="button"
          className="button button--icon"
          aria-label="Show all"
          title="Show all (0)"
          onClick={fit}
        >
          <Icon name="fit" />
        </button>
        <button type="button" className="button" title="Lay the graph out anew" onClick={onTidy}>
          Tidy
        </button>
      </div>
    </div>
  );
}

/** What a selection keeps bright: itself, its edges and their ends. */
function neighbourhood(graph: DrawnGraph, selected: string | undefined): Set<string> | undefined {
  if (selected === undefined) return undefined;
  const edges = graph.edges.filter(
    (edge) => edge.id === selected || edge.source === selected || edge.target === selected,
  );
  if (edges.length === 0 && !graph.nodes.some((node) => node.id === selected)) return undefined;
  return new Set([selected, ...edges.flatMap((edge) => [edge.id, edge.source, edge.target])]);
}
