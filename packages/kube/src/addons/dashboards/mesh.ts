/** The whole mesh at a glance: how much goes on, how much of it fails, and whose fault it may be. */
import type { Column, Dashboard } from "./dashboard.ts";
import {
  and,
  AT_CLIENT,
  AT_SERVER,
  DURATION,
  durations,
  failures,
  orZero,
  quantile,
  rate,
  REQUESTS,
  share,
  successRate,
  TCP_OPENED,
  TCP_RECEIVED,
  TCP_SENT,
} from "./promql.ts";

const all = rate(REQUESTS, AT_SERVER);
const answered = (codes: string) =>
  orZero(rate(REQUESTS, and(AT_SERVER, `response_code=~"${codes}"`)), all);
const NAMES = {
  destination_service: "Service",
  destination_workload: "Workload",
  destination_workload_namespace: "Namespace",
};
const EACH = Object.keys(NAMES).join(", ");
const slowest = (of: number): Column => ({
  title: `p${of * 100}`,
  expr: quantile(of, DURATION, AT_SERVER, EACH),
  unit: "ms",
});
/** Where no proxy of the mesh's is at the other end. */
const OUTSIDE = and(AT_CLIENT, 'destination_workload="unknown"');

export const MESH: Dashboard = {
  uid: "heddle-mesh",
  title: "Heddle: mesh",
  description: "All services of the mesh, as the proxies of their pods count.",
  variables: [],
  rows: [
    {
      title: "Now",
      panels: [
        { kind: "stat", title: "Requests", unit: "reqps", query: all },
        {
          ...{ kind: "stat", title: "Answered without a fault", unit: "percentunit" },
          description: "Without 5xx, whether of an application or of a proxy.",
          query: successRate(AT_SERVER),
          thresholds: { warn: 0.999, bad: 0.99 },
        },
        { kind: "stat", title: "4xx", unit: "reqps", query: answered("4..") },
        {
          ...{ kind: "stat", title: "5xx", unit: "reqps", query: answered("5..") },
          thresholds: { warn: 0.1, bad: 1 },
        },
        {
          ...{ kind: "stat", title: "Encrypted by the mesh", unit: "percentunit" },
          description: "Requests that came by mutual TLS.",
          query: share(
            orZero(rate(REQUESTS, and(AT_SERVER, 'connection_security_policy="mutual_tls"')), all),
            all,
          ),
        },
        { kind: "stat", title: "Proxies", unit: "short", query: "sum (heddle_agent_proxies)" },
      ],
    },
    {
      title: "Requests",
      panels: [
        {
          ...{ kind: "graph", title: "By service", unit: "reqps", stacked: true },
          queries: [
            {
              expr: rate(REQUESTS, AT_SERVER, "destination_service"),
              legend: "{{destination_service}}",
            },
          ],
        },
        {
          ...{ kind: "graph", title: "Failed, by service", unit: "reqps", stacked: true },
          queries: [
            {
              expr: failures(AT_SERVER, "destination_service"),
              legend: "{{destination_service}}",
            },
          ],
        },
        {
          ...{ kind: "graph", title: "Duration", unit: "ms" },
          queries: durations(AT_SERVER),
        },
        {
          kind: "table",
          title: "Services and their workloads",
          names: NAMES,
          columns: [
            { title: "Requests", expr: rate(REQUESTS, AT_SERVER, EACH), unit: "reqps" },
            { title: "Without a fault", expr: successRate(AT_SERVER, EACH), unit: "percentunit" },
            ...[0.5, 0.9, 0.99].map(slowest),
          ],
        },
      ],
    },
    {
      title: "To hosts outside of the cluster",
      panels: [
        {
          ...{ kind: "graph", title: "Requests, by host", unit: "reqps" },
          description: "As the callers' proxies count: nobody counts at the other end.",
          queries: [
            {
              expr: rate(REQUESTS, OUTSIDE, "destination_service"),
              legend: "{{destination_service}}",
            },
          ],
        },
        {
          ...{ kind: "graph", title: "Failed, by host", unit: "reqps" },
          queries: [
            {
              expr: failures(OUTSIDE, "destination_service"),
              legend: "{{destination_service}}",
            },
          ],
        },
      ],
    },
    {
      title: "Connections that are no HTTP",
      panels: [
        {
          kind: "table",
          title: "Connections, by service and workload",
          names: NAMES,
          columns: [
            { title: "Opened", expr: rate(TCP_OPENED, AT_SERVER, EACH), unit: "cps" },
            { title: "Received", expr: rate(TCP_RECEIVED, AT_SERVER, EACH), unit: "Bps" },
            { title: "Sent", expr: rate(TCP_SENT, AT_SERVER, EACH), unit: "Bps" },
          ],
        },
      ],
    },
  ],
};
