/** The workloads behind a service, version by version. */
import type { ServiceSummary, WorkloadSummary } from "@heddle/client";
import { useMemo } from "react";
import { durationText, percentText, rateText } from "../format/numbers.ts";
import { healthOf } from "../health/health.ts";
import type { Column } from "../table/column.ts";
import { DataTable } from "../table/data-table.tsx";
import { Empty } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";

export function WorkloadsCard({ service }: { service: ServiceSummary }) {
  const total = service.workloads.reduce((sum, workload) => sum + workload.golden.rate, 0);
  const columns = useMemo<Column<WorkloadSummary>[]>(
    () => [
      {
        id: "health",
        header: "Status",
        width: "84px",
        narrow: "aside",
        cell: (row) => <Status health={healthOf(row.golden)} />,
      },
      {
        id: "name",
        header: "Workload",
        width: "minmax(90px, 1fr)",
        narrow: "title",
        value: (row) => row.name,
        cell: (row) => <span title={`service account ${row.serviceAccount}`}>{row.name}</span>,
      },
      {
        id: "version",
        header: "Version",
        width: "50px",
        value: (row) => row.version,
        cell: (row) => row.version,
      },
      {
        id: "pods",
        header: "Pods",
        width: "40px",
        align: "end",
        narrow: "line",
        value: (row) => row.pods,
        cell: (row) => row.pods,
      },
      {
        id: "share",
        header: "Share",
        width: "48px",
        align: "end",
        narrow: "line",
        value: (row) => row.golden.rate,
        cell: (row) => (total === 0 ? "–" : percentText(row.golden.rate / total)),
      },
      {
        id: "rate",
        header: "Rate, 1/s",
        width: "60px",
        align: "end",
        narrow: "line",
        value: (row) => row.golden.rate,
        cell: (row) => rateText(row.golden.rate),
      },
      {
        id: "errors",
        header: "Errors, %",
        width: "60px",
        align: "end",
        value: (row) => row.golden.errorRate,
        cell: (row) => percentText(row.golden.errorRate),
      },
      {
        id: "p95",
        header: "p95",
        width: "60px",
        align: "end",
        narrow: "line",
        value: (row) => row.golden.p95,
        cell: (row) => durationText(row.golden.p95),
      },
    ],
    [total],
  );
  return (
    <section aria-label="Workloads">
      <h2 style={{ marginBottom: 8 }}>Workloads</h2>
      <DataTable
        inner
        label="Workloads"
        columns={columns}
        rows={service.workloads}
        rowKey={(row) => `${row.namespace}/${row.name}/${row.version}`}
        defaultSort="name"
        empty={
          <Empty title="No workload is known">
            No pod with a proxy stands behind this service.
          </Empty>
        }
      />
    </section>
  );
}
