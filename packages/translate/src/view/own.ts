/** What a proxy holds that others do not: its listeners, the routes these ask for, and what leads to its own workload. */
import { fixedClusters } from "../cluster/fixed.ts";
import { inboundCluster, inboundKeys } from "../cluster/inbound.ts";
import { attempt } from "../engine/attempt.ts";
import { TRUST_BUNDLE_SECRET, WORKLOAD_SECRET } from "../names.ts";
import type { ProxyDescription } from "../proxy.ts";
import type { ClientView, ModelReader } from "../read.ts";
import { trafficResources } from "../traffic-resources.ts";
import type { Emit, Part } from "./resource-set.ts";

export function ownParts(
  read: ModelReader,
  proxy: ProxyDescription,
  view: ClientView,
): readonly Part[] {
  return [
    (emit) => {
      for (const cluster of fixedClusters(proxy)) emit("cluster", cluster.name as string, cluster);
    },
    (emit) => {
      for (const key of inboundKeys(proxy, trafficResources.inboundPorts(read, proxy))) {
        const cluster = attempt(() => read.get(inboundCluster, key));
        if (cluster !== undefined) emit("cluster", cluster.name as string, cluster);
      }
    },
    ...trafficResources.listenerGroups(read, proxy, view).map((group) => (emit: Emit) => {
      for (const listener of group()) emit("listener", listener.name ?? "", listener);
    }),
    (emit) => {
      for (const name of trafficResources.routeNames(read, proxy, view)) {
        const route = attempt(() => trafficResources.routeConfiguration(read, proxy, view, name));
        if (route !== undefined) emit("route", name, route);
      }
    },
    (emit) => {
      const listeners = trafficResources.listenerSecrets(read, proxy);
      // Clusters of the mesh present the workload's certificate whatever the listeners do.
      for (const name of new Set([WORKLOAD_SECRET, TRUST_BUNDLE_SECRET, ...listeners])) {
        emit("secret", name, undefined);
      }
    },
  ];
}

/**
 * What a client asked for by a name that is not among its own: gRPC clients name listeners after the services that they
 * call, and routes after those.
 */
export function askedPart(
  read: ModelReader,
  proxy: ProxyDescription,
  view: ClientView,
  type: "listener" | "route",
  name: string,
): Part {
  return (emit: Emit) => {
    const value =
      type === "listener"
        ? trafficResources.apiListener(read, view, name)
        : trafficResources.routeConfiguration(read, proxy, view, name);
    if (value !== undefined) emit(type, name, value);
  };
}
