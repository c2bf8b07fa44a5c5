/** A small graph of one hop for narrow screens: callers, the chosen one, what it calls. */
import { percentText, rateText } from "../format/numbers.ts";
import { StatusShape } from "../ui/status.tsx";
import type { DrawnEdge, DrawnGraph, DrawnNode } from "./fold.ts";

interface OneHopProps {
  graph: DrawnGraph;
  /** The node in the middle. */
  centre: DrawnNode;
  onSelect: (id: string) => void;
}

/** Neighbours shown on each side; the table below has the others. */
const MOST = 5;

export function OneHop({ graph, centre, onSelect }: OneHopProps) {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const side = (edges: DrawnEdge[], end: "source" | "target") => (
    <ul>
      {edges
        .toSorted((one, other) => other.golden.rate - one.golden.rate)
        .slice(0, MOST)
        .map((edge) => (
          <li key={edge.id}>
            <HopButton node={nodes.get(edge[end])} edge={edge} onSelect={onSelect} />
          </li>
        ))}
      {edges.length > MOST ? <li className="small">and {edges.length - MOST} more</li> : null}
      {edges.length === 0 ? (
        <li className="small">{end === "source" ? "no caller" : "calls nobody"}</li>
      ) : null}
    </ul>
  );
  return (
    <div className="one-hop" role="group" aria-label={`Calls of ${centre.label}`}>
      {side(
        graph.edges.filter((edge) => edge.target === centre.id && edge.source !== centre.id),
        "source",
      )}
      <button type="button" aria-current="true" onClick={() => onSelect(centre.id)}>
        <b className="status">
          <StatusShape health={centre.health} /> <span className="cut">{centre.label}</span>
        </b>
        <div className="num small">
          {rateText(centre.golden.rate)}/s, {percentText(centre.golden.errorRate)}
        </div>
      </button>
      {side(
        graph.edges.filter((edge) => edge.source === centre.id && edge.target !== centre.id),
        "target",
      )}
    </div>
  );
}

function HopButton({
  node,
  edge,
  onSelect,
}: {
  node: DrawnNode | undefined;
  edge: DrawnEdge;
  onSelect: (id: string) => void;
}) {
  if (!node) return null;
  return (
    <button type="button" onClick={() => onSelect(node.id)}>
      <span className="status" style={{ maxWidth: "100%" }}>
        <StatusShape health={edge.health} /> <span className="cut">{node.label}</span>
      </span>
      <div className="num small">{rateText(edge.golden.rate)}/s</div>
    </button>
  );
}
