/** What a proxy holds that others do not: its listeners, the routes these ask for, and what leads to its own workload. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import { defaultEndpointClusters } from "../cluster/default-endpoint.ts";
import { fixedClusters } from "../cluster/fixed.ts";
import { passedThroughClusters } from "../cluster/passed-through.ts";
import { inboundCluster, inboundKeys } from "../cluster/inbound.ts";
import { datagramClusters } from "../listener/datagrams.ts";
import { grantedSecrets } from "../listener/gateway.ts";
import { backendCertificate } from "../form/gateway-api/client-certificate.ts";
import { authorizationOf, guardKeys } from "../filter/guards.ts";
import { tokenCheckOf } from "../authentication/token-check.ts";
import { JWT_FILTER } from "../filter/names.ts";
import { attempt } from "../engine/attempt.ts";
import { TRUST_BUNDLE_SECRET, WORKLOAD_SECRET } from "../names.ts";
import { type Patcher, patcherOf } from "../patch/patcher.ts";
import type { ProxyDescription } from "../proxy.ts";
import type { ClientView, ModelReader } from "../read.ts";
import { trafficResources } from "../traffic-resources.ts";
import { wasmExtension } from "../wasm/extension.ts";
import { pluginsOf, withPlugins } from "../wasm/plugins.ts";
import { emitAsked } from "./outbound.ts";
import type { Emit, Part } from "./resource-set.ts";

/** Stands for a secret that the proxy may have though it is of another namespace; others have nothing but their name. */
export const GRANTED_SECRET = "granted";

export function ownParts(
  read: ModelReader,
  proxy: ProxyDescription,
  view: ClientView,
): readonly Part[] {
  const groups = trafficResources.listenerGroups(read, proxy, view);
  return [
    (emit) => {
      const patcher = patcherOf(read, proxy);
      const fixed = fixedClusters(proxy);
      emitClusters(emit, patcher, fixed);
      const names = new Set(fixed.map(({ name = "" }) => name));
      emitAdded(emit, "cluster", patcher?.added("CLUSTER"), names);
    },
    (emit) => {
      const keys = inboundKeys(proxy, trafficResources.inboundPorts(read, proxy));
      const clusters = keys.map((key) => attempt(() => read.get(inboundCluster, key)));
      emitClusters(emit, patcherOf(read, proxy), clusters);
    },
    (emit) => {
      if (proxy.type !== "router") return;
      const patcher = patcherOf(read, proxy);
      emitClusters(emit, patcher, defaultEndpointClusters(read, proxy));
      emitClusters(emit, patcher, passedThroughClusters(read, proxy, view));
      for (const { cluster, assignment } of datagramClusters(read, proxy)) {
        emitClusters(emit, patcher, [cluster]);
        emit("endpoint", assignment.clusterName as string, assignment);
      }
    },
    (emit) => {
      const { servers } = authorizationOf(read, guardKeys(read, proxy));
      emitAsked(emit, read, view, servers);
    },
    ...groups.map((group) => (emit: Emit) => {
      const patcher = patcherOf(read, proxy);
      const plugins = pluginsOf(read, proxy);
      for (const made of group()) {
        const listener = withPlugins(plugins, made, proxy.type);
        const patched = patcher ? patcher.listener(listener) : listener;
        if (patched !== undefined) emit("listener", listener.name ?? "", patched);
      }
    }),
    (emit) => {
      for (const { key, name } of pluginsOf(read, proxy)?.plugins ?? []) {
        const config = attempt(() => read.get(wasmExtension, key));
        if (config !== undefined) emit("extension", name, config);
      }
    },
    (emit) => {
      const config = tokenCheckOf(read, proxy);
      if (config !== undefined) emit("extension", JWT_FILTER, config);
    },
    (emit) => {
      const patcher = patcherOf(read, proxy);
      for (const config of patcher?.added("EXTENSION_CONFIG") ?? [])
        emit("extension", config.name ?? "", config);
      const added = patcher?.added("LISTENER") ?? [];
      if (added.length === 0) return;
      const own = groups.flatMap((group) => group()).map(({ name = "" }) => name);
      emitAdded(emit, "listener", added, new Set(own));
    },
    (emit) => {
      const patcher = patcherOf(read, proxy);
      for (const name of trafficResources.routeNames(read, proxy, view)) {
        const route = attempt(() => trafficResources.routeConfiguration(read, proxy, view, name));
        const patched = route && patcher ? patcher.route(route) : route;
        if (patched !== undefined) emit("route", name, patched);
      }
    },
    (emit) => {
      const listeners = trafficResources.listenerSecrets(read, proxy);
      // Clusters of the mesh present the workload's certificate whatever the listeners do.
      const patched = patcherOf(read, proxy)?.secrets(proxy.namespace) ?? [];
      const granted = grantedSecrets(read, proxy);
      const presented = backendCertificate(read, proxy);
      for (const name of new Set([
        WORKLOAD_SECRET,
        TRUST_BUNDLE_SECRET,
        ...listeners,
        ...patched,
        ...(presented === undefined ? [] : [presented]),
      ])) {
        const allowed = granted.has(name) || name === presented;
        emit("secret", name, allowed ? GRANTED_SECRET : undefined);
      }
    },
  ];
}

/** What patches bring, but for names that the proxy has already: a name stands for one thing. */
function emitAdded(
  emit: Emit,
  type: "cluster" | "listener",
  added: readonly { readonly name?: string }[] = [],
  taken: ReadonlySet<string>,
): void {
  const own = new Map(added.map((each) => [each.name ?? "", each]));
  for (const [name, value] of own) {
    if (name !== "" && !taken.has(name) && !name.startsWith("inbound|")) emit(type, name, value);
  }
}

function emitClusters(
  emit: Emit,
  patcher: Patcher | undefined,
  clusters: readonly (Cluster | undefined)[],
): void {
  for (const cluster of clusters) {
    const patched = cluster && patcher ? patcher.cluster(cluster) : cluster;
    if (patched !== undefined) emit("cluster", patched.name as string, patched);
  }
}

/**
 * What a client asked for by a name that is not among its own: gRPC clients name listeners after the services that they
 * call, and routes after those; sidecars ask for virtual hosts on demand.
 */
export function askedPart(
  read: ModelReader,
  proxy: ProxyDescription,
  view: ClientView,
  type: AskedType,
  name: string,
): Part {
  const valueOf = {
    listener: () => trafficResources.apiListener(read, view, name),
    route: () => trafficResources.routeConfiguration(read, proxy, view, name),
    virtualHost: () => trafficResources.askedVirtualHost(read, view, name),
  }[type];
  return (emit: Emit) => {
    const value = valueOf();
    if (value !== undefined) emit(type, name, value);
  };
}

/** What clients ask for by names that are not among their own. */
export type AskedType = "listener" | "route" | "virtualHost";
