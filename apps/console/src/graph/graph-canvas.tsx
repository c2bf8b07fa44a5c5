/** The drawn graph: islands, edges with their numbers, nodes; selected by click, walked by arrows, opened by a double click. */
import { type KeyboardEvent, memo, useEffect, useMemo, useRef, useState } from "react";
import { durationText, percentText, rateText } from "../format/numbers.ts";
import { healthWord } from "../health/health.ts";
import { Icon } from "../ui/icon.tsx";
import { StatusShape } from "../ui/status.tsx";
import type { DrawnEdge, DrawnGraph, DrawnNode } from "./fold.ts";
import {
  type Box,
  LABEL_HEIGHT,
  LABEL_WIDTH,
  type Layout,
  type Point,
  splinePath,
} from "./layout.ts";
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
  const entry =
    selected !== undefined && places.has(selected)
      ? selected
      : graph.nodes.find((node) => places.has(node.id))?.id;

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

const Island = memo(function Island({
  island,
  box,
  onFold,
}: {
  island: DrawnGraph["islands"][number];
  box: Box;
  onFold: (namespace: string) => void;
}) {
  if (island.folded) return null;
  return (
    <div className="island" style={place(box)} onDoubleClick={() => onFold(island.namespace)}>
      <div className="island__head">
        <StatusShape health={island.health} />
        <span>{island.namespace}</span>
        <button
          type="button"
          className="button button--quiet button--icon"
          aria-label={`Fold ${island.namespace}`}
          title="Fold"
          onClick={() => onFold(island.namespace)}
        >
          <Icon name="minus" />
        </button>
      </div>
    </div>
  );
});

interface EdgeProps {
  edge: DrawnEdge;
  points: readonly Point[];
  topRate: number;
  lit: boolean;
  dim: boolean;
  onSelect: (id: string) => void;
  onHover: (id: string | undefined) => void;
}

const Edge = memo(function Edge({ edge, points, topRate, lit, dim, onSelect, onHover }: EdgeProps) {
  const path = splinePath(points);
  const width = 1.25 + 5.25 * Math.sqrt(edge.golden.rate / topRate);
  const end = points.at(-1);
  const before = points.at(-2);
  return (
    <g className={`edge edge--${edge.health}${lit ? " edge--lit" : ""}${dim ? " edge--dim" : ""}`}>
      <path
        className="edge__line"
        d={path}
        strokeWidth={width}
        strokeDasharray={edge.golden.rate === 0 ? "4 4" : undefined}
      />
      {end && before ? <ArrowHead end={end} before={before} size={5 + width} /> : null}
      <path
        className="edge__hit"
        d={path}
        onClick={() => onSelect(edge.id)}
        onPointerEnter={() => onHover(edge.id)}
        onPointerLeave={() => onHover(undefined)}
      />
    </g>
  );
});

function ArrowHead({ end, before, size }: { end: Point; before: Point; size: number }) {
  const angle = (Math.atan2(end.y - before.y, end.x - before.x) * 180) / Math.PI;
  return (
    <path
      className="edge__head"
      d={`M0 0L${-size} ${size / 2}L${-size} ${-size / 2}Z`}
      transform={`translate(${end.x} ${end.y}) rotate(${angle})`}
    />
  );
}

interface EdgeLabelProps {
  edge: DrawnEdge;
  at: Point;
  selected: boolean;
  dim: boolean;
  onSelect: (id: string) => void;
}

const EdgeLabel = memo(function EdgeLabel({ edge, at, selected, dim, onSelect }: EdgeLabelProps) {
  const { golden } = edge;
  return (
    <button
      type="button"
      tabIndex={-1}
      className={`edge-label num${selected ? " edge-label--selected" : ""}${dim ? " dim" : ""}`}
      style={{ left: at.x, top: at.y, width: LABEL_WIDTH, height: LABEL_HEIGHT }}
      title={edgeWords(edge)}
      onClick={() => onSelect(edge.id)}
    >
      <span className="edge-label__line">
        <span className={edge.mtls > 0.999 ? "muted" : "tone-warn"}>
          <Icon name={edge.mtls > 0.999 ? "lock" : "unlock"} />
        </span>
        <b>{rateText(golden.rate)}/s</b>
      </span>
      <span className="edge-label__line">
        <span
          className={golden.errorRate > 0 && edge.health !== "ok" ? `tone-${edge.health}` : "muted"}
        >
          {percentText(golden.errorRate)}
        </span>
        <span>{durationText(golden.p95)}</span>
      </span>
    </button>
  );
});

/** An edge in words, for hover and screen readers. */
function edgeWords({ golden, mtls, health, protocol }: DrawnEdge): string {
  const lock =
    mtls > 0.999 ? "mutual TLS" : mtls > 0 ? `${percentText(mtls)} over mutual TLS` : "plain text";
  return `${healthWord[health]}: ${rateText(golden.rate)} ${protocol} requests per second, ${percentText(golden.errorRate)} fail, p95 ${durationText(golden.p95)}, ${lock}`;
}

interface NodeProps {
  node: DrawnNode;
  box: Box;
  selected: boolean;
  dim: boolean;
  entry: boolean;
  onSelect: (id: string) => void;
  onFold: (namespace: string) => void;
}

const Node = memo(function Node({ node, box, selected, dim, entry, onSelect, onFold }: NodeProps) {
  const { golden, health } = node;
  const island = node.kind === "island";
  const about = nodeAbout(node);
  return (
    <button
      type="button"
      data-node={node.id}
      tabIndex={entry ? 0 : -1}
      className={`node node--${node.kind} node--${health}${selected ? " node--selected" : ""}${dim ? " dim" : ""}`}
      style={place(box)}
      aria-pressed={selected}
      aria-label={`${node.label}, ${healthWord[health]}, ${rateText(golden.rate)} requests per second, ${percentText(golden.errorRate)} fail`}
      onClick={() => onSelect(node.id)}
      onDoubleClick={() => (island ? onFold(node.namespace) : undefined)}
    >
      <span className="node__first">
        <StatusShape health={health} />
        <b className="cut">{node.label}</b>
        <span className="muted cut">{about}</span>
      </span>
      <span className="node__second num muted">
        {rateText(golden.rate)}/s
        <span className={golden.errorRate > 0 && health !== "ok" ? `tone-${health}` : ""}>
          {" "}
          {percentText(golden.errorRate)}
        </span>
        <span> {durationText(golden.p95)}</span>
      </span>
    </button>
  );
});

/** What a node's name does not say by itself. */
function nodeAbout({ kind, members, label, version }: DrawnNode): string {
  if (kind === "island") return `${members} inside`;
  if (kind === "unknown") return "not in the mesh";
  if (kind === "gateway" && !label.includes("gateway")) return "gateway";
  return label.endsWith(version) ? "" : version;
}

function place({ x, y, width, height }: Box) {
  return { left: x, top: y, width, height };
}
