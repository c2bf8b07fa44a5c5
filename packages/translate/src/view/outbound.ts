/** Clusters and endpoints of a client: of every service that it sees. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { ClusterLoadAssignment } from "@heddle/envoy/config/endpoint/v3";
import { backendTlsPolicyFor } from "@heddle/model";
import { secretsOf } from "../cluster/originated-tls.ts";
import {
  type ClusterKey,
  clusteredPorts,
  contextOf,
  outboundCluster,
  subsetsOf,
} from "../cluster/outbound.ts";
import { resolvesNames } from "../cluster/discovery.ts";
import { fallbackClusters } from "../cluster/fallback.ts";
import { placedPolicy, policyFor } from "../cluster/policy.ts";
import { horizonOf, hostsWithin } from "../form/horizon.ts";
import { attempt } from "../engine/attempt.ts";
import { loadAssignment } from "../endpoint/load-assignment.ts";
import { askedBy, type PlaceAsked } from "../endpoint/locality.ts";
import { type ClientPlace, placeText } from "../endpoint/locality-group.ts";
import { labelsAskedBy, NETWORK_LABEL } from "../endpoint/topology.ts";
import { type Patcher, patcherFor } from "../patch/patcher.ts";
import type { Families } from "../families.ts";
import type { Locality, Reach } from "../proxy.ts";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import { prepareRoutes } from "../route/sidecar-routes.ts";
import { ANY_NAMESPACE } from "../store/by-namespace.ts";
import { HOST_PARTS } from "../store/services.ts";
import type { Emit, Part } from "./resource-set.ts";

/** What of a client decides over clusters and endpoints besides its namespace. */
interface Place {
  readonly reach: Reach;
  readonly locality: Locality | undefined;
  readonly families?: Families;
  readonly certificate?: string;
}

interface HostKey {
  readonly host: string;
  /** From `clusterScope`. */
  readonly scope: string;
  readonly reach: Reach;
  /** As far as the host's rule asks. */
  readonly client: ClientPlace;
}

/** Everything by which one service is reached. */
interface OutboundHost {
  readonly clusters: readonly Cluster[];
  readonly endpoints: readonly ClusterLoadAssignment[];
  readonly secrets: readonly string[];
}

/** One of the parts that all hosts are divided into. */
interface OutboundPart {
  /** Of the hosts that namespaces see which nobody has singled out. */
  readonly generic: readonly OutboundHost[];
  /** Hosts that are not the same for every namespace, or for all clients in a place; they are not in `generic`. */
  readonly scoped: readonly string[];
}

/** Two parts of a view for each part of the hosts: what leads there, and what its routes will be made of. */
export function outboundParts(read: ModelReader, view: ClientView): readonly Part[] {
  const place = placeOf(view);
  const clusters = Array.from({ length: HOST_PARTS }, (_, part) => (emit: Emit) => {
    if (horizonOf(read, view).sidecar !== undefined) return;
    const { generic, scoped } = read.get(outboundPart, { part, ...place });
    const patcher = patcherFor(read, view.patches ?? "", view.type);
    for (const host of generic) emitHost(emit, host, patcher);
    for (const host of scoped) {
      if (!read.visible(host, view.namespace)) continue;
      const found = attempt(() => read.get(outboundHost, hostKeyOf(read, host, view, place)));
      if (found !== undefined) emitHost(emit, found, patcher);
    }
  });
  // A Sidecar lists what its workloads reach: mostly few hosts, gone through at once.
  const listed = (emit: Emit) => {
    const horizon = horizonOf(read, view);
    if (horizon.sidecar === undefined) return;
    const patcher = patcherFor(read, view.patches ?? "", view.type);
    for (const host of hostsWithin(read, horizon)) {
      const found = attempt(() => read.get(outboundHost, hostKeyOf(read, host, view, place)));
      if (found !== undefined) emitHost(emit, found, patcher);
    }
  };
  // Routes hold all hosts in one resource: derived at once they would be one long turn.
  const routes = Array.from(
    { length: HOST_PARTS },
    (_, part) => () => prepareRoutes(read, view, part),
  );
  return [...clusters, listed, ...routes];
}

/** Hosts that a client asks besides those that it sees by its Sidecar, as filters of its listeners do. */
export function emitAsked(
  emit: Emit,
  read: ModelReader,
  view: ClientView,
  hosts: readonly string[],
): void {
  if (hosts.length === 0 || horizonOf(read, view).sidecar === undefined) return;
  const patcher = patcherFor(read, view.patches ?? "", view.type);
  for (const host of new Set(hosts)) {
    const found = attempt(() => read.get(outboundHost, hostKeyOf(read, host, view, placeOf(view))));
    if (found !== undefined) emitHost(emit, found, patcher);
  }
}

function placeOf({ reach = "intercepted", locality, families, certificate }: ClientView): Place {
  return {
    ...{ reach, locality },
    ...(families === undefined ? {} : { families }),
    ...(certificate === undefined ? {} : { certificate }),
  };
}

function emitHost(
  emit: Emit,
  { clusters, endpoints, secrets }: OutboundHost,
  patcher: Patcher | undefined,
): void {
  const removed = new Set<string>();
  for (const cluster of clusters) {
    const name = cluster.name as string;
    const patched = patcher ? patcher.cluster(cluster) : cluster;
    if (patched === undefined) removed.add(name);
    else emit("cluster", name, patched);
  }
  for (const assignment of endpoints) {
    const name = assignment.clusterName as string;
    if (!removed.has(name)) emit("endpoint", name, assignment);
  }
  for (const name of secrets) emit("secret", name, undefined);
}

