/** Dashboards as Grafana reads them from files: its "classic" JSON model, which every version since 10 takes. */
import { columnOverrides, tableTransformations } from "./grafana-table.ts";
import type { Dashboard, Graph, Panel, Row, Stat, Table, Variable } from "./dashboard.ts";

/** Of Grafana 10.4; newer ones carry it over. */
const SCHEMA_VERSION = 39;
/** What panels ask: the one that the reader chooses, at first the usual one. */
const SOURCE = { type: "prometheus", uid: "${datasource}" };
/** By what the editor of variables knows that it is any expression's result. */
const QUERY_RESULT = 3;
/** Grafana's grid. */
const COLUMNS = 24;
const SIZES = { stat: { w: 4, h: 4 }, graph: { w: 8, h: 8 }, table: { w: 24, h: 9 } } as const;

export function grafanaJson(dashboard: Dashboard): Record<string, unknown> {
  const { uid, title, description, variables, rows } = dashboard;
  return {
    ...{ uid, title, description, tags: ["heddle"], schemaVersion: SCHEMA_VERSION, version: 1 },
    ...{ editable: false, graphTooltip: 1, timezone: "browser", refresh: "30s" },
    time: { from: "now-30m", to: "now" },
    timepicker: {},
    annotations: { list: [] },
    links: [
      {
        ...{ type: "dashboards", title: "Heddle", tags: ["heddle"], asDropdown: true },
        ...{ includeVars: false, keepTime: true },
      },
    ],
    templating: { list: [dataSource, ...variables.map(variable)] },
    panels: placed(rows),
  };
}

const dataSource = {
  ...{ name: "datasource", label: "Data source", type: "datasource", query: "prometheus" },
  ...{ multi: false, includeAll: false, hide: 0, refresh: 1, regex: "" },
};

function variable({ name, label, values, several = false }: Variable): object {
  return {
    ...{ name, label, type: "query", datasource: SOURCE, hide: 0, sort: 1 },
    // Again when the time range changes: what was there is to be chosen.
    refresh: 2,
    query: { qryType: QUERY_RESULT, query: `query_result(${values})`, refId: name },
    definition: `query_result(${values})`,
    regex: `/[{,]${name}="([^"]+)"/`,
    multi: several,
    includeAll: several,
    ...(several ? { allValue: ".*", current: { text: ["All"], value: ["$__all"] } } : {}),
  };
}

/** Each row below the one before; in it panels side by side as long as there is room. */
function placed(rows: readonly Row[]): object[] {
  const all: object[] = [];
  let y = 0;
  for (const { title, panels } of rows) {
    all.push({
      type: "row",
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
    });
    y += 1;
    let [x, height] = [0, 0];
    for (const panel of panels) {
      const { w, h } = SIZES[panel.kind];
      if (x + w > COLUMNS) {
        y += height;
        [x, height] = [0, 0];
      }
      all.push({ ...drawn(panel), gridPos: { x, y, w, h } });
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  return all.map((panel, index) => ({ id: index + 1, ...panel }));
}

function drawn(panel: Panel): object {
  const { title, description = "" } = panel;
  const shown = { title, description, datasource: SOURCE };
  switch (panel.kind) {
    case "stat":
      return { type: "stat", ...shown, ...stat(panel) };
    case "graph":
      return { type: "timeseries", ...shown, ...graph(panel) };
    case "table":
      return { type: "table", ...shown, ...table(panel) };
  }
}

/** `A`, `B`, … */
const refId = (index: number): string => String.fromCodePoint(65 + index);

function stat({ query, unit, thresholds }: Stat): object {
  return {
    targets: [{ refId: "A", datasource: SOURCE, expr: query, instant: true, range: false }],
    fieldConfig: { defaults: { unit, ...coloured(thresholds) }, overrides: [] },
    options: {
      reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
      ...{ colorMode: "value", graphMode: "none", textMode: "auto", justifyMode: "auto" },
    },
  };
}

/** Above these colours change; where the bad is below, from the other end. */
function coloured(thresholds: Stat["thresholds"]): object {
  if (thresholds === undefined) return { color: { mode: "fixed", fixedColor: "text" } };
  const { warn, bad } = thresholds;
  const steps =
    warn <= bad
      ? [
          { color: "green", value: null },
          { color: "orange", value: warn },
          { color: "red", value: bad },
        ]
      : [
          { color: "red", value: null },
          { color: "orange", value: bad },
          { color: "green", value: warn },
        ];
  return { color: { mode: "thresholds" }, thresholds: { mode: "absolute", steps } };
}

function graph({ queries, unit, stacked = false }: Graph): object {
  return {
    targets: queries.map(({ expr, legend }, index) => ({
      ...{ refId: refId(index), datasource: SOURCE, expr, legendFormat: legend, range: true },
    })),
    fieldConfig: {
      defaults: {
        ...{ unit, min: 0, color: { mode: "palette-classic" } },
        custom: {
          ...{ drawStyle: "line", lineWidth: 1, fillOpacity: 10, showPoints: "never" },
          stacking: { mode: stacked ? "normal" : "none", group: "A" },
        },
      },
      overrides: [],
    },
    options: {
      legend: { displayMode: "list", placement: "bottom", showLegend: true },
      tooltip: { mode: "multi", sort: "desc" },
    },
  };
}

function table({ names, columns }: Table): object {
  return {
    targets: columns.map(({ expr }, index) => ({
      ...{ refId: refId(index), datasource: SOURCE, expr, format: "table" },
      ...{ instant: true, range: false },
    })),
    fieldConfig: {
      defaults: { custom: { filterable: true } },
      overrides: columnOverrides(columns),
    },
    transformations: tableTransformations(names, columns),
    options: { showHeader: true, cellHeight: "sm" },
  };
}
