/** The mesh as it talks: graph or table, filtered, with a side panel for what is selected. */
import type { Graph, GraphView } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { graphQuery, servicesQuery } from "../data/queries.ts";
import { FilterField } from "../filter/filter-field.tsx";
import { parseQuery } from "../filter/query.ts";
import { healthRank } from "../health/health.ts";
import { useMesh, usePageSearch, useTimeRange } from "../route/page-search.ts";
import { useNarrow } from "../ui/use-media.ts";
import { Page } from "../ui/page.tsx";
import { Answer, Broken, Empty, Skeleton } from "../ui/states.tsx";
import { EdgeTable } from "./edge-table.tsx";
import { type DrawnGraph, foldedAtFirst, foldGraph } from "./fold.ts";
import { GraphCanvas } from "./graph-canvas.tsx";
import { filterGraph, graphFields } from "./graph-fields.ts";
import { GraphPanel } from "./graph-panel.tsx";
import { OneHop } from "./one-hop.tsx";
import { useLayout } from "./use-layout.ts";

/** Above this many visible nodes the table is offered. */
const MANY_NODES = 200;
/** Up to this many edges, numbers stand on all of them unless that is switched off. */
const LABEL_ALL = 40;

const views = { service: "Services", workload: "Workloads", app: "Apps" } as const satisfies Record<
  GraphView,
  string
>;

export function GraphPage() {
  const mesh = useMesh();
  const [range] = useTimeRange();
  const [search, change] = usePageSearch();
  const narrow = useNarrow();
  const by: GraphView = search.by === "workload" || search.by === "app" ? search.by : "service";
  const table = search.view === "table" || narrow;
  const graph = useQuery(graphQuery(mesh, range, by));
  return (
    <Page title="Graph" fill>
      <div className="toolbar">
        <GraphFilter />
        <select
          className="input"
          aria-label="Nodes are"
          value={by}
          onChange={(event) =>
            change({
              by: event.target.value === "service" ? undefined : event.target.value,
              sel: undefined,
            })
          }
        >
          {Object.entries(views).map(([view, word]) => (
            <option key={view} value={view}>
              {word}
            </option>
          ))}
        </select>
        {narrow ? null : (
          <>
            <span className="button-group" role="group" aria-label="Shown as">
              <button
                type="button"
                className="button"
                aria-pressed={!table}
                onClick={() => change({ view: undefined })}
              >
                Graph
              </button>
              <button
                type="button"
                className="button"
                aria-pressed={table}
                onClick={() => change({ view: "table" })}
              >
                Table
              </button>
            </span>
            {table ? null : (
              <button
                type="button"
                className="button"
                aria-pressed={search.labels !== "off"}
                onClick={() => change({ labels: search.labels === "off" ? undefined : "off" })}
              >
                Labels
              </button>
            )}
          </>
        )}
      </div>
      <Answer
        of={graph}
        loading={
          <div className="card" style={{ flex: 1 }}>
            <Skeleton lines={10} height={24} />
          </div>
        }
      >
        {(data) =>
          data.nodes.length === 0 ? (
            <NoTraffic mesh={mesh} />
          ) : (
            <GraphBody data={data} mesh={mesh} by={by} table={table} narrow={narrow} />
          )
        }
      </Answer>
    </Page>
  );
}

function GraphFilter() {
  const [{ q = "" }] = usePageSearch();
  const query = useMemo(() => parseQuery(q, graphFields), [q]);
  return (
    <FilterField
      fields={graphFields}
      query={query}
      placeholder="errors > 1%  p95 > 300ms  ns = shop  !mtls"
    />
  );
}

interface GraphBodyProps {
  data: Graph;
  mesh: string;
  by: GraphView;
  table: boolean;
  narrow: boolean;
}