interface PartKey extends Place {
  readonly part: number;
}

/** Shared by all views of a place: what is the same for every namespace is gone through once, not once for each view. */
const outboundPart = derivation<PartKey, OutboundPart>(
  "view/outbound-part",
  ({ part, reach, ...place }) => `${part}|${reach}|${placeText({ ...place, labels: {} })}`,
  (read, { part, ...place }) => {
    const generic: OutboundHost[] = [];
    const scoped: string[] = [];
    for (const host of read.part(part)) {
      if (read.scoped(host)) scoped.push(host);
      else if (read.visible(host, ANY_NAMESPACE)) {
        if (read.get(placeAsked, { host, scope: ANY_NAMESPACE }).labels.length > 0) {
          scoped.push(host);
          continue;
        }
        const key = hostKey(read, host, ANY_NAMESPACE, { ...place, labels: {} });
        const found = attempt(() => read.get(outboundHost, key));
        if (found !== undefined) generic.push(found);
      }
    }
    return { generic, scoped };
  },
);

const outboundHost = derivation<HostKey, OutboundHost>(
  "view/outbound-host",
  ({ host, scope, reach, client }) => `${host}|${scope}|${reach}|${placeText(client)}`,
  (read, { host, scope, reach, client }) => {
    const service = read.service(host, scope);
    const clusters: Cluster[] = [];
    const endpoints: ClusterLoadAssignment[] = [];
    const secrets = new Set<string>();
    if (service === undefined) return { clusters, endpoints, secrets: [] };
    const subsets = subsetsOf(read.destinationRule(host, scope));
    for (const port of clusteredPorts(service)) {
      for (const subset of subsets) {
        const { certificate } = client;
        const shared: ClusterKey = {
          ...{ host, port, subset, scope, reach },
          ...(certificate === undefined
            ? {}
            : { client: { locality: undefined, labels: {}, certificate } }),
        };
        const placed: ClusterKey = { ...shared, client };
        // Only a cluster that resolves names itself holds its endpoints, and these may depend on the client.
        const key = resolvesNames(service) ? placed : shared;
        const cluster = attempt(() => read.get(outboundCluster, key));
        if (cluster === undefined) continue;
        clusters.push(cluster);
        if (reach !== "proxyless") {
          clusters.push(...fallbackClusters(read, service, { port, subset, scope }));
        }
        const assignment = attempt(() => read.get(loadAssignment, placed));
        if (assignment !== undefined) endpoints.push(assignment);
        const context = contextOf(read, key);
        if (context !== undefined) for (const name of secretsOf(context)) secrets.add(name);
      }
    }
    return { clusters, endpoints, secrets: [...secrets].toSorted() };
  },
);

function hostKeyOf(read: ModelReader, host: string, view: ClientView, place: Place): HostKey {
  return hostKey(read, host, read.clusterScope(host, view), { ...place, labels: view.labels });
}

/** Clients in different places, or with different labels, share a host whose rule does not ask for these. */
function hostKey(
  read: ModelReader,
  host: string,
  scope: string,
  { reach, locality, labels, families, certificate }: Place & ClientPlace,
): HostKey {
  const asked = read.get(placeAsked, { host, scope });
  const known = asked.labels.flatMap((name): [string, string][] => {
    const value = labels[name];
    return value === undefined ? [] : [[name, value]];
  });
  const client: ClientPlace = {
    locality: asked.locality ? locality : undefined,
    labels: Object.fromEntries(known),
    ...(families === undefined ? {} : { families }),
    ...(certificate !== undefined &&
    (reach === "proxyless" || read.get(speaksBackendTls, { host, scope }))
      ? { certificate }
      : {}),
  };
  return { host, scope, reach, client };
}

/** Whether the Gateway API asks for TLS to any port of a host. */
const speaksBackendTls = derivation<{ readonly host: string; readonly scope: string }, boolean>(
  "view/speaks-backend-tls",
  ({ host, scope }) => `${host}|${scope}`,
  (read, { host, scope }) => {
    const service = read.service(host, scope);
    if (service === undefined) return false;
    return service.ports.some(({ name }) => backendTlsPolicyFor(read.gatewayApi, service, name));
  },
);

/** What of a client any port or subset of a host asks for; labels sorted. */
const placeAsked = derivation<{ readonly host: string; readonly scope: string }, PlaceAsked>(
  "view/place-asked",
  ({ host, scope }) => `${host}|${scope}`,
  (read, { host, scope }) => {
    const rule = read.destinationRule(host, scope)?.spec;
    const service = read.service(host, scope);
    if (service === undefined) return { locality: false, labels: [] };
    const own = [...labelsAskedBy(service), ...(read.hasNetworks() ? [NETWORK_LABEL] : [])];
    if (rule === undefined && own.length === 0) return { locality: false, labels: [] };
    const asked = clusteredPorts(service).flatMap((port) =>
      [undefined, ...(rule?.subsets ?? [])].map((subset) =>
        askedBy(placedPolicy(policyFor(rule, subset, port), service)),
      ),
    );
    return {
      locality: asked.some(({ locality }) => locality),
      labels: [...new Set([...own, ...asked.flatMap(({ labels }) => labels)])].toSorted(),
    };
  },
);
