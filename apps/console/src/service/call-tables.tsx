/** Who calls the service, and whom it calls. */
import type { GraphEdge, GraphNode, ServicePage } from "@heddle/client";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { durationText, percentText, rateText } from "../format/numbers.ts";
import { healthOf, healthRank } from "../health/health.ts";
import type { Column } from "../table/column.ts";
import { DataTable } from "../table/data-table.tsx";
import { Icon } from "../ui/icon.tsx";
import { Empty } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";

export function CallTables({ mesh, data }: { mesh: string; data: ServicePage }) {
  const nodes = useMemo(() => new Map(data.nodes.map((node) => [node.id, node])), [data.nodes]);
  return (
    <div className="columns">
      <Calls
        mesh={mesh}
        title="Called by"
        edges={data.inbound}
        end="source"
        nodes={nodes}
        none="Nobody called it in this range."
      />
      <Calls
        mesh={mesh}
        title="Calls"
        edges={data.outbound}
        end="target"
        nodes={nodes}
        none="It called nobody in this range."
      />
    </div>
  );
}

interface CallsProps {
  mesh: string;
  title: string;
  edges: readonly GraphEdge[];
  end: "source" | "target";
  nodes: ReadonlyMap<string, GraphNode>;
  none: string;
}

function Calls({ mesh, title, edges, end, nodes, none }: CallsProps) {
  const columns = useMemo<Column<GraphEdge>[]>(() => {
    const name = (edge: GraphEdge): string => nodes.get(edge[end])?.name ?? edge[end];
    const other = end === "source" ? "target" : "source";
    const own = (edge: GraphEdge): string => nodes.get(edge[other])?.name ?? edge[other];
    return [
      {
        id: "health",
        header: "Status",
        width: "84px",
        narrow: "aside",
        value: (edge) => healthRank[healthOf(edge.golden)] - Math.min(edge.golden.errorRate, 0.999),
        cell: (edge) => <Status health={healthOf(edge.golden)} />,
      },
      {
        id: "name",
        header: end === "source" ? "Caller" : "Callee",
        width: "minmax(90px, 1.2fr)",
        narrow: "title",
        value: name,
        cell: (edge) => (
          <Link
            to="/m/$mesh/graph"
            params={{ mesh }}
            search={{ by: "workload", sel: edge[end] }}
            title={nodes.get(edge[end])?.namespace}
          >
            {name(edge)}
          </Link>
        ),
      },
      {
        id: "own",
        header: end === "source" ? "Into" : "Out of",
        about: "The workload of this service",
        width: "minmax(80px, 1fr)",
        narrow: "line",
        value: own,
        cell: (edge) => <span className="muted">{own(edge)}</span>,
      },
      {
        id: "rate",
        header: "Rate, 1/s",
        width: "64px",
        align: "end",
        narrow: "line",
        value: (edge) => edge.golden.rate,
        cell: (edge) => rateText(edge.golden.rate),
      },
      {
        id: "errors",
        header: "Errors, %",
        width: "64px",
        align: "end",
        narrow: "line",
        value: (edge) => edge.golden.errorRate,
        cell: (edge) => percentText(edge.golden.errorRate),
      },
      {
        id: "p95",
        header: "p95",
        width: "64px",
        align: "end",
        narrow: "line",
        value: (edge) => edge.golden.p95,
        cell: (edge) => durationText(edge.golden.p95),
      },
      {
        id: "mtls",
        header: "mTLS",
        width: "44px",
        value: (edge) => edge.mtls,
        cell: (edge) => (
          <span
            className={edge.mtls > 0.999 ? "muted" : "tone-warn"}
            title={`${percentText(edge.mtls)} over mutual TLS`}
          >
            <Icon name={edge.mtls > 0.999 ? "lock" : "unlock"} />
          </span>
        ),
      },
    ];
  }, [mesh, end, nodes]);
  return (
    <section aria-label={title}>
      <h2 style={{ marginBottom: 8 }}>{title}</h2>
      <DataTable
        inner
        label={title}
        columns={columns}
        rows={edges}
        rowKey={(edge) => `${edge.source}>${edge.target}>${edge.protocol}`}
        defaultSort="-rate"
        empty={<Empty title={none} />}
      />
    </section>
  );
}
