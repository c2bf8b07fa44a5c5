/** One workload, such as a Deployment: what comes in, and what it asks of others. */
import type { Dashboard, Panel } from "./dashboard.ts";
import { requests, sizes, tcp } from "./panels.ts";
import { and, AT_CLIENT, AT_SERVER, valuesOf } from "./promql.ts";

const side = (which: "source" | "destination") =>
  `${which}_workload_namespace=~"$namespace",${which}_workload=~"$workload"`;
const IN = and(AT_SERVER, side("destination"));
const OUT = and(AT_CLIENT, side("source"));
const CALLER = "source_workload, source_workload_namespace";
const CALLER_NAME = "{{source_workload}}.{{source_workload_namespace}}";
const CALLED = "destination_service";
const CALLED_NAME = "{{destination_service}}";

const way = (selector: string, by: string, legend: string): Panel[] => [
  ...requests(selector, { by, legend, whom: "with whom", answer: ["response_code"] }),
  ...sizes(selector),
];

export const WORKLOAD: Dashboard = {
  uid: "heddle-workload",
  title: "Heddle: workload",
  description: "One workload, as the proxies of its own pods count.",
  variables: [
    {
      ...{ name: "namespace", label: "Namespace" },
      values: valuesOf(
        "namespace",
        ["destination_workload_namespace", AT_SERVER],
        ["source_workload_namespace", AT_CLIENT],
      ),
    },
    {
      ...{ name: "workload", label: "Workload" },
      values: valuesOf(
        "workload",
        ["destination_workload", and(AT_SERVER, 'destination_workload_namespace=~"$namespace"')],
        ["source_workload", and(AT_CLIENT, 'source_workload_namespace=~"$namespace"')],
      ),
    },
  ],
  rows: [
    { title: "Coming in", panels: way(IN, CALLER, CALLER_NAME) },
    { title: "Going out", panels: way(OUT, CALLED, CALLED_NAME) },
    { title: "Coming in, no HTTP", panels: tcp(IN, CALLER, CALLER_NAME) },
    { title: "Going out, no HTTP", panels: tcp(OUT, CALLED, CALLED_NAME) },
  ],
};
