/** The history of a mesh: each revision with author, changes and how it arrived. */
import type { RevisionInfo } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { revisionsQuery } from "../data/queries.ts";
import { FilterField } from "../filter/filter-field.tsx";
import { type Field, matches, parseQuery } from "../filter/query.ts";
import { clockText, durationText } from "../format/numbers.ts";
import { convergenceHealth } from "../health/health.ts";
import { useMesh, usePageSearch } from "../route/page-search.ts";
import type { Column } from "../table/column.ts";
import { DataTable } from "../table/data-table.tsx";
import { Page } from "../ui/page.tsx";
import { Answer, Empty, Skeleton } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { useNow } from "../ui/use-now.ts";
import { changeSummary } from "./change-summary.ts";

const fields: readonly Field<RevisionInfo>[] = [
  { name: "message", type: "text", about: "why it was made", read: (row) => row.message },
  { name: "author", type: "text", about: "who made it", read: (row) => row.author },
  {
    name: "object",
    type: "text",
    about: "an object that it changed (with ~)",
    read: (row) => row.changes.map(({ key }) => key).join(" "),
  },
  { name: "number", type: "number", about: "number", read: (row) => row.number },
  {
    name: "took",
    type: "duration",
    about: "time until every proxy had it",
    read: (row) => row.convergence.durationMs,
  },
  {
    name: "rollback",
    type: "flag",
    about: "it restored an earlier one",
    read: (row) => row.rollbackOf !== undefined,
  },
];

export function RevisionsPage() {
  const mesh = useMesh();
  const [{ q = "" }] = usePageSearch();
  const navigate = useNavigate();
  const revisions = useQuery(revisionsQuery(mesh));
  const query = useMemo(() => parseQuery(q, fields), [q]);
  const minute = Math.floor(useNow() / 60_000) * 60_000;
  const columns = useMemo(() => revisionColumns(mesh, minute), [mesh, minute]);
  return (
    <Page title="Revisions" fill>
      <div className="toolbar">
        <FilterField
          fields={fields}
          query={query}
          placeholder="object ~ reviews  author = ada  rollback"
        />
      </div>
      <Answer
        of={revisions}
        loading={
          <div className="card">
            <Skeleton lines={10} />
          </div>
        }
      >
        {({ items, next }) => (
          <>
            <DataTable
              label="Revisions"
              fill
              columns={columns}
              rows={items.filter((row) => matches(query, row, fields))}
              rowKey={(row) => String(row.number)}
              defaultSort="-number"
              command={`heddle history --mesh ${mesh}`}
              onOpen={(row) =>
                void navigate({
                  to: "/m/$mesh/revisions/$number",
                  params: { mesh, number: String(row.number) },
                })
              }
              empty={
                items.length === 0 ? (
                  <Empty title="Nothing was changed yet" command="heddle apply -f FILE">
                    Every change becomes a signed revision here, with its diff and a way back.
                  </Empty>
                ) : (
                  <Empty title="No revision fits" />
                )
              }
            />
            {next === undefined ? null : (
              <p className="muted small">
                These are the newest {items.length}; `heddle history` prints all.
              </p>
            )}
          </>
        )}
      </Answer>
    </Page>
  );
}

function revisionColumns(mesh: string, now: number): Column<RevisionInfo>[] {
  return [
    {
      id: "number",
      header: "Number",
      width: "60px",
      narrow: "line",
      value: (row) => row.number,
      cell: (row) => row.number,
    },
    {
      id: "state",
      header: "State",
      width: "104px",
      narrow: "aside",
      value: (row) => row.convergence.state,
      cell: (row) => (
        <Status health={convergenceHealth(row.convergence).health}>
          {convergenceHealth(row.convergence).word}
        </Status>
      ),
    },
    {
      id: "message",
      header: "Change",
      width: "minmax(220px, 2fr)",
      narrow: "title",
      value: (row) => row.message || changeSummary(row.changes),
      cell: (row) => (
        <Link to="/m/$mesh/revisions/$number" params={{ mesh, number: String(row.number) }}>
          {row.message || changeSummary(row.changes)}
        </Link>
      ),
    },
    {
      id: "objects",
      header: "Objects",
      width: "minmax(180px, 1.5fr)",
      value: (row) => row.changes.length,
      cell: (row) => <span className="muted">{changeSummary(row.changes)}</span>,
    },
    {
      id: "author",
      header: "Author",
      width: "minmax(110px, 1fr)",
      narrow: "line",
      value: (row) => row.author,
      cell: (row) => row.author,
    },
    {
      id: "createdAt",
      header: "Time",
      width: "116px",
      narrow: "line",
      value: (row) => row.createdAt,
      cell: (row) => <span className="num muted">{clockText(row.createdAt, now)}</span>,
    },
    {
      id: "proxies",
      header: "Proxies",
      about: "Proxies that have it, of those that need it",
      width: "72px",
      align: "end",
      value: (row) => row.convergence.acknowledged,
      cell: (row) =>
        row.convergence.proxies === 0
          ? "–"
          : `${row.convergence.acknowledged}/${row.convergence.proxies}`,
    },
    {
      id: "took",
      header: "Took",
      about: "From the commit to the last acknowledgement",
      width: "76px",
      align: "end",
      value: (row) => row.convergence.durationMs,
      cell: (row) => durationText(row.convergence.durationMs),
    },
  ];
}
