/** The clusters by which clients reach one service. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import {
  backendTlsOf,
  backendTlsPolicyFor,
  type DestinationRule,
  type MeshObject,
  type ServiceModel,
  type Subset,
} from "@heddle/model";
import { type ClientPlace, placeText } from "../endpoint/locality-group.ts";
import { outboundCluster as clusterName } from "../names.ts";
import type { Reach } from "../proxy.ts";
import { derivation, type ModelReader } from "../read.ts";
import { discoveryOf } from "./discovery.ts";
import type { ClusterContext } from "./feature.ts";
import { CLUSTER_FEATURES } from "./features.ts";
import { placedPolicy, policyFor } from "./policy.ts";

/** One cluster, for every client that sees the same rule. */
export interface ClusterKey {
  readonly host: string;
  readonly port: number;
  /** Empty for the whole service. */
  readonly subset: string;
  /** From `read.clusterScope`. */
  readonly scope: string;
  readonly reach: Reach;
  /** What the rule for the host asks of the client, if its endpoints depend on that; see `askedBy`. */
  readonly client?: ClientPlace;
}

export function clusterKeyText(key: ClusterKey): string {
  const { host, port, subset, scope, reach, client = ANYWHERE } = key;
  return `${host}|${port}|${subset}|${scope}|${reach}|${placeText(client)}`;
}

const ANYWHERE: ClientPlace = { locality: undefined, labels: {} };

/** Undefined if there is no such service, port or subset. */
export const outboundCluster = derivation<ClusterKey, Cluster | undefined>(
  "cluster/outbound",
  clusterKeyText,
  (read, key) => {
    const context = contextOf(read, key);
    if (context === undefined) return undefined;
    let cluster: Cluster = { name: clusterName(key.host, key.port, key.subset) };
    for (const feature of CLUSTER_FEATURES) cluster = feature.apply(cluster, context);
    return cluster;
  },
);

/** Everything that a cluster is made from; reads the service and the rule that decides for it. */
export function contextOf(
  read: ModelReader,
  { host, port: number, subset: name, scope, reach, client = ANYWHERE }: ClusterKey,
): ClusterContext | undefined {
  const service = read.service(host, scope);
  const port = service?.ports.find((each) => each.port === number);
  const rule = read.destinationRule(host, scope);
  const subset = rule?.spec.subsets?.find((each) => each.name === name);
  if (service === undefined || port === undefined) return undefined;
  if (name !== "" && subset === undefined) return undefined;
  const policy = placedPolicy(policyFor(rule?.spec, subset, number), service);
  const backendPolicy = backendTlsPolicyFor(read.gatewayApi, service, port.name);
  return {
    backendTls: backendPolicy && backendTlsOf(read.gatewayApi, backendPolicy),
    read,
    scope,
    service,
    port,
    subset,
    policy,
    selected: rule?.spec.workloadSelector !== undefined,
    reach,
    discovery: discoveryOf(service, port, policy, reach),
    client,
  };
}

/** The whole service first, then each subset: names of what clients can be routed to. */
export function subsetsOf(rule: MeshObject<DestinationRule> | undefined): readonly string[] {
  const names = (rule?.spec.subsets ?? []).map((subset: Subset) => subset.name);
  return ["", ...new Set(names)];
}

/** UDP does not pass through the mesh. */
export function clusteredPorts(service: ServiceModel): readonly number[] {
  return service.ports.filter(({ protocol }) => protocol !== "UDP").map(({ port }) => port);
}
