/** What the graph is drawn of: islands, edges with their numbers, nodes. */
import { memo } from "react";
import { durationText, percentText, rateText } from "../format/numbers.ts";
import { healthWord } from "../health/health.ts";
import { Icon } from "../ui/icon.tsx";
import { StatusShape } from "../ui/status.tsx";
import type { DrawnEdge, DrawnGraph, DrawnNode } from "./fold.ts";
import { type Box, LABEL_HEIGHT, LABEL_WIDTH, type Point, splinePath } from "./layout.ts";

export const Island = memo(function Island({
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

export const Edge = memo(function Edge({
  edge,
  points,
  topRate,
  lit,
  dim,
  onSelect,
  onHover,
}: EdgeProps) {
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

export const EdgeLabel = memo(function EdgeLabel({
  edge,
  at,
  selected,
  dim,
  onSelect,
}: EdgeLabelProps) {
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

export const Node = memo(function Node({
  node,
  box,
  selected,
  dim,
  entry,
  onSelect,
  onFold,
}: NodeProps) {
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