function GraphBody({ data, mesh, by, table, narrow }: GraphBodyProps) {
  const [range] = useTimeRange();
  const [search, change] = usePageSearch();
  const services = useQuery(servicesQuery(mesh, range));
  const folded = useMemo(
    () =>
      search.open === undefined
        ? foldedAtFirst(data)
        : new Set(search.open.split(",").filter((name) => name !== "none")),
    [data, search.open],
  );
  const whole = useMemo(() => foldGraph(data, folded), [data, folded]);
  const query = useMemo(() => parseQuery(search.q ?? "", graphFields), [search.q]);
  const shown = useMemo(() => filterGraph(whole, query), [whole, query]);
  const key = `${mesh}.${by}.${[...folded].sort().join(",")}`;
  const { layout, error, tidy } = useLayout(table ? undefined : whole, key);

  const select = useCallback((id: string | undefined) => change({ sel: id }), [change]);
  const fold = useCallback(
    (namespace: string) => {
      const next = new Set(folded);
      if (!next.delete(namespace)) next.add(namespace);
      change({ open: [...next].sort().join(",") || "none", sel: undefined });
    },
    [change, folded],
  );
  const centre = shown.nodes.find((node) => node.id === search.sel) ?? middle(shown);
  const labels = search.labels !== "off" && shown.edges.length <= LABEL_ALL;

  return (
    <div className={`with-panel${search.sel ? " with-panel--open" : ""}`}>
      <div style={{ display: "flex", flexDirection: "column", gap: 12, minHeight: 0 }}>
        {!table && shown.nodes.length > MANY_NODES ? (
          <p className="muted">
            {shown.nodes.length} nodes are more than a graph can say. Filter, fold namespaces, or{" "}
            <button type="button" className="link" onClick={() => change({ view: "table" })}>
              look at the table
            </button>
            .
          </p>
        ) : null}
        {narrow && centre ? (
          <OneHop graph={shown} centre={centre} onSelect={(id) => change({ sel: id })} />
        ) : null}
        {table ? (
          <EdgeTable graph={shown} selected={search.sel} onSelect={select} />
        ) : error ? (
          <>
            <Broken error={error} retry={tidy} />
            <EdgeTable graph={shown} selected={search.sel} onSelect={select} />
          </>
        ) : layout ? (
          shown.nodes.length === 0 ? (
            <Empty
              title="Nothing fits this filter"
              actions={
                <button type="button" className="button" onClick={() => change({ q: undefined })}>
                  Clear the filter
                </button>
              }
            />
          ) : (
            <GraphCanvas
              graph={shown}
              layout={layout}
              selected={search.sel}
              labels={labels}
              onSelect={select}
              onFold={fold}
              onTidy={tidy}
            />
          )
        ) : (
          <div className="card" style={{ flex: 1 }}>
            <Skeleton lines={10} height={24} />
          </div>
        )}
      </div>
      {search.sel ? (
        <GraphPanel
          mesh={mesh}
          graph={shown}
          selected={search.sel}
          services={services.data?.items ?? []}
          onSelect={select}
          onFold={fold}
        />
      ) : null}
    </div>
  );
}

/** Where a phone starts: the worst node, or the busiest of the healthy. */
function middle(graph: DrawnGraph) {
  return graph.nodes.toSorted(
    (one, other) =>
      healthRank[one.health] - healthRank[other.health] || other.golden.rate - one.golden.rate,
  )[0];
}

function NoTraffic({ mesh }: { mesh: string }) {
  const [range, setRange] = useTimeRange();
  return (
    <div className="card">
      <Empty
        title="No request in this time range"
        command="heddle up --demo"
        actions={
          range.kind === "live" && range.minutes >= 1440 ? null : (
            <button
              type="button"
              className="button"
              onClick={() => setRange({ kind: "live", minutes: 1440 })}
            >
              Look at the last day
            </button>
          )
        }
      >
        No proxy of {mesh} has reported traffic here. Either nothing called anything, or no agent
        has pushed telemetry; the demo makes some.
      </Empty>
    </div>
  );
}
