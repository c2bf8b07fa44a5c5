/** What the mesh's trust stands on: roots, a rotation under way, who is revoked, and every certificate that is alive. */
import type { CertificateInfo, CertificateList } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { certificatesQuery } from "../data/queries.ts";
import { FilterField } from "../filter/filter-field.tsx";
import { type Field, matches, parseQuery } from "../filter/query.ts";
import { FleetTabs } from "../fleet/fleet-tabs.tsx";
import { countText } from "../format/numbers.ts";
import { useMesh, usePageSearch } from "../route/page-search.ts";
import type { Column } from "../table/column.ts";
import { DataTable } from "../table/data-table.tsx";
import { Command } from "../ui/copy-button.tsx";
import { Page } from "../ui/page.tsx";
import { Answer, Empty, Skeleton } from "../ui/states.tsx";
import { Status, StatusShape } from "../ui/status.tsx";
import { useNow } from "../ui/use-now.ts";
import { kindWords, leftText, levelRank, levels } from "./certificate-health.ts";
import { RevocationsCard } from "./revocations-card.tsx";
import { RootsCard } from "./roots-card.tsx";
import "./security.css";

const fields: readonly Field<CertificateInfo>[] = [
  {
    name: "level",
    type: "text",
    about: "ok, warning, critical, expired",
    read: (row) => row.level,
  },
  { name: "kind", type: "text", about: "root, agent, leaf", read: (row) => row.kind },
  { name: "subject", type: "text", about: "whose it is", read: (row) => row.subject },
  { name: "agent", type: "text", about: "agent that has it", read: (row) => row.agent ?? "" },
  {
    name: "proxy",
    type: "text",
    about: "proxies that have it",
    read: (row) => (row.proxies ?? []).join(" "),
  },
  { name: "serial", type: "text", about: "serial number", read: (row) => row.serialNumber },
];

export function SecurityPage() {
  const mesh = useMesh();
  const [{ q = "" }] = usePageSearch();
  const certificates = useQuery(certificatesQuery(mesh));
  const query = useMemo(() => parseQuery(q, fields), [q]);
  const minute = Math.floor(useNow() / 10_000) * 10_000;
  const columns = useMemo(() => columnsAt(minute), [minute]);
  return (
    <Page title="Security">
      <FleetTabs mesh={mesh} />
      <Answer of={certificates} loading={<Skeleton lines={2} />}>
        {(list) => <Alerts list={list} mesh={mesh} />}
      </Answer>
      <div className="security__cards">
        <RootsCard mesh={mesh} now={minute} />
        <RevocationsCard mesh={mesh} now={minute} />
      </div>
      <h2>Certificates</h2>
      <div className="toolbar">
        <FilterField
          fields={fields}
          query={query}
          placeholder="level = warning  kind = leaf  subject ~ /ns/shop/"
        />
      </div>
      <Answer
        of={certificates}
        loading={
          <div className="card">
            <Skeleton lines={10} />
          </div>
        }
      >
        {({ items }) => (
          <DataTable
            label="Certificates"
            columns={columns}
            rows={items.filter((row) => matches(query, row, fields))}
            rowKey={(row) => `${row.kind} ${row.issuer} ${row.serialNumber} ${row.agent ?? ""}`}
            defaultSort="level"
            command={`heddle ca inventory --mesh ${mesh}`}
            empty={
              items.length === 0 ? (
                <Empty title="No certificate yet" command={`heddle ca show --mesh ${mesh}`}>
                  The first is made when an agent joins the mesh.
                </Empty>
              ) : (
                <Empty title="No certificate fits" />
              )
            }
          />
        )}
      </Answer>
    </Page>
  );
}

/** What is wrong, first. */
function Alerts({
  list: { alerts, unknown, items },
  mesh,
}: {
  list: CertificateList;
  mesh: string;
}) {
  const bad = alerts.critical + alerts.expired;
  const health = bad > 0 ? "bad" : alerts.warning + unknown.length > 0 ? "warn" : "ok";
  if (health === "ok")
    return (
      <p className="toolbar">
        <Status health="ok">{countText(items.length, "certificate")}, all renewed in time</Status>
      </p>
    );
  return (
    <section className={`notice notice--${health}`} aria-label="What ends soon">
      <StatusShape health={health} />
      <div className="notice__text">
        <h2>
          {[
            alerts.expired > 0 ? `${countText(alerts.expired, "certificate")} ended` : "",
            alerts.critical > 0 ? `${countText(alerts.critical, "certificate")} about to end` : "",
            alerts.warning > 0 ? `${countText(alerts.warning, "certificate")} late in renewal` : "",
            unknown.length > 0 ? `${countText(unknown.length, "agent")} not heard of` : "",
          ]
            .filter(Boolean)
            .join(", ")}
        </h2>
        {unknown.length > 0 ? (
          <p className="muted small">
            What proxies of {unknown.join(", ")} have is not known, and not among these.
          </p>
        ) : null}
        <div className="actions">
          <Command text={`heddle ca inventory --level warning --mesh ${mesh}`} />
        </div>
      </div>
    </section>
  );
}

function columnsAt(now: number): Column<CertificateInfo>[] {
  return [
    {
      id: "level",
      header: "State",
      width: "128px",
      narrow: "aside",
      value: (row) => levelRank[row.level],
      cell: ({ level }) => <Status health={levels[level].health}>{levels[level].word}</Status>,
    },
    {
      id: "subject",
      header: "Subject",
      width: "minmax(220px, 3fr)",
      narrow: "title",
      value: (row) => row.subject,
      cell: (row) => (
        <span className="cut" title={row.subject}>
          {row.subject}
        </span>
      ),
    },
    {
      id: "kind",
      header: "Kind",
      width: "104px",
      narrow: "line",
      value: (row) => row.kind,
      cell: (row) => kindWords[row.kind],
    },
    {
      id: "left",
      header: "Left",
      about: "Until it ends",
      width: "72px",
      align: "end",
      narrow: "line",
      value: (row) => row.notAfter,
      cell: (row) => (
        <span className="num" title={row.notAfter}>
          {leftText(row.notAfter, now)}
        </span>
      ),
    },
    {
      id: "holder",
      header: "Held by",
      about: "The agent that has it, and its proxies",
      width: "minmax(140px, 2fr)",
      narrow: "line",
      value: (row) => row.proxies?.[0] ?? row.agent ?? "",
      cell: ({ agent, proxies = [] }) => (
        <span className="cut muted" title={proxies.join(", ")}>
          {proxies.length > 1
            ? `${proxies[0]} and ${proxies.length - 1} more`
            : (proxies[0] ?? agent ?? "the plane")}
        </span>
      ),
    },
    {
      id: "serial",
      header: "Serial number",
      width: "minmax(120px, 1fr)",
      value: (row) => row.serialNumber,
      cell: (row) => (
        <span className="mono small cut" title={row.serialNumber}>
          {row.serialNumber}
        </span>
      ),
    },
  ];
}
