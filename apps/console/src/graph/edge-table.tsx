/** The graph's twin: every edge as a row. On a phone it stands in the graph's place, under a small graph of one hop. */
import { useMemo } from "react";
import { durationText, percentText, rateText } from "../format/numbers.ts";
import { healthRank } from "../health/health.ts";
import type { Column } from "../table/column.ts";
import { DataTable } from "../table/data-table.tsx";
import { Icon } from "../ui/icon.tsx";
import { Empty } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import type { DrawnEdge, DrawnGraph } from "./fold.ts";

interface EdgeTableProps {
  graph: DrawnGraph;
  selected: string | undefined;
  onSelect: (id: string) => void;
}

export function EdgeTable({ graph, selected, onSelect }: EdgeTableProps) {
  const labels = useMemo(() => new Map(graph.nodes.map((node) => [node.id, node])), [graph.nodes]);
  const columns = useMemo<Column<DrawnEdge>[]>(() => {
    const name = (id: string): string => labels.get(id)?.label ?? id;
    const namespace = (id: string): string => labels.get(id)?.namespace ?? "";
    return [
      {
        id: "health",
        header: "Status",
        width: "104px",
        narrow: "aside",
        value: (edge) => healthRank[edge.health] - Math.min(edge.golden.errorRate, 0.999),
        cell: (edge) => <Status health={edge.health} />,
      },
      {
        id: "call",
        header: "From",
        width: "minmax(140px, 1fr)",
        value: (edge) => name(edge.source),
        cell: (edge) => name(edge.source),
      },
      {
        id: "to",
        header: "To",
        width: "minmax(140px, 1fr)",
        value: (edge) => name(edge.target),
        cell: (edge) => name(edge.target),
      },
      {
        id: "both",
        header: "Call",
        width: "0",
        narrowOnly: true,
        narrow: "title",
        cell: (edge) => `${name(edge.source)} → ${name(edge.target)}`,
      },
      {
        id: "ns",
        header: "Namespace",
        width: "minmax(100px, 1fr)",
        value: (edge) => namespace(edge.target),
        cell: (edge) => <span className="muted">{namespace(edge.target)}</span>,
      },
      {
        id: "protocol",
        header: "Protocol",
        width: "72px",
        value: (edge) => edge.protocol,
        cell: (edge) => edge.protocol,
      },
      {
        id: "rate",
        header: "Rate, 1/s",
        width: "80px",
        align: "end",
        narrow: "line",
        value: (edge) => edge.golden.rate,
        cell: (edge) => rateText(edge.golden.rate),
      },
      {
        id: "errors",
        header: "Errors, %",
        width: "80px",
        align: "end",
        narrow: "line",
        value: (edge) => edge.golden.errorRate,
        cell: (edge) => (
          <span className={edge.golden.errorRate > 0 ? `tone-${edge.health}` : "muted"}>
            {percentText(edge.golden.errorRate)}
          </span>
        ),
      },
      {
        id: "p50",
        header: "p50",
        width: "72px",
        align: "end",
        value: (edge) => edge.golden.p50,
        cell: (edge) => durationText(edge.golden.p50),
      },
      {
        id: "p95",
        header: "p95",
        width: "72px",
        align: "end",
        narrow: "line",
        value: (edge) => edge.golden.p95,
        cell: (edge) => durationText(edge.golden.p95),
      },
      {
        id: "mtls",
        header: "mTLS, %",
        width: "80px",
        align: "end",
        value: (edge) => edge.mtls,
        cell: (edge) => (
          <span
            className={edge.mtls > 0.999 ? "muted" : "tone-warn"}
            style={{ display: "inline-flex", gap: 4, alignItems: "center" }}
          >
            <Icon name={edge.mtls > 0.999 ? "lock" : "unlock"} />
            {percentText(edge.mtls)}
          </span>
        ),
      },
      {
        id: "flags",
        header: "Flags",
        width: "minmax(80px, 1fr)",
        value: (edge) => Object.keys(edge.flags).join(" "),
        cell: (edge) => (
          <code className="muted">
            {Object.keys(edge.flags)
              .filter((flag) => flag !== "-")
              .join(" ")}
          </code>
        ),
      },
    ];
  }, [labels]);
  return (
    <DataTable
      label="Calls"
      fill
      columns={columns}
      rows={graph.edges}
      rowKey={(edge) => edge.id}
      defaultSort="health"
      selected={selected}
      onOpen={(edge) => onSelect(edge.id)}
      empty={<Empty title="No call fits" />}
    />
  );
}
