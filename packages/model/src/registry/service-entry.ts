/** A ServiceEntry as the mesh's registry holds it: one service for each host, and the endpoints that it lists. */
import { objectKey } from "../object.ts";
import type { MeshObject } from "../object.ts";
import type { ServiceEntry, ServiceEntryPort } from "../kinds/service-entry.ts";
import type { WorkloadEntry } from "../kinds/workload-entry.ts";
import { nearnessOf } from "./nearness.ts";
import { entryProtocol } from "./protocol.ts";
import type { ServiceModel, WorkloadEndpoint } from "./types.ts";
import type { WorkloadOptions } from "./workload.ts";
import { workloadOfEntry } from "./workload-entry.ts";

/** One service for each host of an entry, in the order in which they are written. */
export function servicesOfEntry(entry: MeshObject<ServiceEntry>): readonly ServiceModel[] {
  const { metadata, spec } = entry;
  const { namespace, labels, annotations } = metadata;
  const nearest = nearnessOf(undefined, annotations);
  const addresses = (spec.addresses ?? []).map(withoutFullMask);
  const key = objectKey(entry);
  return [...new Set(spec.hosts.map((host) => host.toLowerCase()))].map((host): ServiceModel => ({
    host,
    name: host,
    namespace,
    clusterIPs: addresses.filter((address) => !address.includes("/")),
    subnets: addresses.filter((address) => address.includes("/")),
    origin: "ServiceEntry",
    resolution: resolutionOf(spec),
    external: spec.location !== "MESH_INTERNAL",
    headless: false,
    ports: (spec.ports ?? []).map((port) => ({
      name: port.name,
      port: port.number,
      targetPort: port.targetPort ?? port.number,
      protocol: entryProtocol(port) ?? "AUTO",
    })),
    labels,
    selector: spec.workloadSelector?.labels ?? {},
    key,
    subjectAltNames: spec.subjectAltNames ?? [],
    ...(nearest === undefined ? {} : { nearest }),
    exportTo: spec.exportTo ?? [],
  }));
}

/** Where the entry's own endpoints serve one of its ports; none for an entry that picks workloads. */
export function endpointsOfEntry(
  { metadata, spec }: MeshObject<ServiceEntry>,
  port: ServiceEntryPort,
  options: WorkloadOptions = {},
): WorkloadEndpoint[] {
  return (spec.endpoints ?? []).flatMap((endpoint) => {
    // An endpoint without an address stands behind the gateway of its network.
    if (!endpoint.address && !endpoint.network) return [];
    const { name, namespace } = metadata;
    const workload = workloadOfEntry(
      { name, namespace, labels: endpoint.labels ?? {} },
      endpoint,
      options,
    );
    const { ports = {} } = endpoint;
    const number = Object.hasOwn(ports, port.name) ? ports[port.name] : undefined;
    return [{ ...workload, portName: port.name, port: number ?? port.targetPort ?? port.number }];
  });
}

/**
 * Whether its hosts are resolved for want of endpoints. Where connections cannot be followed to where they were going, that
 * also goes for an entry that resolves nothing.
 */
export function resolvesItsHosts(entry: ServiceEntry): boolean {
  const { endpoints = [], workloadSelector, resolution = "NONE" } = entry;
  if (resolution === "NONE") return true;
  return (
    (resolution === "DNS" || resolution === "DNS_ROUND_ROBIN") &&
    endpoints.length === 0 &&
    workloadSelector === undefined
  );
}

/** Where a workload that an entry picks serves one of its ports: its own number for the port's name, else the entry's. */
export function portOnWorkload(
  ports: WorkloadEntry["ports"],
  port: { readonly name: string; readonly targetPort: number | string },
): number | undefined {
  if (ports !== undefined && Object.hasOwn(ports, port.name)) return ports[port.name];
  if (typeof port.targetPort === "number") return port.targetPort;
  return ports !== undefined && Object.hasOwn(ports, port.targetPort)
    ? ports[port.targetPort]
    : undefined;
}

function resolutionOf({ resolution = "NONE" }: ServiceEntry): ServiceModel["resolution"] {
  return resolution === "STATIC" ? "ENDPOINTS" : resolution;
}

/** `10.0.0.1/32` is one address. */
function withoutFullMask(address: string): string {
  const [ip = "", bits] = address.split("/");
  return bits === (ip.includes(":") ? "128" : "32") ? ip : address;
}
