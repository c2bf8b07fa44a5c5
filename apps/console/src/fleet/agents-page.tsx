/** The agents of a mesh: connected or away, what they have, how many proxies they serve. */
import type { AgentInfo } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { agentsQuery, meshesQuery } from "../data/queries.ts";
import { agoText } from "../format/numbers.ts";
import { useMesh } from "../route/page-search.ts";
import type { Column } from "../table/column.ts";
import { DataTable } from "../table/data-table.tsx";
import { Page } from "../ui/page.tsx";
import { Answer, Empty, Skeleton } from "../ui/states.tsx";
import { Status } from "../ui/status.tsx";
import { useNow } from "../ui/use-now.ts";
import { FleetTabs } from "./fleet-tabs.tsx";

export function AgentsPage() {
  const mesh = useMesh();
  const navigate = useNavigate();
  const agents = useQuery(agentsQuery(mesh));
  const newest = useQuery(meshesQuery()).data?.find((each) => each.name === mesh)?.revision;
  const minute = Math.floor(useNow() / 10_000) * 10_000;
  const columns = useMemo(() => agentColumns(newest, minute), [newest, minute]);
  return (
    <Page title="Agents" fill>
      <FleetTabs mesh={mesh} />
      <Answer
        of={agents}
        loading={
          <div className="card">
            <Skeleton lines={4} />
          </div>
        }
      >
        {(all) => (
          <DataTable
            label="Agents"
            columns={columns}
            rows={all}
            rowKey={(row) => row.id}
            defaultSort="name"
            onOpen={(row) =>
              void navigate({
                to: "/m/$mesh/proxies",
                params: { mesh },
                search: { q: `agent = ${row.name}` },
              })
            }
            empty={
              <Empty
                title={`No agent has joined ${mesh} yet`}
                command="heddle agent --plane URL --token TOKEN"
              >
                An agent runs in each cluster, dials out to this plane, and serves the proxies
                there. Make a join token, and start it with that.
              </Empty>
            }
          />
        )}
      </Answer>
    </Page>
  );
}

function agentColumns(newest: number | undefined, now: number): Column<AgentInfo>[] {
  return [
    {
      id: "state",
      header: "State",
      width: "104px",
      narrow: "aside",
      value: (row) => Number(row.connected),
      cell: (row) => (
        <Status health={row.connected ? "ok" : "warn"}>
          {row.connected ? "connected" : "away"}
        </Status>
      ),
    },
    {
      id: "name",
      header: "Agent",
      width: "minmax(160px, 1fr)",
      narrow: "title",
      value: (row) => row.name,
      cell: (row) => row.name,
    },
    {
      id: "cluster",
      header: "Cluster",
      about: "What it calls its cluster, and the clusters that it shares services with",
      width: "minmax(96px, 160px)",
      narrow: "line",
      value: (row) => row.cluster ?? "",
      cell: (row) =>
        [row.cluster, ...row.sharesWith.map((other) => `↔ ${other}`)].filter(Boolean).join(" "),
    },
    {
      id: "version",
      header: "Version",
      width: "88px",
      narrow: "line",
      value: (row) => row.version,
      cell: (row) => row.version,
    },
    {
      id: "revision",
      header: "Revision",
      about: "Newest revision that it has",
      width: "96px",
      align: "end",
      narrow: "line",
      value: (row) => row.acknowledged,
      cell: (row) => (
        <span className={newest !== undefined && row.acknowledged < newest ? "tone-warn" : ""}>
          {row.acknowledged}
          {newest !== undefined && row.acknowledged < newest ? ` of ${newest}` : ""}
        </span>
      ),
    },
    {
      id: "proxies",
      header: "Proxies",
      width: "72px",
      align: "end",
      narrow: "line",
      value: (row) => row.proxies.length,
      cell: (row) => row.proxies.length,
    },
    {
      id: "late",
      header: "Behind",
      about: "Proxies that are stale or refused something",
      width: "72px",
      align: "end",
      value: (row) => lateOf(row),
      cell: (row) => <span className={lateOf(row) > 0 ? "tone-warn" : "muted"}>{lateOf(row)}</span>,
    },
    {
      id: "since",
      header: "Since",
      width: "104px",
      align: "end",
      value: (row) => row.since,
      cell: (row) => <span className="muted">{agoText(row.since, now)}</span>,
    },
  ];
}

function lateOf({ proxies }: AgentInfo): number {
  return proxies.filter(({ state }) => state === "stale" || state === "rejected").length;
}
