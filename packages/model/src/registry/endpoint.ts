/** Endpoints of a service, read from its EndpointSlices and the pods behind them. */
import type { MeshObject } from "../object.ts";
import type { EndpointSlice, Pod, SliceEndpoint } from "../kinds/kubernetes.ts";
import type { WorkloadEndpoint } from "./types.ts";
import { localityOf, workloadOfPod } from "./workload.ts";
import type { WorkloadOptions } from "./workload.ts";

/** Where an endpoint's pod is found: by the name that the slice gives, else by its address. */
export interface PodLookup {
  byName(namespace: string, name: string): MeshObject<Pod> | undefined;
  byAddress(address: string): MeshObject<Pod> | undefined;
}

/** Name of the Service that a slice belongs to; undefined for one that belongs to none. */
export function serviceNameOf(slice: MeshObject<EndpointSlice>): string | undefined {
  return slice.metadata.labels["kubernetes.io/service-name"];
}

/**
 * One endpoint for each address and port of a slice, ready or not, in the slice's order. Slices of DNS names give none,
 * and neither does a port without a number.
 */
export function endpointsOf(
  slice: MeshObject<EndpointSlice>,
  pods: PodLookup,
  options: WorkloadOptions = {},
): WorkloadEndpoint[] {
  const { addressType, endpoints = [], ports = [] } = slice.spec;
  if (addressType === "FQDN") return [];
  return endpoints.flatMap((endpoint) =>
    endpoint.addresses.flatMap((address) => {
      const workload = workloadAt(address, endpoint, slice.metadata.namespace, pods, options);
      return ports.flatMap(({ name = "", port }) =>
        port === undefined ? [] : [{ ...workload, port, portName: name }],
      );
    }),
  );
}

function workloadAt(
  address: string,
  endpoint: SliceEndpoint,
  namespace: string,
  pods: PodLookup,
  options: WorkloadOptions,
): WorkloadEndpoint {
  const { targetRef, conditions, zone, hostname, nodeName } = endpoint;
  const named = {
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName ? { nodeName } : {}),
  };
  const pod =
    (targetRef?.kind === "Pod" && targetRef.name !== undefined
      ? pods.byName(targetRef.namespace ?? namespace, targetRef.name)
      : undefined) ?? pods.byAddress(address);
  const ready = conditions?.ready ?? true;
  if (!pod)
    return {
      ...stranger(namespace, options),
      ...named,
      address,
      ready,
      locality: localityOf({}, zone),
    };
  return {
    ...workloadOfPod(pod, options),
    ...named,
    address,
    ready,
    locality: localityOf(pod.metadata.labels, zone),
  };
}

/** An address that no pod is known for: Istio calls it "unknown", which is what empty names become in telemetry. */
function stranger(namespace: string, options: WorkloadOptions): Omit<WorkloadEndpoint, "address"> {
  return {
    port: 0,
    portName: "",
    ready: true,
    labels: {},
    namespace,
    pod: "",
    workload: "",
    app: "",
    version: "",
    serviceAccount: "",
    canonicalService: "",
    canonicalRevision: "",
    clusterId: options.clusterId ?? "",
    ...(options.network ? { network: options.network } : {}),
    locality: undefined,
    mtls: false,
    weight: 1,
  };
}
