/** Whom a change touches: the services that it names, and who calls them now. */
import type { Graph, ServiceSummary } from "@heddle/client";
import { hostsNamed } from "./applies-to.ts";

export interface Touched {
  service: ServiceSummary;
  /** Names of callers, the busiest first, with requests per second. */
  callers: { name: string; rate: number }[];
  rate: number;
}

/** `graph` is the one by service or by workload; nodes are matched to services by app and namespace. */
export function touchedServices(
  changed: readonly { kind: string; namespace: string | undefined; spec: unknown }[],
  services: readonly ServiceSummary[],
  graph: Graph | undefined,
): Touched[] {
  const found = new Set<ServiceSummary>();
  for (const { kind, namespace = "default", spec } of changed) {
    for (const host of hostsNamed({ kind, spec })) {
      const service = services.find(
        (each) =>
          each.host === host ||
          (host === each.name && each.namespace === namespace) ||
          host === `${each.name}.${each.namespace}` ||
          host === `${each.name}.${each.namespace}.svc`,
      );
      if (service) found.add(service);
    }
  }
  const nodes = new Map(graph?.nodes.map((node) => [node.id, node]));
  return [...found]
    .map((service): Touched => {
      const rates = new Map<string, number>();
      for (const edge of graph?.edges ?? []) {
        const target = nodes.get(edge.target);
        if (
          !target ||
          target.namespace !== service.namespace ||
          (target.app || target.name) !== service.name
        )
          continue;
        const name = nodes.get(edge.source)?.name ?? edge.source;
        rates.set(name, (rates.get(name) ?? 0) + edge.golden.rate);
      }
      const callers = [...rates]
        .map(([name, rate]) => ({ name, rate }))
        .sort((one, other) => other.rate - one.rate);
      return { service, callers, rate: callers.reduce((sum, caller) => sum + caller.rate, 0) };
    })
    .sort(
      (one, other) => other.rate - one.rate || (one.service.host < other.service.host ? -1 : 1),
    );
}
