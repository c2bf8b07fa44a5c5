/** The configuration of a mesh: every object by kind, with who owns it and what is wrong with it. */
import type { StoredObject } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { objectsQuery } from "../data/queries.ts";
import { FilterField } from "../filter/filter-field.tsx";
import { type Field, matches, parseQuery } from "../filter/query.ts";
import { healthRank } from "../health/health.ts";
import { useMesh, usePageSearch } from "../route/page-search.ts";
import type { Column } from "../table/column.ts";
import { DataTable } from "../table/data-table.tsx";
import { Icon } from "../ui/icon.tsx";
import { Page } from "../ui/page.tsx";
import { Answer, Empty, Skeleton } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { hostsNamed } from "./applies-to.ts";
import { worstDiagnostic } from "./diagnostic-health.ts";
import { ObjectLink } from "./object-link.tsx";

const fields: readonly Field<StoredObject>[] = [
  { name: "name", type: "text", about: "name of the object", read: (row) => row.metadata.name },
  {
    name: "ns",
    aliases: ["namespace"],
    type: "text",
    about: "namespace",
    read: (row) => row.metadata.namespace,
  },
  { name: "kind", type: "text", about: "kind", read: (row) => row.kind },
  {
    name: "host",
    type: "text",
    about: "a host that it names (with ~)",
    read: (row) => hostsNamed(row).join(" "),
  },
  { name: "owner", type: "text", about: "hosted, or cluster:<agent>", read: (row) => row.owner },
  {
    name: "revision",
    type: "number",
    about: "revision that last changed it",
    read: (row) => row.revision,
  },
  {
    name: "code",
    type: "text",
    about: "code of a finding (with ~)",
    read: (row) => row.diagnostics.map(({ code }) => code).join(" "),
  },
  {
    name: "wrong",
    type: "flag",
    about: "the analysis found something",
    read: (row) => row.diagnostics.length > 0,
  },
];

export function ObjectsPage() {
  const mesh = useMesh();
  const [{ q = "", kind }, change] = usePageSearch();
  const navigate = useNavigate();
  const objects = useQuery(objectsQuery(mesh));
  const query = useMemo(() => parseQuery(q, fields), [q]);
  const columns = useMemo(() => objectColumns(mesh), [mesh]);
  const kinds = useMemo(() => countKinds(objects.data ?? []), [objects.data]);
  return (
    <Page
      title="Configuration"
      fill
      actions={
        <Link to="/m/$mesh/config/new" params={{ mesh }} className="button button--main">
          <Icon name="plus" /> New object
        </Link>
      }
    >
      <div className="toolbar">
        <FilterField
          fields={fields}
          query={query}
          placeholder="host ~ reviews  wrong  owner = hosted"
        />
        <select
          className="input"
          aria-label="Kind"
          value={kind ?? ""}
          onChange={(event) => change({ kind: event.target.value || undefined })}
        >
          <option value="">all kinds</option>
          {kinds.map(([name, count]) => (
            <option key={name} value={name}>
              {name} ({count})
            </option>
          ))}
        </select>
      </div>
      <Answer
        of={objects}
        loading={
          <div className="card">
            <Skeleton lines={10} />
          </div>
        }
      >
        {(all) => (
          <DataTable
            label="Objects"
            fill
            columns={columns}
            rows={all.filter(
              (row) => (kind === undefined || row.kind === kind) && matches(query, row, fields),
            )}
            rowKey={(row) => row.key}
            defaultSort="kind"
            command={`heddle get ${kind ?? "all"} -A --mesh ${mesh}`}
            onOpen={(row) =>
              void navigate({
                to: "/m/$mesh/config/$kind/$ns/$name",
                params: {
                  mesh,
                  kind: row.kind,
                  ns: row.metadata.namespace || "-",
                  name: row.metadata.name,
                },
              })
            }
            empty={
              all.length === 0 ? (
                <Empty title="Nothing is configured yet" command="heddle apply -f FILE">
                  Without configuration every service reaches every other, over mutual TLS where
                  both have a proxy. Apply files you have, or write the first object here.
                </Empty>
              ) : (
                <Empty
                  title="No object fits"
                  actions={
                    <button
                      type="button"
                      className="button"
                      onClick={() => change({ q: undefined, kind: undefined })}
                    >
                      Clear the filters
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

function countKinds(objects: readonly StoredObject[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { kind } of objects) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].sort(([one], [other]) => (one < other ? -1 : 1));
}

function objectColumns(mesh: string): Column<StoredObject>[] {
  return [
    {
      id: "health",
      header: "Analysis",
      width: "116px",
      narrow: "aside",
      value: (row) => healthRank[worstDiagnostic(row.diagnostics) ?? "ok"],
      cell: (row) => {
        const health = worstDiagnostic(row.diagnostics);
        return <Status health={health ?? "ok"}>{health ? row.diagnostics[0]?.code : "ok"}</Status>;
      },
    },
    {
      id: "kind",
      header: "Kind",
      width: "minmax(140px, 1fr)",
      narrow: "line",
      value: (row) => `${row.kind} ${row.metadata.namespace}/${row.metadata.name}`,
      cell: (row) => row.kind,
    },
    {
      id: "name",
      header: "Name",
      width: "minmax(160px, 1.5fr)",
      narrow: "title",
      value: (row) => row.metadata.name,
      cell: (row) => <ObjectLink mesh={mesh} object={row} />,
    },
    {
      id: "ns",
      header: "Namespace",
      width: "minmax(100px, 1fr)",
      narrow: "line",
      value: (row) => row.metadata.namespace,
      cell: (row) => <span className="muted">{row.metadata.namespace || "–"}</span>,
    },
    {
      id: "hosts",
      header: "Hosts",
      width: "minmax(140px, 2fr)",
      value: (row) => hostsNamed(row).join(" "),
      cell: (row) => <span className="muted">{hostsNamed(row).join(", ")}</span>,
    },
    {
      id: "owner",
      header: "Owner",
      about: "Who may change it",
      width: "minmax(90px, 1fr)",
      value: (row) => row.owner,
      cell: (row) => <span className="muted">{row.owner}</span>,
    },
    {
      id: "revision",
      header: "Revision",
      width: "80px",
      align: "end",
      narrow: "line",
      value: (row) => row.revision,
      cell: (row) => (
        <Link to="/m/$mesh/revisions/$number" params={{ mesh, number: String(row.revision) }}>
          {row.revision}
        </Link>
      ),
    },
  ];
}
