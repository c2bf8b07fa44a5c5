/** What one side of a connection says of itself to the other, and where in Envoy's metadata it is kept. */
import type { ServiceModel, WorkloadEndpoint } from "@heddle/model";
import type { ProxyDescription } from "../proxy.ts";
import type { ModelReader } from "../read.ts";
import { telemetryNames } from "./settings.ts";

/** A workload as metrics, logs and spans name it. Empty text means that nobody knows. */
export interface Peer {
  readonly workload: string;
  readonly namespace: string;
  readonly app: string;
  readonly version: string;
  readonly canonicalService: string;
  readonly canonicalRevision: string;
  readonly cluster: string;
  /** Of a proxy's own workload, from `telemetryNames`: what decides over its metrics, logs and spans. Nobody else is told. */
  readonly telemetry?: string;
}

/** The namespace of `filterMetadata` that holds all of it: on endpoints the peer, on clusters the service. */
export const METADATA_NAMESPACE = "heddle";

/** `metadata` of an endpoint in a load assignment: what a client's proxy knows of the destination before it connects. */
export function endpointMetadata(endpoint: WorkloadEndpoint): {
  filterMetadata: Record<string, Record<string, string>>;
} {
  return { filterMetadata: { [METADATA_NAMESPACE]: knownOf(peerOfEndpoint(endpoint)) } };
}

/** Without the fields that nobody knows: access logs then say `-` of them. */
export function knownOf(peer: Peer): Record<string, string> {
  return Object.fromEntries(
    Object.entries(peer).filter(
      (entry): entry is [string, string] => entry[1] !== "" && entry[0] !== "telemetry",
    ),
  );
}

/** `metadata` of a cluster, outbound or inbound: the service that requests through it are counted for. */
export function clusterMetadata(service: Pick<ServiceModel, "host" | "name" | "namespace">): {
  filterMetadata: Record<string, Record<string, string>>;
} {
  return {
    filterMetadata: {
      [METADATA_NAMESPACE]: {
        service: service.host,
        serviceName: service.name,
        serviceNamespace: service.namespace,
      },
    },
  };
}

/** `metadata` of a cluster that stands for no service: counted under the cluster's own name, as Istio does. */
export function strangerMetadata(cluster: string): {
  filterMetadata: Record<string, Record<string, string>>;
} {
  return { filterMetadata: { [METADATA_NAMESPACE]: { serviceName: cluster } } };
}

export function peerOfEndpoint(endpoint: WorkloadEndpoint): Peer {
  return {
    workload: endpoint.workload,
    namespace: endpoint.namespace,
    app: endpoint.app,
    version: endpoint.version,
    canonicalService: endpoint.canonicalService,
    canonicalRevision: endpoint.canonicalRevision,
    cluster: endpoint.clusterId,
  };
}

/** The workload behind a proxy: from its pod where the model knows it, else from what the proxy says of itself. */
export function peerOfProxy(read: ModelReader, proxy: ProxyDescription): Peer {
  const telemetry = telemetryNames(read, proxy);
  const peer = workloadOfPod(read, proxy);
  return telemetry === "" ? peer : { ...peer, telemetry };
}

/** What a pod's workload is known by. */
export type PodOfProxy = Pick<
  ProxyDescription,
  "pod" | "namespace" | "addresses" | "labels" | "clusterId"
>;

export function workloadOfPod(read: ModelReader, proxy: PodOfProxy): Peer {
  const [address] = proxy.addresses;
  const known = address === undefined ? undefined : read.workload(address);
  if (known && known.namespace === proxy.namespace) return peerOfEndpoint(known);
  const { labels } = proxy;
  const app = labels["app"] ?? labels["app.kubernetes.io/name"] ?? "";
  const version = labels["version"] ?? labels["app.kubernetes.io/version"] ?? "";
  const workload = ownerOf(proxy.pod);
  return {
    workload,
    namespace: proxy.namespace,
    app: labels["app"] ?? "",
    version: labels["version"] ?? "",
    canonicalService: labels["service.istio.io/canonical-name"] ?? (app || workload),
    canonicalRevision: labels["service.istio.io/canonical-revision"] ?? (version || "latest"),
    cluster: proxy.clusterId,
  };
}

/** A Deployment's pod is `<name>-<replica set hash>-<5 characters>`; other pods stand for themselves. */
function ownerOf(pod: string): string {
  return /^(.+)-[a-z0-9]{6,10}-[a-z0-9]{5}$/.exec(pod)?.[1] ?? pod;
}
