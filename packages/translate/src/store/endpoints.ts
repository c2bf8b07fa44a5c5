/** Where a service's ports are served, from all that says so: slices, pods, and entries of either kind. */
import {
  compareText,
  type EndpointSlice,
  endpointsOf,
  endpointsOfEntry,
  isWildcard,
  labelsMatch,
  type MeshObject,
  type Pod,
  type PodLookup,
  portOnWorkload,
  resolvesItsHosts,
  selects,
  type ServiceEntry,
  type ServiceModel,
  type WorkloadEndpoint,
  type WorkloadEntry,
  workloadOfEntryObject,
  workloadOfPod,
} from "@heddle/model";
import type { ElsewhereData } from "./elsewhere.ts";
import { hasEnded, type Pods } from "./pods.ts";
import type { Unit } from "./service-units.ts";
import type { WorkloadEntries } from "./workload-entries.ts";

export interface EndpointSources {
  readonly pods: Pods;
  readonly entries: WorkloadEntries;
  /** Slices of a Service, `namespace/name`, in the order of their names. */
  readonly slices: (service: string) => readonly MeshObject<EndpointSlice>[];
  /** Entries that are no endpoints now, `namespace/name`. */
  readonly unready: ReadonlySet<string>;
  /** `network` is that of workloads that say nothing of theirs. */
  readonly options: { readonly clusterId: string; readonly network?: string };
  readonly elsewhere: Pick<ElsewhereData, "endpointsOf">;
}

/** Of one port in all clusters, ready or not. What this cluster knows of an address itself counts. */
export function endpointsOfUnit(
  unit: Unit,
  port: number,
  sources: EndpointSources,
): readonly WorkloadEndpoint[] {
  const own = ownEndpointsOfUnit(unit, port, sources);
  const others = isShared(unit) ? sources.elsewhere.endpointsOf(unit.model) : [];
  if (others.length === 0) return own;
  const name = unit.model.ports.find((candidate) => candidate.port === port)?.name;
  const found = new Map(own.map((endpoint) => [placeOf(endpoint), endpoint]));
  const added = new Map<string, WorkloadEndpoint>();
  for (const endpoint of others) {
    const place = placeOf(endpoint);
    if (endpoint.portName !== name || found.has(place)) continue;
    if (!added.get(place)?.ready) added.set(place, endpoint);
  }
  return [...own, ...added.values()];
}

/** Equal addresses in different networks are different ones. */
function placeOf({ network = "", address, port }: WorkloadEndpoint): string {
  return `${network}|${address}|${port}`;
}

/** Whether clusters serve it together: what is made of addresses that a rule names is the same everywhere. */
export function isShared({ model, entries }: Unit): boolean {
  if (model.origin === "Service") return model.externalName === undefined;
  return entries.some(({ spec }) => spec.workloadSelector !== undefined && !resolvesItsHosts(spec));
}

/** Of one port in this cluster, ready or not; an address that several objects list counts once, as the last has it that is ready. */
export function ownEndpointsOfUnit(
  { model, entries }: Unit,
  port: number,
  sources: EndpointSources,
): readonly WorkloadEndpoint[] {
  const all =
    model.origin === "Service"
      ? ofService(model, port, sources)
      : entries.flatMap((entry) => ofEntry(entry, model, port, sources));
  const found = new Map<string, WorkloadEndpoint>();
  for (const endpoint of all) {
    const { address, network, workload } = endpoint;
    // Those without an address are told apart by what is left.
    const name = `${address || `${network} ${workload} ${found.size}`}|${endpoint.port}`;
    if (endpoint.ready || !found.has(name)) found.set(name, endpoint);
  }
  return [...found.values()];
}

/** Ready ones by address and port. */
export function readyOf(endpoints: readonly WorkloadEndpoint[]): readonly WorkloadEndpoint[] {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  return ready.toSorted((a, b) => compareText(a.address, b.address) || a.port - b.port);
}

