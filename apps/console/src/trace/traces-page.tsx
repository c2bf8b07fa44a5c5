/** The list of traces, failed and slow ones first; each opens its waterfall. */
import type { TraceFilter, TraceSummary } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { tracesQuery } from "../data/queries.ts";
import { FilterField } from "../filter/filter-field.tsx";
import { type Field, matches, parseQuery } from "../filter/query.ts";
import { clockText, durationText, shortHost } from "../format/numbers.ts";
import { useMesh, usePageSearch, useTimeRange } from "../route/page-search.ts";
import type { Column } from "../table/column.ts";
import { DataTable } from "../table/data-table.tsx";
import { Page } from "../ui/page.tsx";
import { Answer, Empty, Skeleton } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { useNow } from "../ui/use-now.ts";
import "./trace.css";

const fields: readonly Field<TraceSummary>[] = [
  {
    name: "name",
    aliases: ["operation"],
    type: "text",
    about: "operation of the first span",
    read: (row) => row.rootOperation,
  },
  {
    name: "root",
    type: "text",
    about: "service of the first span",
    read: (row) => row.rootService,
  },
  {
    name: "through",
    type: "text",
    about: "a service on the way (with ~)",
    read: (row) => row.services.map((each) => each.name).join(" "),
  },
  {
    name: "duration",
    aliases: ["took"],
    type: "duration",
    about: "time of the whole trace, as 300ms",
    read: (row) => row.durationMs,
  },
  { name: "spans", type: "number", about: "number of spans", read: (row) => row.spans },
  { name: "errors", type: "number", about: "number of failed spans", read: (row) => row.errors },
  {
    name: "failed",
    type: "flag",
    about: "at least one span failed",
    read: (row) => row.errors > 0,
  },
];

export function TracesPage() {
  const mesh = useMesh();
  const [range] = useTimeRange();
  const [{ q = "", service, status }, change] = usePageSearch();
  const navigate = useNavigate();
  const query = useMemo(() => parseQuery(q, fields), [q]);
  const filter = useMemo<TraceFilter>(() => {
    const asked: TraceFilter = {};
    if (service !== undefined) asked.service = service;
    if (status === "error" || status === "ok") asked.status = status;
    return asked;
  }, [service, status]);
  const traces = useQuery(tracesQuery(mesh, range, filter));
  const now = useNow();
  const today = Math.floor(now / 60_000);
  const longest = Math.max(...(traces.data?.items ?? []).map((trace) => trace.durationMs), 1);
  const columns = useMemo(
    () => traceColumns(mesh, longest, today * 60_000),
    [mesh, longest, today],
  );
  return (
    <Page title="Traces" fill>
      <div className="toolbar">
        <select
          className="input"
          aria-label="Service"
          value={service ?? ""}
          onChange={(event) => change({ service: event.target.value || undefined })}
        >
          <option value="">all services</option>
          {service !== undefined && !traces.data?.services.includes(service) ? (
            <option value={service}>{service}</option>
          ) : null}
          {traces.data?.services.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <span className="button-group" role="group" aria-label="Outcome">
          {(
            [
              [undefined, "All"],
              ["error", "Failed"],
              ["ok", "Succeeded"],
            ] as const
          ).map(([value, word]) => (
            <button
              key={word}
              type="button"
              className="button"
              aria-pressed={status === value}
              onClick={() => change({ status: value })}
            >
              {word}
            </button>
          ))}
        </span>
        <FilterField
          fields={fields}
          query={query}
          placeholder="duration > 300ms  through ~ ratings"
        />
      </div>
      <Answer
        of={traces}
        loading={
          <div className="card">
            <Skeleton lines={10} />
          </div>
        }
      >
        {({ items }) => (
          <DataTable
            label="Traces"
            fill
            columns={columns}
            rows={items.filter((row) => matches(query, row, fields))}
            rowKey={(row) => row.traceId}
            defaultSort="status"
            command={`heddle trace --mesh ${mesh}${service ? ` --service ${service}` : ""}`}
            onOpen={(row) =>
              void navigate({ to: "/m/$mesh/traces/$id", params: { mesh, id: row.traceId } })
            }
            empty={
              <NoTraces
                filtered={items.length > 0 || service !== undefined || status !== undefined}
              />
            }
          />
        )}
      </Answer>
    </Page>
  );
}

function NoTraces({ filtered }: { filtered: boolean }) {
  const [, change] = usePageSearch();
  return filtered ? (
    <Empty
      title="No trace fits"
      actions={
        <button
          type="button"
          className="button"
          onClick={() => change({ q: undefined, service: undefined, status: undefined })}
        >
          Clear the filters
        </button>
      }
    />
  ) : (
    <Empty title="No trace in this time range">
      Requests are sampled; a mesh with little traffic shows its first trace after a while. The
      sampling rate is a setting of the mesh.
    </Empty>
  );
}

function traceColumns(mesh: string, longest: number, now: number): Column<TraceSummary>[] {
  return [
    {
      id: "status",
      header: "Outcome",
      about: "Failed first, the newest of them on top",
      width: "92px",
      narrow: "aside",
      value: (row) => (row.errors > 0 ? -Date.parse(row.start) : 1e15 - Date.parse(row.start)),
      cell: (row) => (
        <Status health={row.errors > 0 ? "bad" : "ok"}>{row.errors > 0 ? "failed" : "ok"}</Status>
      ),
    },
    {
      id: "start",
      header: "Start",
      width: "116px",
      narrow: "line",
      value: (row) => row.start,
      cell: (row) => <span className="muted num">{clockText(row.start, now)}</span>,
    },
    {
      id: "name",
      header: "Trace",
      width: "minmax(200px, 2fr)",
      narrow: "title",
      value: (row) => `${row.rootService} ${row.rootOperation}`,
      cell: (row) => (
        <Link to="/m/$mesh/traces/$id" params={{ mesh, id: row.traceId }}>
          {row.rootService} <span className="muted">{shortHost(row.rootOperation)}</span>
        </Link>
      ),
    },
    {
      id: "duration",
      header: "Duration",
      width: "84px",
      align: "end",
      narrow: "line",
      value: (row) => row.durationMs,
      cell: (row) => durationText(row.durationMs),
    },
    {
      id: "bar",
      header: "",
      width: "minmax(96px, 1fr)",
      cell: (row) => (
        <span className="trace-bar">
          <i
            className={row.errors > 0 ? "trace-bar__bad" : ""}
            style={{ width: `${Math.max(1, (row.durationMs / longest) * 100)}%` }}
          />
        </span>
      ),
    },
    {
      id: "spans",
      header: "Spans",
      width: "56px",
      align: "end",
      narrow: "line",
      value: (row) => row.spans,
      cell: (row) => row.spans,
    },
    {
      id: "errors",
      header: "Errors",
      width: "56px",
      align: "end",
      value: (row) => row.errors,
      cell: (row) => <span className={row.errors > 0 ? "tone-bad" : "muted"}>{row.errors}</span>,
    },
    {
      id: "services",
      header: "Services",
      width: "minmax(160px, 1.5fr)",
      value: (row) => row.services.map((each) => each.name).join(" "),
      cell: (row) => (
        <span className="muted">{row.services.map((each) => each.name).join(", ")}</span>
      ),
    },
  ];
}
