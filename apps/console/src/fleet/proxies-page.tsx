/** The proxies of a mesh: which revision each holds, what it refused and why. */
import type { ProxyInfo } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { objectName, splitKey } from "../revisions/change-summary.ts";
import { proxiesQuery } from "../data/queries.ts";
import { FilterField } from "../filter/filter-field.tsx";
import { type Field, matches, parseQuery } from "../filter/query.ts";
import { agoText } from "../format/numbers.ts";
import { healthRank, proxyHealth } from "../health/health.ts";
import { useMesh, usePageSearch } from "../route/page-search.ts";
import type { Column } from "../table/column.ts";
import { DataTable } from "../table/data-table.tsx";
import { Command } from "../ui/copy-button.tsx";
import { Icon } from "../ui/icon.tsx";
import { Page } from "../ui/page.tsx";
import { Answer, Empty, Skeleton } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { useNow } from "../ui/use-now.ts";
import { FleetTabs } from "./fleet-tabs.tsx";

const fields: readonly Field<ProxyInfo>[] = [
  { name: "name", aliases: ["pod"], type: "text", about: "pod.namespace", read: (row) => row.name },
  {
    name: "state",
    aliases: ["status"],
    type: "text",
    about: "in step, on its way, stale, refused",
    read: (row) => proxyHealth(row.state).word,
  },
  { name: "agent", type: "text", about: "agent that serves it", read: (row) => row.agent },
  { name: "type", type: "text", about: "sidecar or router", read: (row) => row.type },
  {
    name: "revision",
    type: "number",
    about: "newest revision that it has",
    read: (row) => row.acknowledged,
  },
];

export function ProxiesPage() {
  const mesh = useMesh();
  const [{ q = "", sel }, change] = usePageSearch();
  const proxies = useQuery(proxiesQuery(mesh));
  const query = useMemo(() => parseQuery(q, fields), [q]);
  const minute = Math.floor(useNow() / 10_000) * 10_000;
  const columns = useMemo(() => proxyColumns(minute), [minute]);
  const chosen = proxies.data?.find((proxy) => proxy.id === sel);
  return (
    <Page title="Proxies" fill>
      <FleetTabs mesh={mesh} />
      <div className="toolbar">
        <FilterField
          fields={fields}
          query={query}
          placeholder={`state = refused  revision < 40  type = sidecar`}
        />
      </div>
      <Answer
        of={proxies}
        loading={
          <div className="card">
            <Skeleton lines={10} />
          </div>
        }
      >
        {(all) => (
          <div className={`with-panel${chosen ? " with-panel--open" : ""}`}>
            <DataTable
              label="Proxies"
              fill
              columns={columns}
              rows={all.filter((row) => matches(query, row, fields))}
              rowKey={(row) => row.id}
              defaultSort="state"
              selected={sel}
              command={`heddle proxy-status --mesh ${mesh}`}
              onOpen={(row) => change({ sel: row.id === sel ? undefined : row.id })}
              empty={
                all.length === 0 ? (
                  <Empty title="No proxy is connected" command="heddle inject -f deployment.yaml">
                    A proxy appears when it opens its stream to an agent. Pods need a sidecar;
                    without an agent nobody serves them.
                  </Empty>
                ) : (
                  <Empty title="No proxy fits" />
                )
              }
            />
            {chosen ? (
              <ProxyPanel mesh={mesh} proxy={chosen} close={() => change({ sel: undefined })} />
            ) : null}
          </div>
        )}
      </Answer>
    </Page>
  );
}