/** What slices list, and workloads that are no Pods but carry the labels that the Service picks by. */
function ofService(
  model: ServiceModel,
  number: number,
  sources: EndpointSources,
): readonly WorkloadEndpoint[] {
  const { pods, entries, slices, options } = sources;
  const { namespace, name, selector, externalName } = model;
  const port = model.ports.find((candidate) => candidate.port === number);
  if (port === undefined) return [];
  if (externalName !== undefined) return [named(externalName, number, port.name, namespace)];
  const lookup: PodLookup = {
    byName: (of, pod) => pods.get(`${of}/${pod}`),
    byAddress: (address) => pods.at(address),
  };
  const listed = slices(`${namespace}/${name}`)
    .flatMap((slice) => endpointsOf(slice, lookup, options))
    .filter(({ portName }) => portName === port.name);
  if (!selects(selector)) return listed;
  const others = entries
    .inNamespace(namespace)
    .filter(({ metadata }) => labelsMatch(selector, metadata.labels))
    .flatMap((entry) => onWorkload(workloadOf(entry, sources), entry.spec.ports, port));
  return [...listed, ...others];
}

function ofEntry(
  entry: MeshObject<ServiceEntry>,
  { host, resolution }: ServiceModel,
  number: number,
  sources: EndpointSources,
): readonly WorkloadEndpoint[] {
  const { pods, entries, options } = sources;
  const { spec, metadata } = entry;
  const written = spec.ports?.find((candidate) => candidate.number === number);
  if (written === undefined || resolution === "DYNAMIC_DNS") return [];
  const targetPort = written.targetPort ?? written.number;
  if (resolvesItsHosts(spec)) {
    if (isWildcard(host)) return [];
    return [named(host, targetPort, written.name, metadata.namespace)];
  }
  if (spec.workloadSelector === undefined) return endpointsOfEntry(entry, written, options);
  const { namespace } = metadata;
  const selector = spec.workloadSelector.labels ?? {};
  const port = { name: written.name, targetPort };
  const ofPods = pods
    .selected(namespace, selector)
    .filter((pod) => !hasEnded(pod))
    .flatMap((pod) => onWorkload(workloadOfPod(pod, options), undefined, port));
  const ofEntries = entries
    .inNamespace(namespace)
    .filter((each) => labelsMatch(selector, each.metadata.labels))
    .flatMap((each) => onWorkload(workloadOf(each, sources), each.spec.ports, port));
  return [...ofPods, ...ofEntries];
}

function workloadOf(
  entry: MeshObject<WorkloadEntry>,
  { unready, options }: EndpointSources,
): WorkloadEndpoint {
  const { namespace, name } = entry.metadata;
  return {
    ...workloadOfEntryObject(entry, options),
    ready: !unready.has(`${namespace}/${name}`),
  };
}

function onWorkload(
  workload: WorkloadEndpoint,
  ports: Readonly<Record<string, number>> | undefined,
  port: { readonly name: string; readonly targetPort: number | string },
): readonly WorkloadEndpoint[] {
  const number = portOnWorkload(ports, port);
  if (number === undefined || (workload.address === "" && !workload.network)) return [];
  return [{ ...workload, portName: port.name, port: number }];
}

/** A name that DNS resolves, of which nothing else is known. */
function named(
  address: string,
  port: number,
  portName: string,
  namespace: string,
): WorkloadEndpoint {
  return {
    address,
    port,
    portName,
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
    clusterId: "",
    locality: undefined,
    mtls: false,
    weight: 1,
  };
}

/** Whether a unit picks a workload of its namespace that carries these labels. */
export function picks(
  { model, entries }: Unit,
  labels: MeshObject<Pod>["metadata"]["labels"],
): boolean {
  if (model.origin === "Service") {
    return selects(model.selector) && labelsMatch(model.selector, labels);
  }
  return entries.some(
    ({ spec }) =>
      spec.workloadSelector !== undefined && labelsMatch(spec.workloadSelector.labels, labels),
  );
}
