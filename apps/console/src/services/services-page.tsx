/** The services of a mesh with their golden signals, worst first. */
import type { ServiceSummary } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { servicesQuery } from "../data/queries.ts";
import { FilterField } from "../filter/filter-field.tsx";
import { matches, parseQuery } from "../filter/query.ts";
import { bytesText, durationText, percentText, rateText } from "../format/numbers.ts";
import { healthOf, healthRank } from "../health/health.ts";
import { useMesh, usePageSearch, useTimeRange } from "../route/page-search.ts";
import type { Column } from "../table/column.ts";
import { DataTable } from "../table/data-table.tsx";
import { Sparkline } from "../table/sparkline.tsx";
import { Page } from "../ui/page.tsx";
import { Answer, Empty, Skeleton } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { serviceFields } from "./service-fields.ts";

export function ServicesPage() {
  const mesh = useMesh();
  const [range] = useTimeRange();
  const [{ q = "" }, change] = usePageSearch();
  const navigate = useNavigate();
  const services = useQuery(servicesQuery(mesh, range));
  const query = useMemo(() => parseQuery(q, serviceFields), [q]);
  const columns = useMemo(() => serviceColumns(mesh), [mesh]);
  return (
    <Page title="Services" fill>
      <div className="toolbar">
        <FilterField
          fields={serviceFields}
          query={query}
          placeholder="errors > 1%  p95 > 300ms  ns = shop"
        />
      </div>
      <Answer
        of={services}
        loading={
          <div className="card">
            <Skeleton lines={10} />
          </div>
        }
      >
        {({ items }) => (
          <DataTable
            label="Services"
            fill
            columns={columns}
            rows={items.filter((row) => matches(query, row, serviceFields))}
            rowKey={(row) => row.host}
            defaultSort="health"
            command={`heddle get services --mesh ${mesh}`}
            onOpen={(row) =>
              void navigate({
                to: "/m/$mesh/services/$service",
                params: { mesh, service: row.host },
              })
            }
            empty={
              items.length === 0 ? (
                <Empty
                  title="No service is known yet"
                  command="heddle agent --plane URL --token TOKEN"
                >
                  Services come from the agent of a cluster. None has reported to this mesh.
                </Empty>
              ) : (
                <Empty
                  title="No service fits this filter"
                  actions={
                    <button
                      type="button"
                      className="button"
                      onClick={() => change({ q: undefined })}
                    >
                      Clear the filter
                    </button>
                  }
                />
              )
            }
          />
        )}
      </Answer>
    </Page>
  );
}

/** Sorts the worst first: failing before degraded before healthy, and by errors within. */
export function worstFirst({ golden }: Pick<ServiceSummary, "golden">): number {
  return healthRank[healthOf(golden)] - Math.min(golden.errorRate, 0.999);
}

function serviceColumns(mesh: string): Column<ServiceSummary>[] {
  return [
    {
      id: "health",
      header: "Status",
      width: "104px",
      narrow: "aside",
      value: worstFirst,
      cell: (row) => <Status health={healthOf(row.golden)} />,
    },
    {
      id: "name",
      header: "Service",
      width: "minmax(160px, 2fr)",
      narrow: "title",
      value: (row) => row.name,
      cell: (row) => (
        <Link to="/m/$mesh/services/$service" params={{ mesh, service: row.host }} title={row.host}>
          {row.name}
        </Link>
      ),
    },
    {
      id: "ns",
      header: "Namespace",
      width: "minmax(96px, 1fr)",
      narrow: "line",
      value: (row) => row.namespace,
      cell: (row) => <span className="muted">{row.namespace}</span>,
    },
    {
      id: "rate",
      header: "Rate, 1/s",
      about: "Requests per second over the range",
      width: "72px",
      align: "end",
      narrow: "line",
      value: (row) => row.golden.rate,
      cell: (row) => rateText(row.golden.rate),
    },
    {
      id: "rateCourse",
      header: "",
      width: "96px",
      cell: (row) => (
        <Sparkline values={row.rateSeries} label={`Rate of ${row.name} over the range`} />
      ),
    },
    {
      id: "errors",
      header: "Errors, %",
      about: "Share of requests that failed",
      width: "80px",
      align: "end",
      narrow: "line",
      value: (row) => (row.golden.requests === 0 ? null : row.golden.errorRate),
      cell: (row) => (
        <span className={`tone-${row.golden.errorRate > 0 ? healthOf(row.golden) : "idle"}`}>
          {row.golden.requests === 0 ? "–" : percentText(row.golden.errorRate)}
        </span>
      ),
    },
    {
      id: "errorCourse",
      header: "",
      width: "96px",
      cell: (row) =>
        row.errorSeries.some((value) => value > 0) ? (
          <Sparkline
            values={row.errorSeries}
            tone="bad"
            label={`Errors of ${row.name} over the range`}
          />
        ) : null,
    },
    {
      id: "p50",
      header: "p50",
      about: "Half of the requests were faster",
      width: "72px",
      align: "end",
      value: (row) => row.golden.p50,
      cell: (row) => durationText(row.golden.p50),
    },
    {
      id: "p95",
      header: "p95",
      about: "95 of 100 requests were faster",
      width: "72px",
      align: "end",
      narrow: "line",
      value: (row) => row.golden.p95,
      cell: (row) => durationText(row.golden.p95),
    },
    {
      id: "p95Course",
      header: "",
      width: "96px",
      cell: (row) => (
        <Sparkline values={row.p95Series} label={`p95 of ${row.name} over the range`} />
      ),
    },
    {
      id: "p99",
      header: "p99",
      about: "99 of 100 requests were faster",
      width: "72px",
      align: "end",
      value: (row) => row.golden.p99,
      cell: (row) => durationText(row.golden.p99),
    },
    {
      id: "bytes",
      header: "Bytes, 1/s",
      spare: true,
      width: "84px",
      align: "end",
      value: (row) => row.golden.bytesPerSecond,
      cell: (row) => bytesText(row.golden.bytesPerSecond),
    },
    {
      id: "versions",
      header: "Versions",
      width: "minmax(88px, 1fr)",
      value: (row) => row.workloads.length,
      cell: (row) => (
        <span className="muted" title={row.workloads.map((workload) => workload.name).join(", ")}>
          {row.workloads.map((workload) => workload.version).join(" ")}
        </span>
      ),
    },
  ];
}
