/** Panels that several dashboards have. */
import type { Panel } from "./dashboard.ts";
import {
  quantile,
  rate,
  REQUEST_BYTES,
  RESPONSE_BYTES,
  TCP_CLOSED,
  TCP_OPENED,
  TCP_RECEIVED,
  TCP_SENT,
} from "./promql.ts";

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
