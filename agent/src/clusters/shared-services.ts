/** Services as clusters tell each other of them: from the model into items of the protocol, and back. */
import {
  canonicalOf,
  type MeshObject,
  parseObject,
  type Service,
  toDocument,
  type WorkloadEndpoint,
} from "@heddle/model";
import {
  MAX_ITEM_CHARACTERS,
  type SharedEndpoint,
  type SharedItem,
  type SharedService,
} from "@heddle/sync";

/** Istio keeps these to their cluster unless told otherwise: each has its own, under the same names. */
const OWN_NAMESPACE = "kube-system";
const OWN_SERVICES: ReadonlySet<string> = new Set(["default/kubernetes"]);
/** An address of another cluster leads nowhere, and its pods are picked there. */
const OF_ITS_CLUSTER = [
  ...[
    "clusterIP",
    "clusterIPs",
    "selector",
    "externalIPs",
    "loadBalancerIP",
    "healthCheckNodePort",
  ],
  ...["externalName", "loadBalancerSourceRanges", "loadBalancerClass", "status"],
];
/** What asks for an address of the mesh in the place of the cluster's. */
const AUTO_ADDRESS = "networking.istio.io/enable-autoallocate-ip";
/** A way into a network is told as one, by its addresses. */
const NETWORK = "topology.istio.io/network";
const EXPORT_TO = "networking.istio.io/exportTo";
/** Room in an item for what is not endpoints. */
const ENVELOPE_CHARACTERS = 2 * 1024;

/** Whether other clusters may have it: what nobody sees is nobody's, and what every cluster has for itself stays there. */
export function isForOthers(namespace: string, name: string, exportTo: readonly string[]): boolean {
  if (namespace === OWN_NAMESPACE || OWN_SERVICES.has(`${namespace}/${name}`)) return false;
  return !exportTo.includes("~");
}

/** The Service as a cluster without one of its name is to have it. */
export function documentOf(service: MeshObject<Service>): Record<string, unknown> {
  const { annotations, namespace, name } = service.metadata;
  const { [NETWORK]: _, ...labels } = service.metadata.labels;
  const isHeadless = service.spec.clusterIP === "None";
  const { spec } = toDocument(service) as { spec?: Record<string, unknown> };
  const kept = Object.entries(spec ?? {}).filter(([field]) => !OF_ITS_CLUSTER.includes(field));
  const exported = Object.entries(annotations).filter(
    ([each]) => each === EXPORT_TO || each.startsWith("service.kubernetes.io/"),
  );
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      ...{ name, namespace, annotations: Object.fromEntries(exported) },
      labels: { ...labels, ...(isHeadless ? {} : { [AUTO_ADDRESS]: "true" }) },
    },
    spec: { ...Object.fromEntries(kept), ...(isHeadless ? { clusterIP: "None" } : {}) },
  };
}

/** Undefined for what cannot be read here: its cluster may know more of Services. */
export function serviceIn(document: Record<string, unknown>): MeshObject<Service> | undefined {
  const { object } = parseObject(document);
  if (object?.kind !== "Service" || object.apiVersion !== "v1") return undefined;
  return object as MeshObject<Service>;
}

/** One item, or as many as its endpoints fill; the first has the document. */
export function itemsOf(
  host: string,
  namespace: string,
  document: Record<string, unknown> | undefined,
  endpoints: readonly WorkloadEndpoint[],
): SharedService[] {
  const fitting =
    document && JSON.stringify(document).length < MAX_ITEM_CHARACTERS / 2 ? { document } : {};
  const items: SharedService[] = [];
  let room = MAX_ITEM_CHARACTERS - ENVELOPE_CHARACTERS - JSON.stringify(fitting).length;
  let part: SharedEndpoint[] = [];
  const close = () => {
    const own = items.length === 0 ? fitting : {};
    const key = `service|${namespace}|${host}|${items.length}`;
    items.push({ kind: "service", key, host, namespace, ...own, endpoints: part });
    room = MAX_ITEM_CHARACTERS - ENVELOPE_CHARACTERS;
    part = [];
  };
  for (const endpoint of endpoints) {
    if (endpoint.address === "") continue;
    const shared = sharedEndpoint(endpoint);
    const size = JSON.stringify(shared).length + 1;
    // Labels that are longer than all else together: what is reached is more than what is told of it.
    if (size > MAX_ITEM_CHARACTERS - ENVELOPE_CHARACTERS) continue;
    if (size > room) close();
    part.push(shared);
    room -= size;
  }
  if (part.length > 0 || document !== undefined) close();
  return items;
}

function sharedEndpoint(endpoint: WorkloadEndpoint): SharedEndpoint {
  const { address, port, portName, ready, labels, pod, workload, serviceAccount } = endpoint;
  const { hostname, locality, network, nodeName, mtls, weight } = endpoint;
  return {
    ...{ address, port, portName, ready, labels, pod, workload, serviceAccount, mtls, weight },
    ...(hostname === undefined ? {} : { hostname }),
    ...(locality === undefined ? {} : { locality }),
    ...(network === undefined ? {} : { network }),
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}

/** The endpoints of an item as the model has endpoints; `clusterId` is the cluster that it came from. */
export function endpointsIn(
  { namespace, endpoints }: Extract<SharedItem, { kind: "service" }>,
  clusterId: string,
): WorkloadEndpoint[] {
  return endpoints.map(({ hostname, locality, network, nodeName, ...endpoint }) => ({
    ...endpoint,
    namespace,
    clusterId,
    ...canonicalOf(endpoint.labels, endpoint.workload),
    locality,
    ...(hostname === undefined ? {} : { hostname }),
    ...(network === undefined ? {} : { network }),
    ...(nodeName === undefined ? {} : { nodeName }),
  }));
}