function proxyColumns(now: number): Column<ProxyInfo>[] {
  return [
    {
      id: "state",
      header: "State",
      width: "104px",
      narrow: "aside",
      value: (row) => healthRank[proxyHealth(row.state).health],
      cell: (row) => (
        <Status health={proxyHealth(row.state).health}>{proxyHealth(row.state).word}</Status>
      ),
    },
    {
      id: "name",
      header: "Proxy",
      width: "minmax(220px, 2fr)",
      narrow: "title",
      value: (row) => row.name,
      cell: (row) => <span title={row.id}>{row.name}</span>,
    },
    {
      id: "type",
      header: "Type",
      width: "72px",
      narrow: "line",
      value: (row) => row.type,
      cell: (row) => row.type,
    },
    {
      id: "revision",
      header: "Revision",
      width: "72px",
      align: "end",
      narrow: "line",
      value: (row) => row.acknowledged,
      cell: (row) => row.acknowledged,
    },
    ...["CDS", "EDS", "LDS", "RDS", "SDS"].map((type): Column<ProxyInfo> => ({
      id: type,
      header: type,
      about: `Resources of ${type} that it acknowledged`,
      width: "52px",
      align: "end",
      value: (row) => row.types[type]?.resources ?? null,
      cell: (row) => {
        const state = row.types[type];
        if (!state) return <span className="muted">–</span>;
        return (
          <span className={state.error ? "tone-bad" : ""} title={state.error ?? state.version}>
            {state.error ? "refused" : state.resources}
          </span>
        );
      },
    })),
    {
      id: "agent",
      header: "Agent",
      width: "minmax(100px, 1fr)",
      narrow: "line",
      value: (row) => row.agent,
      cell: (row) => <span className="muted">{row.agent}</span>,
    },
    {
      id: "connected",
      header: "Connected",
      width: "96px",
      align: "end",
      value: (row) => row.connectedAt,
      cell: (row) => <span className="muted">{agoText(row.connectedAt, now)}</span>,
    },
  ];
}

function ProxyPanel({ mesh, proxy, close }: { mesh: string; proxy: ProxyInfo; close: () => void }) {
  const refused = Object.entries(proxy.types).filter(([, state]) => state.error !== undefined);
  return (
    <aside className="panel" aria-label="Proxy">
      <div className="panel__head">
        <div>
          <h2 className="cut">{proxy.name}</h2>
          <p className="muted small">
            {proxy.type} of {proxy.agent}
          </p>
        </div>
        <button
          type="button"
          className="button button--quiet button--icon"
          aria-label="Close"
          onClick={close}
        >
          <Icon name="close" />
        </button>
      </div>
      <div className="panel__body">
        <Status health={proxyHealth(proxy.state).health}>
          {proxyHealth(proxy.state).word}, revision {proxy.acknowledged}
        </Status>
        {refused.map(([type, { error, culprit, refusals }]) => (
          <section key={type} className="notice notice--bad">
            <div className="notice__text">
              <h3>{type} was refused</h3>
              {refusals ? (
                refusals.map((each) => (
                  <div key={each.resource}>
                    <code className="small" style={{ overflowWrap: "anywhere" }}>
                      {each.resource}
                    </code>
                    <p className="small">{each.reason}</p>
                    {each.objects.map((key) => (
                      <p key={key}>
                        <CulpritLink mesh={mesh} culprit={key} />
                        {each.held ? " is held at what it was before" : null}
                      </p>
                    ))}
                  </div>
                ))
              ) : (
                <>
                  <p className="small">{error}</p>
                  {culprit ? <CulpritLink mesh={mesh} culprit={culprit} /> : null}
                </>
              )}
            </div>
          </section>
        ))}
        <dl
          className="values"
          style={{ display: "grid", gridTemplateColumns: "max-content 1fr", gap: "4px 16px" }}
        >
          {Object.entries(proxy.types).map(([type, state]) => (
            <div key={type} style={{ display: "contents" }}>
              <dt className="muted">{type}</dt>
              <dd className="num">
                {state.resources} resources, <code>{state.version}</code>
              </dd>
            </div>
          ))}
        </dl>
        <section>
          <h3 style={{ marginBottom: 4 }}>What it holds</h3>
          <Command text={`heddle proxy-config cluster ${proxy.name}`} />
        </section>
        <p className="muted small mono" style={{ overflowWrap: "anywhere" }}>
          {proxy.id}
        </p>
      </div>
    </aside>
  );
}

/** A culprit is an object's key, or a resource's name where no object is to blame. */
function CulpritLink({ mesh, culprit }: { mesh: string; culprit: string }) {
  const { kind, namespace, name } = splitKey(culprit);
  if (name === "") return <code className="small">{culprit}</code>;
  return (
    <Link to="/m/$mesh/config/$kind/$ns/$name" params={{ mesh, kind, ns: namespace, name }}>
      {objectName(culprit)}
    </Link>
  );
}
