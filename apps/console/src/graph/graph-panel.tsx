/** What is selected in the graph: its signals, its calls, and the way to traces, logs and configuration. */
import type { Golden, ServiceSummary } from "@heddle/client";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { bytesText, countText, durationText, percentText, rateText } from "../format/numbers.ts";
import { explainFlags } from "../logs/flags.ts";
import { Icon } from "../ui/icon.tsx";
import { Status } from "../ui/status.tsx";
import type { DrawnEdge, DrawnGraph, DrawnNode } from "./fold.ts";
import { serviceOfNode } from "./where-to-look.ts";

interface GraphPanelProps {
  mesh: string;
  graph: DrawnGraph;
  selected: string;
  services: readonly ServiceSummary[];
  onSelect: (id: string | undefined) => void;
  onFold: (namespace: string) => void;
}

export function GraphPanel({ mesh, graph, selected, services, onSelect, onFold }: GraphPanelProps) {
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) onSelect(undefined);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [onSelect]);
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const node = nodes.get(selected);
  const edge = graph.edges.find((each) => each.id === selected);
  const source = edge && nodes.get(edge.source);
  const target = edge && nodes.get(edge.target);
  return (
    <aside className="panel" aria-label="Selection">
      <div className="panel__head">
        <div>
          <h2 className="cut">
            {node
              ? node.label
              : source && target
                ? `${source.label} → ${target.label}`
                : "Not in this range"}
          </h2>
          <p className="muted small">
            {node
              ? nodeAbout(node)
              : edge
                ? `${edge.protocol} calls`
                : "It had no traffic, or the filter hides it."}
          </p>
        </div>
        <button
          type="button"
          className="button button--quiet button--icon"
          aria-label="Close"
          title="Close (Esc)"
          onClick={() => onSelect(undefined)}
        >
          <Icon name="close" />
        </button>
      </div>
      <div className="panel__body">
        {node ? <NodeBody {...{ mesh, node, graph, nodes, services, onSelect, onFold }} /> : null}
        {edge && source && target ? (
          <EdgeBody {...{ mesh, edge, source, target, services, onSelect }} />
        ) : null}
      </div>
    </aside>
  );
}

function nodeAbout(node: DrawnNode): string {
  if (node.kind === "island") return `namespace, ${countText(node.members, "node")}`;
  const version = node.version === "" ? "" : `, version ${node.version}`;
  return `${node.kind} in ${node.namespace}${version}`;
}

interface NodeBodyProps extends Omit<GraphPanelProps, "selected"> {
  node: DrawnNode;
  nodes: ReadonlyMap<string, DrawnNode>;
}

function NodeBody({ mesh, node, graph, nodes, services, onSelect, onFold }: NodeBodyProps) {
  const service = serviceOfNode(node, services);
  const inward = graph.edges.filter((edge) => edge.target === node.id);
  const outward = graph.edges.filter((edge) => edge.source === node.id);
  return (
    <>
      <div>
        <Status health={node.health} />
        <Signals golden={node.golden} />
      </div>
      {node.kind === "island" ? (
        <button type="button" className="button" onClick={() => onFold(node.namespace)}>
          Open this namespace
        </button>
      ) : null}
      {service ? <ServiceLinks mesh={mesh} service={service} /> : null}
      <Calls title="Called by" edges={inward} end="source" nodes={nodes} onSelect={onSelect} />
      <Calls title="Calls" edges={outward} end="target" nodes={nodes} onSelect={onSelect} />
    </>
  );
}

interface EdgeBodyProps {
  mesh: string;
  edge: DrawnEdge;
  source: DrawnNode;
  target: DrawnNode;
  services: readonly ServiceSummary[];
  onSelect: (id: string) => void;
}

