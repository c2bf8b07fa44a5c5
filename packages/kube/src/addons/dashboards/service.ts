/** One service, from both ends: what callers have of it, and what its workloads do. */
import type { Dashboard, Panel } from "./dashboard.ts";
import { requests, sizes, tcp } from "./panels.ts";
import { and, AT_CLIENT, AT_SERVER, rate, REQUESTS, valuesOf } from "./promql.ts";

const OF_IT = 'destination_service=~"$service"';
const SERVER = and(AT_SERVER, OF_IT);
const CLIENT = and(AT_CLIENT, OF_IT);
const CALLER = "source_workload, source_workload_namespace";
const CALLER_NAME = "{{source_workload}}.{{source_workload_namespace}}";

/** One half: as those who call it have it, or as it has been served. */
const seen = (selector: string, by: string, legend: string): Panel[] =>
  requests(selector, {
    ...{ by, legend, whom: "by who" },
    answer: ["response_code", "response_flags"],
  });

export const SERVICE: Dashboard = {
  uid: "heddle-service",
  title: "Heddle: service",
  description: "One service, as callers and as its own workloads count.",
  variables: [
    { name: "service", label: "Service", values: valuesOf("service", ["destination_service", ""]) },
  ],
  rows: [
    { title: "As callers have it", panels: seen(CLIENT, CALLER, CALLER_NAME) },
    {
      title: "As its workloads serve it",
      panels: seen(
        SERVER,
        "destination_workload, destination_version",
        "{{destination_workload}} {{destination_version}}",
      ),
    },
    {
      title: "Who calls, how, and how much",
      panels: [
        {
          ...{ kind: "graph", title: "Requests, by caller and encryption", unit: "reqps" },
          queries: [
            {
              expr: rate(REQUESTS, SERVER, `${CALLER}, connection_security_policy`),
              legend: `${CALLER_NAME} {{connection_security_policy}}`,
            },
          ],
        },
        ...sizes(SERVER),
      ],
    },
    { title: "Connections that are no HTTP", panels: tcp(SERVER, CALLER, CALLER_NAME) },
  ],
};
