/** What the add-on's Prometheus asks for numbers, as its own configuration has it. */
import { METRICS_PORT } from "../install/ports.ts";

/** How often, and the step that rates in dashboards reckon with. */
export const SCRAPE_INTERVAL = "15s";
const NAME_LABEL = "app.kubernetes.io/name";
const AGENT = "heddle-agent";
/** By which Deployment and Service know the agent's pods too. */
export const AGENT_PODS = { [NAME_LABEL]: AGENT } as const;

const META = "__meta_kubernetes_pod";
const ANNOTATION = `${META}_annotation_prometheus_io`;

export function scrapeConfig(): object {
  return { global: { scrape_interval: SCRAPE_INTERVAL }, scrape_configs: [agents(), annotated()] };
}

/**
 * The agents tell what all proxies count, under Istio's names. So no proxy is asked twice, none has to let the Prometheus in, and bytes of
 * connections that are still open are in the numbers.
 */
function agents(): object {
  return {
    job_name: "heddle-agents",
    // A series says itself which pod's proxy has counted it.
    honor_labels: true,
    kubernetes_sd_configs: [
      { role: "pod", selectors: [{ role: "pod", label: `${NAME_LABEL}=${AGENT}` }] },
    ],
    relabel_configs: [
      running,
      // An agent has several ports, of which each is found by itself.
      {
        source_labels: [`${META}_container_port_number`],
        regex: String(METRICS_PORT),
        action: "keep",
      },
      ...whose,
    ],
  };
}

/** Everybody else who says by the usual annotations where he is scraped. */
function annotated(): object {
  return {
    job_name: "annotated-pods",
    kubernetes_sd_configs: [{ role: "pod" }],
    relabel_configs: [
      running,
      {
        source_labels: [`${META}_label_app_kubernetes_io_name`],
        regex: AGENT,
        action: "drop",
      },
      { source_labels: [`${ANNOTATION}_scrape`], regex: "true", action: "keep" },
      {
        source_labels: [`${ANNOTATION}_scheme`],
        regex: "(https?)",
        target_label: "__scheme__",
      },
      { source_labels: [`${ANNOTATION}_path`], regex: "(.+)", target_label: "__metrics_path__" },
      // An address of IPv6 stands in brackets before its port.
      {
        source_labels: [`${ANNOTATION}_port`, `${META}_ip`],
        regex: String.raw`(\d+);((?:\d+\.){3}\d+)`,
        replacement: "$2:$1",
        target_label: "__address__",
      },
      {
        source_labels: [`${ANNOTATION}_port`, `${META}_ip`],
        regex: String.raw`(\d+);(.*:.*)`,
        replacement: "[$2]:$1",
        target_label: "__address__",
      },
      ...whose,
    ],
  };
}

const running = {
  source_labels: [`${META}_phase`],
  regex: "Pending|Succeeded|Failed",
  action: "drop",
};
const whose = [
  { source_labels: ["__meta_kubernetes_namespace"], target_label: "namespace" },
  { source_labels: [`${META}_name`], target_label: "pod" },
];