function EdgeBody({ mesh, edge, source, target, services, onSelect }: EdgeBodyProps) {
  const service = serviceOfNode(target, services);
  const flags = Object.entries(edge.flags)
    .filter(([flag, count]) => count > 0 && flag !== "-" && flag !== "")
    .sort(([, one], [, other]) => other - one);
  return (
    <>
      <div>
        <Status health={edge.health} />
        <Signals golden={edge.golden} />
      </div>
      <p className="status">
        <Icon name={edge.mtls > 0.999 ? "lock" : "unlock"} />
        {edge.mtls > 0.999 ? (
          "All over mutual TLS"
        ) : edge.mtls > 0 ? (
          <span className="tone-warn">{percentText(edge.mtls)} over mutual TLS</span>
        ) : (
          <span className="tone-warn">Plain text, no mutual TLS</span>
        )}
      </p>
      {flags.length > 0 ? (
        <section>
          <h3>Why requests failed</h3>
          <ul className="calls">
            {flags.map(([flag, count]) => (
              <li key={flag}>
                <span>
                  <code>{flag}</code>{" "}
                  {explainFlags(flag)
                    .map((meaning) => meaning.title)
                    .join("; ")}
                </span>
                <span className="num">{count}</span>
                <span className="muted small">{explainFlags(flag)[0]?.hint}</span>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      {service ? <ServiceLinks mesh={mesh} service={service} /> : null}
      <div className="toolbar">
        <button type="button" className="button" onClick={() => onSelect(source.id)}>
          {source.label}
        </button>
        <button type="button" className="button" onClick={() => onSelect(target.id)}>
          {target.label}
        </button>
      </div>
    </>
  );
}

function ServiceLinks({ mesh, service }: { mesh: string; service: ServiceSummary }) {
  const asked = `${service.name}.${service.namespace}`;
  return (
    <div className="toolbar">
      <Link
        to="/m/$mesh/services/$service"
        params={{ mesh, service: service.host }}
        className="button"
      >
        Service page
      </Link>
      <Link
        to="/m/$mesh/traces"
        params={{ mesh }}
        search={{ service: asked, status: "error" }}
        className="button"
      >
        Failed traces
      </Link>
      <Link
        to="/m/$mesh/traces"
        params={{ mesh }}
        search={{ service: asked, sort: "-duration" }}
        className="button"
      >
        Slow traces
      </Link>
      <Link to="/m/$mesh/logs" params={{ mesh }} search={{ service: asked }} className="button">
        Logs
      </Link>
    </div>
  );
}

function Signals({ golden }: { golden: Golden }) {
  return (
    <dl className="facts" style={{ marginTop: 8 }}>
      <dt>Rate</dt>
      <dd className="num">{rateText(golden.rate)} per second</dd>
      <dt>Errors</dt>
      <dd className="num">{percentText(golden.errorRate)}</dd>
      <dt>Latency</dt>
      <dd className="num">
        p50 {durationText(golden.p50)}, p95 {durationText(golden.p95)}, p99{" "}
        {durationText(golden.p99)}
      </dd>
      <dt>Bytes</dt>
      <dd className="num">{bytesText(golden.bytesPerSecond)} per second</dd>
    </dl>
  );
}

interface CallsProps {
  title: string;
  edges: readonly DrawnEdge[];
  end: "source" | "target";
  nodes: ReadonlyMap<string, DrawnNode>;
  onSelect: (id: string) => void;
}

function Calls({ title, edges, end, nodes, onSelect }: CallsProps) {
  if (edges.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul className="calls">
        {edges
          .toSorted((one, other) => other.golden.rate - one.golden.rate)
          .map((edge) => (
            <li key={edge.id}>
              <button type="button" className="link cut" onClick={() => onSelect(edge.id)}>
                {nodes.get(edge[end])?.label ?? edge[end]}
              </button>
              <Status health={edge.health} />
              <span className="muted small num">
                {rateText(edge.golden.rate)}/s, {percentText(edge.golden.errorRate)} errors, p95{" "}
                {durationText(edge.golden.p95)}
              </span>
              <span
                className={edge.mtls > 0.999 ? "muted" : "tone-warn"}
                title={edge.mtls > 0.999 ? "mutual TLS" : "not all over mutual TLS"}
              >
                <Icon name={edge.mtls > 0.999 ? "lock" : "unlock"} />
              </span>
            </li>
          ))}
      </ul>
    </section>
  );
}
