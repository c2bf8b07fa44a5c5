/** What serves and where: endpoints by service port, and the services and the workload behind an address. */
import {
  compareText,
  type EndpointSlice,
  type MeshObject,
  type Pod,
  type ServiceModel,
  serviceNameOf,
  type WorkloadEndpoint,
  type WorkloadEntry,
  type WorkloadGroup,
  workloadOfEntryObject,
  workloadOfPod,
} from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import { Counted } from "./counted.ts";
import type { ElsewhereData, EndpointsElsewhere } from "./elsewhere.ts";
import {
  type EndpointSources,
  endpointsOfUnit,
  isShared,
  ownEndpointsOfUnit,
  picks,
  readyOf,
} from "./endpoints.ts";
import type { ModelIndex } from "./index-of.ts";
import { addressesOf, Pods } from "./pods.ts";
import type { Unit } from "./service-units.ts";
import type { Services } from "./services.ts";
import { Tracked } from "./tracked.ts";
import { WorkloadEntries } from "./workload-entries.ts";

type Slice = MeshObject<EndpointSlice>;
type PodObject = MeshObject<Pod>;
type Object = Slice | PodObject | MeshObject<WorkloadEntry> | MeshObject<WorkloadGroup>;

/**
 * Slices, pods, entries and services arrive in any order: what joins them is asked for anew when any of them changes.
 * Services of Kubernetes and pods are named `namespace/name` here, what a namespace says of a host `namespace/host`.
 */
export class Workloads implements ModelIndex {
  readonly kinds = [
    "discovery.k8s.io/EndpointSlice",
    "core/Pod",
    "networking.istio.io/WorkloadEntry",
    "networking.istio.io/WorkloadGroup",
  ];
  readonly #services: Services;
  readonly #sources: EndpointSources;
  readonly #pods = new Pods();
  readonly #entries: WorkloadEntries;
  /** Of Services of Kubernetes. */
  readonly #hostByName = new Map<string, string>();
  readonly #unitsOfNamespace = new Map<string, Map<string, Unit>>();
  /** Those among them that pick pods by labels without a slice. */
  readonly #pickingPods = new Map<string, Map<string, Unit>>();
  readonly #slices = new Map<string, Set<Slice>>();
  readonly #servicesOfPod = new Counted();
  readonly #servicesAtAddress = new Counted();
  /** Endpoints that entries list themselves. */
  readonly #unitsAtAddress = new Counted();

  readonly #endpoints: Tracked<readonly WorkloadEndpoint[]>;
  readonly #accounts: Tracked<readonly string[]>;
  readonly #servicesAt: Tracked<readonly ServiceModel[]>;
  readonly #workload: Tracked<WorkloadEndpoint | undefined>;

  /** Told, while plain data is changed, that a service may have other endpoints in this cluster. */
  ownChanged = (_host: string, _namespace: string): void => {};

