/** The agents and the proxies that they serve: whether all of them have what they should, and what that costs. */
import type { Dashboard, Graph, Stat } from "./dashboard.ts";
import { rate } from "./promql.ts";

const number = (title: string, query: string, more: Partial<Stat> = {}): Stat => ({
  ...{ kind: "stat", title, unit: "short", query },
  ...more,
});
/** Of nothing there should be any. */
const none = (title: string, query: string, description: string): Stat =>
  number(title, query, { description, thresholds: { warn: 1, bad: 1 } });
const graph = (
  title: string,
  unit: string,
  queries: Readonly<Record<string, string>>,
  description = "",
): Graph => ({
  ...{ kind: "graph", title, unit, description },
  queries: Object.entries(queries).map(([legend, expr]) => ({ legend, expr })),
});

export const AGENTS: Dashboard = {
  uid: "heddle-agents",
  title: "Heddle: agents and proxies",
  description: "The agents, as they tell of themselves, and the proxies that they serve.",
  variables: [],
  rows: [
    {
      title: "Now",
      panels: [
        number("Agents", "count (heddle_agent_proxies)"),
        number("Proxies", "sum (heddle_agent_proxies)"),
        none(
          "Proxies that refuse something",
          "sum (heddle_agent_proxies_refusing)",
          "They go on with what they had. `heddle proxy-status` says which, and what they say.",
        ),
        none(
          "Proxies that do not answer",
          "count (heddle_proxy_up == 0) or vector(0)",
          "Of those that are connected: the agent asks each of them what it has counted.",
        ),
        number("Plane in touch", "min (heddle_agent_plane_connected)", {
          description:
            "1 where every agent is in touch with its plane, 0 where one is not. Agents without a plane do not tell.",
          thresholds: { warn: 1, bad: 0.5 },
        }),
        none(
          "Revisions behind",
          "max (heddle_agent_revision) - min (heddle_agent_revision_acknowledged)",
          "Between the newest revision of the mesh and the one that all proxies have.",
        ),
      ],
    },
    {
      title: "What is served",
      panels: [
        graph("Proxies, by agent", "short", { "{{pod}}": "sum by (pod) (heddle_agent_proxies)" }),
        graph("Objects, by agent", "short", { "{{pod}}": "sum by (pod) (heddle_agent_objects)" }),
        graph("Revision, by agent", "short", {
          "{{pod}} in force": "max by (pod) (heddle_agent_revision)",
          "{{pod}} acknowledged by all": "min by (pod) (heddle_agent_revision_acknowledged)",
        }),
        graph(
          "First certificate to end",
          "s",
          {
            "{{pod}}": "min by (pod) (heddle_agent_certificate_expiry_seconds)",
          },
          "Certificates are replaced long before: a line that goes towards 0 says that it is not so.",
        ),
        graph("Callers without proof", "cps", {
          "{{pod}} refused": rate("heddle_agent_callers_refused_total", "", "pod"),
          "{{pod}} taken by signature alone": rate(
            "heddle_agent_callers_unreviewed_total",
            "",
            "pod",
          ),
        }),
        graph("Global rate limits", "reqps", {
          "let through": rate("heddle_agent_rate_limit_allowed_total"),
          refused: rate("heddle_agent_rate_limit_refused_total"),
          "counted for an agent that was away": rate("heddle_agent_rate_limit_stood_in_total"),
        }),
      ],
    },
    {
      title: "Troubles",
      panels: [
        none(
          "Kinds that cannot be read",
          "sum (heddle_agent_cluster_kinds_failing)",
          "What was read of them last is in force. The agent's log says why.",
        ),
        none(
          "Files that cannot be read",
          "sum (heddle_agent_bad_files)",
          "Their last good objects are in force.",
        ),
        none(
          "Objects with two owners",
          "max (heddle_agent_owner_conflicts)",
          "Cluster and plane both have them.",
        ),
        none(
          "Statuses not written",
          "sum (heddle_agent_statuses_unwritten)",
          "When that was tried last.",
        ),
        none(
          "State not kept",
          "sum (increase(heddle_agent_state_write_failures_total[1h]))",
          "Writes of the last good state that failed within an hour.",
        ),
        number("Leaders", "sum (heddle_agent_leader)", {
          description: "Of each revision one replica writes to the cluster.",
          thresholds: { warn: 1, bad: 0.5 },
        }),
      ],
    },
    {
      title: "Telemetry on its way to the plane",
      panels: [
        graph("Spans and logs received", "reqps", {
          "{{signal}}": rate("heddle_telemetry_received_requests_total", "", "signal"),
        }),
        graph("Sent to the plane", "Bps", {
          "{{signal}}": rate("heddle_telemetry_sent_bytes_total", "", "signal"),
        }),
        graph("Waiting for the plane", "bytes", {
          "{{pod}}": "sum by (pod) (heddle_telemetry_spool_bytes)",
        }),
        graph("Refused, lost, tried again", "cps", {
          "refused {{reason}}": rate("heddle_telemetry_refused_requests_total", "", "reason"),
          "lost {{reason}}": rate("heddle_telemetry_dropped_batches_total", "", "reason"),
          "tried again": rate("heddle_telemetry_failed_sends_total"),
        }),
        graph("Proxies asked", "reqps", {
          "{{outcome}}": rate("heddle_proxy_scrapes_total", "", "outcome"),
        }),
      ],
    },
    {
      title: "What it costs",
      panels: [
        graph("Memory of agents", "bytes", {
          "{{pod}}":
            "sum by (pod) (process_resident_memory_bytes and on (instance) heddle_agent_proxies)",
        }),
        graph(
          "CPU of agents",
          "short",
          {
            "{{pod}}":
              "sum by (pod) (rate(process_cpu_seconds_total[$__rate_interval]) and on (instance) heddle_agent_proxies)",
          },
          "Processors that are busy with it.",
        ),
        graph("Memory of proxies, the ten largest", "bytes", {
          "{{pod}}.{{namespace}}":
            "topk (10, sum by (pod, namespace) (envoy_server_memory_allocated))",
        }),
        graph("Connections of proxies, the ten busiest", "short", {
          "{{pod}}.{{namespace}}":
            "topk (10, sum by (pod, namespace) (envoy_server_total_connections))",
        }),
        graph(
          "Proxies started within ten minutes",
          "short",
          { "{{namespace}}": "count by (namespace) (envoy_server_uptime < 600) or vector(0)" },
          "Where it never ends, something ends proxies again and again.",
        ),
      ],
    },
  ],
};
