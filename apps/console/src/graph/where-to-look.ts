/** From a node of the graph to the service behind it, so that traces, logs and configuration can be asked for. */
import type { ServiceSummary } from "@heddle/client";
import type { DrawnNode } from "./fold.ts";

/** The service that a node is, or that its workload belongs to. */
export function serviceOfNode(
  node: DrawnNode,
  services: readonly ServiceSummary[],
): ServiceSummary | undefined {
  const local = services.filter((service) => service.namespace === node.namespace);
  return (
    local.find((service) => service.name === node.label || service.host === node.label) ??
    local.find((service) => service.workloads.some((workload) => workload.name === node.label)) ??
    local.find((service) => node.app !== "" && service.name === node.app) ??
    services.find((service) => service.host === node.label)
  );
}