  /**
   * `cluster` is where the pods run; `unready` names entries that are no endpoints, `namespace/name`; whoever changes it or
   * `elsewhere` says so.
   */
  constructor(
    claims: Claims,
    services: Services,
    cluster: ClusterOfWorkloads,
    unready: ReadonlySet<string>,
    elsewhere: ElsewhereData,
  ) {
    this.#services = services;
    this.#entries = new WorkloadEntries((before, after) => this.#entryChanged(before, after));
    this.#sources = {
      pods: this.#pods,
      entries: this.#entries,
      slices: (name) => this.#slicesInOrder(name),
      unready,
      elsewhere,
      options: cluster,
    };
    services.onChange((host, before, after) => {
      for (const unit of before) this.#fileUnit(unit, -1);
      for (const unit of after) this.#fileUnit(unit, 1);
      this.#unitsChanged(host, [...before, ...after]);
    });
    this.#endpoints = new Tracked(claims, "model/endpoints", (key) =>
      readyOf(this.#allEndpointsOf(key)),
    );
    this.#accounts = new Tracked(claims, "model/service-accounts", (key) =>
      accountsOf(this.#allEndpointsOf(key)),
    );
    this.#servicesAt = new Tracked(claims, "model/services-at", (address) =>
      this.#servicesServedAt(address),
    );
    this.#workload = new Tracked(claims, "model/workload", (address) => this.#workloadAt(address));
  }

  /** Ready endpoints of a service's port, by address and port. */
  endpoints({ host, namespace }: ServiceModel, port: number): readonly WorkloadEndpoint[] {
    return this.#endpoints.read(endpointsKey(host, namespace, port));
  }

  /**
   * Service accounts, `namespace/name`, of all endpoints of a port, ready or not, sorted: who may answer there does not
   * change when pods only come and go.
   */
  accounts({ host, namespace }: ServiceModel, port: number): readonly string[] {
    return this.#accounts.read(endpointsKey(host, namespace, port));
  }

  /** Services that a slice, an entry or a workload's labels lead to at an address, ready or not, by host. */
  servicesAt(address: string): readonly ServiceModel[] {
    return this.#servicesAt.read(address);
  }

  workload(address: string): WorkloadEndpoint | undefined {
    return this.#workload.read(address);
  }

  change(before: Object | undefined, after: Object | undefined): void {
    const { kind } = (after ?? before) as Object;
    if (kind === "Pod") this.#podChanged(before as PodObject, after as PodObject);
    else if (kind === "EndpointSlice") this.#sliceChanged(before as Slice, after as Slice);
    else if (kind === "WorkloadEntry") this.#entries.changeEntry(before as never, after as never);
    else this.#entries.changeGroup(before as never, after as never);
  }

  /** An entry, `namespace/name`, has become an endpoint, or is none any more. */
  readinessChanged(entry: string): void {
    const found = this.#entries.named(entry);
    if (found !== undefined) this.#touchPicking(this.#unitsOfNamespace, found);
  }

  /** A service has other endpoints in other clusters. */
  elsewhereChanged({ host, namespace }: EndpointsElsewhere): void {
    const unit = this.#services.unit(host, namespace);
    for (const { port } of unit?.model.ports ?? []) {
      this.#endpoints.touch(endpointsKey(host, namespace, port));
      this.#accounts.touch(endpointsKey(host, namespace, port));
    }
  }

  /** Services that clusters serve together, `{host, namespace}`; untracked. */
  *shared(): Generator<{ readonly host: string; readonly namespace: string }> {
    for (const units of this.#unitsOfNamespace.values())
      for (const unit of units.values()) if (isShared(unit)) yield unit.model;
  }

  /** What this cluster has of a service that clusters serve together; untracked. */
  own(host: string, namespace: string): OwnService | undefined {
    const unit = this.#services.unit(host, namespace);
    if (unit === undefined || !isShared(unit)) return undefined;
    const endpoints = unit.model.ports.flatMap(({ port }) =>
      ownEndpointsOfUnit(unit, port, this.#sources),
    );
    return { model: unit.model, endpoints };
  }

  flush(): void {
    this.#endpoints.flush();
    this.#accounts.flush();
    this.#servicesAt.flush();
    this.#workload.flush();
  }

  #fileUnit(unit: Unit, step: 1 | -1): void {
    const { model, entries } = unit;
    const { namespace, host, name } = model;
    file(this.#unitsOfNamespace, namespace, host, unit, step);
    if (model.origin === "Service") {
      if (step > 0) this.#hostByName.set(`${namespace}/${name}`, host);
      else this.#hostByName.delete(`${namespace}/${name}`);
      return;
    }
    const selectors = entries.flatMap(({ spec }) => spec.workloadSelector ?? []);
    if (selectors.length > 0) file(this.#pickingPods, namespace, host, unit, step);
    for (const { labels = {} } of selectors) this.#pods.want(namespace, labels, step);
    for (const { spec } of entries) {
      for (const { address } of spec.endpoints ?? []) {
        if (!address) continue;
        this.#unitsAtAddress.add(address, `${namespace}/${host}`, step);
        this.#servicesAt.touch(address);
      }
    }
  }

  #unitsChanged(host: string, units: readonly Unit[]): void {
    // An entry that takes a Service's place goes by another name: both count.
    const names = new Map<string, string>();
    for (const { model } of units) {
      const { namespace, name, ports } = model;
      names.set(`${namespace}/${name}`, namespace);
      for (const { port } of ports) this.#touchPort(host, namespace, port);
    }
    const namespaces = new Set(names.values());
    this.#servicesAt.touchWhere((address) => {
      if (namespaces.has(this.#namespaceAt(address) ?? "")) return true;
      for (const [service, namespace] of names) {
        if (this.#servicesAtAddress.has(address, service)) return true;
        if (this.#unitsAtAddress.has(address, `${namespace}/${host}`)) return true;
      }
      return false;
    });
  }

  #sliceChanged(before: Slice | undefined, after: Slice | undefined): void {
    for (const [slice, step] of [
      [before, -1],
      [after, 1],
    ] as const) {
      const name = slice === undefined ? undefined : serviceOfSlice(slice);
      if (slice === undefined || name === undefined) continue;
      const slices = this.#slices.get(name) ?? new Set();
      this.#slices.set(name, slices);
      if (step > 0) slices.add(slice);
      else slices.delete(slice);
      if (slices.size === 0) this.#slices.delete(name);
      for (const endpoint of slice.spec.endpoints ?? []) {
        for (const address of endpoint.addresses) {
          this.#servicesAtAddress.add(address, name, step);
          this.#servicesAt.touch(address);
        }
        const pod = endpoint.targetRef?.name;
        if (pod !== undefined) {
          const { namespace = slice.metadata.namespace } = endpoint.targetRef ?? {};
          this.#servicesOfPod.add(`${namespace}/${pod}`, name, step);
        }
      }
      this.#touchService(name);
    }
  }

  #podChanged(before: PodObject | undefined, after: PodObject | undefined): void {
    const { namespace, name } = (after ?? (before as PodObject)).metadata;
    this.#pods.change(before, after);
    for (const pod of [before, after]) {
      for (const address of addressesOf(pod)) this.#touchAddress(address);
      if (pod !== undefined) this.#touchPicking(this.#pickingPods, pod);
    }
    for (const service of this.#servicesOfPod.get(`${namespace}/${name}`)) {
      this.#touchService(service);
    }
  }

  #entryChanged(
    before: MeshObject<WorkloadEntry> | undefined,
    after: MeshObject<WorkloadEntry> | undefined,
  ): void {
    for (const entry of [before, after]) {
      if (entry === undefined) continue;
      if (entry.spec.address) this.#touchAddress(entry.spec.address);
      this.#touchPicking(this.#unitsOfNamespace, entry);
    }
  }

  /** Units of a workload's namespace that pick it by its labels. */
  #touchPicking(
    units: ReadonlyMap<string, ReadonlyMap<string, Unit>>,
    { metadata: { namespace, labels } }: MeshObject<unknown>,
  ): void {
    for (const [host, unit] of units.get(namespace) ?? []) {
      if (!picks(unit, labels)) continue;
      for (const { port } of unit.model.ports) this.#touchPort(host, namespace, port);
    }
  }

  #touchAddress(address: string): void {
    this.#workload.touch(address);
    this.#servicesAt.touch(address);
    for (const service of this.#servicesAtAddress.get(address)) this.#touchService(service);
  }

  #touchService(serviceName: string): void {
    const namespace = serviceName.slice(0, serviceName.indexOf("/"));
    const host = this.#hostByName.get(serviceName);
    const unit = host === undefined ? undefined : this.#services.unit(host, namespace);
    for (const { port } of unit?.model.ports ?? []) this.#touchPort(host ?? "", namespace, port);
  }

  #touchPort(host: string, namespace: string, port: number): void {
    const key = endpointsKey(host, namespace, port);
    this.#endpoints.touch(key);
    this.#accounts.touch(key);
    this.ownChanged(host, namespace);
  }

  #allEndpointsOf(key: string): readonly WorkloadEndpoint[] {
    const [host = "", namespace = "", port] = key.split("|");
    const unit = this.#services.unit(host, namespace);
    return unit === undefined ? NO_ENDPOINTS : endpointsOfUnit(unit, Number(port), this.#sources);
  }

  #slicesInOrder(serviceName: string): readonly Slice[] {
    const slices = [...(this.#slices.get(serviceName) ?? [])];
    return slices.toSorted((a, b) => compareText(a.metadata.name, b.metadata.name));
  }

  /** A pod has an address before an entry that names it too. */
  #workloadAt(address: string): WorkloadEndpoint | undefined {
    const pod = this.#pods.at(address);
    if (pod !== undefined) return { ...workloadOfPod(pod, this.#sources.options), address };
    const entry = this.#entries.at(address);
    return entry && workloadOfEntryObject(entry, this.#sources.options);
  }

  #namespaceAt(address: string): string | undefined {
    return (this.#pods.at(address) ?? this.#entries.at(address))?.metadata.namespace;
  }

  #servicesServedAt(address: string): readonly ServiceModel[] {
    const found = new Set<ServiceModel>();
    const add = (host: string | undefined, namespace: string) => {
      const unit = host === undefined ? undefined : this.#services.unit(host, namespace);
      if (unit !== undefined) found.add(unit.model);
    };
    for (const name of this.#servicesAtAddress.get(address)) {
      add(this.#hostByName.get(name), name.slice(0, name.indexOf("/")));
    }
    for (const name of this.#unitsAtAddress.get(address)) {
      const slash = name.indexOf("/");
      add(name.slice(slash + 1), name.slice(0, slash));
    }
    const workload = this.#pods.at(address) ?? this.#entries.at(address);
    if (workload !== undefined) {
      const { namespace, labels } = workload.metadata;
      for (const unit of this.#unitsOfNamespace.get(namespace)?.values() ?? []) {
        if (picks(unit, labels)) found.add(unit.model);
      }
    }
    return [...found].toSorted(
      (a, b) => compareText(a.host, b.host) || compareText(a.namespace, b.namespace),
    );
  }
}

const NO_ENDPOINTS: readonly never[] = [];

/** Where workloads run that do not say otherwise. */
export interface ClusterOfWorkloads {
  readonly clusterId: string;
  readonly network?: string;
}

/** A service as one cluster has it. */
export interface OwnService {
  readonly model: ServiceModel;
  /** Of all ports, ready or not. */
  readonly endpoints: readonly WorkloadEndpoint[];
}

function accountsOf(endpoints: readonly WorkloadEndpoint[]): readonly string[] {
  const accounts = endpoints.flatMap(({ namespace, serviceAccount }) =>
    serviceAccount === "" ? [] : [`${namespace}/${serviceAccount}`],
  );
  return [...new Set(accounts)].toSorted();
}

function endpointsKey(host: string, namespace: string, port: number): string {
  return `${host}|${namespace}|${port}`;
}

function serviceOfSlice(slice: Slice): string | undefined {
  const name = serviceNameOf(slice);
  return name === undefined ? undefined : `${slice.metadata.namespace}/${name}`;
}

function file(
  units: Map<string, Map<string, Unit>>,
  namespace: string,
  host: string,
  unit: Unit,
  step: 1 | -1,
): void {
  const known = units.get(namespace) ?? new Map<string, Unit>();
  if (step > 0) units.set(namespace, known.set(host, unit));
  else if (known.delete(host) && known.size === 0) units.delete(namespace);
}
