/** Panels that several dashboards have. */
import type { Panel } from "./dashboard.ts";
import {
  durations,
  failures,
  quantile,
  rate,
  REQUEST_BYTES,
  REQUESTS,
  RESPONSE_BYTES,
  successRate,
  TCP_CLOSED,
  TCP_OPENED,
  TCP_RECEIVED,
  TCP_SENT,
} from "./promql.ts";

/** Requests, and how they were answered. `whom` says in titles what `by` and `legend` tell apart; `answer` are labels. */
export function requests(
  selector: string,
  {
    by,
    legend,
    whom,
    answer,
  }: {
    readonly by: string;
    readonly legend: string;
    readonly whom: string;
    readonly answer: readonly string[];
  },
): Panel[] {
  return [
    { kind: "stat", title: "Requests", unit: "reqps", query: rate(REQUESTS, selector) },
    {
      ...{ kind: "stat", title: "Answered without a fault", unit: "percentunit" },
      query: successRate(selector),
      thresholds: { warn: 0.999, bad: 0.99 },
    },
    {
      ...{ kind: "graph", title: `Requests, ${whom} and answer`, unit: "reqps", stacked: true },
      queries: [
        {
          expr: rate(REQUESTS, selector, [by, ...answer].join(", ")),
          legend: [legend, ...answer.map((label) => `{{${label}}}`)].join(" "),
        },
      ],
    },
    {
      ...{ kind: "graph", title: `Failed, ${whom}`, unit: "reqps" },
      queries: [{ expr: failures(selector, by), legend }],
    },
    { ...{ kind: "graph", title: "Duration", unit: "ms" }, queries: durations(selector) },
  ];
}

/** How large requests and answers are. */
export function sizes(selector: string): Panel[] {
  return [
    ["Size of requests", REQUEST_BYTES] as const,
    ["Size of answers", RESPONSE_BYTES] as const,
  ].map(([title, metric]) => ({
    ...{ kind: "graph", title, unit: "bytes" },
    queries: [0.5, 0.95].map((each) => ({
      expr: quantile(each, metric, selector),
      legend: `p${each * 100}`,
    })),
  }));
}

/** Bytes and connections, with whom. */
export function tcp(selector: string, by: string, legend: string): Panel[] {
  return [
    {
      ...{ kind: "graph", title: "Bytes received", unit: "Bps" },
      queries: [{ expr: rate(TCP_RECEIVED, selector, by), legend }],
    },
    {
      ...{ kind: "graph", title: "Bytes sent", unit: "Bps" },
      queries: [{ expr: rate(TCP_SENT, selector, by), legend }],
    },
    {
      ...{ kind: "graph", title: "Connections opened and closed", unit: "cps" },
      queries: [
        { expr: rate(TCP_OPENED, selector, by), legend: `${legend} opened` },
        { expr: rate(TCP_CLOSED, selector, by), legend: `${legend} closed` },
      ],
    },
  ];
}
