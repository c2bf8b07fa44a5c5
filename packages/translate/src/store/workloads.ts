/** What serves and where: endpoints by service port, and the services and the workload behind an address. */
import {
  byAge,
  compareText,
  type EndpointSlice,
  endpointsOf,
  labelsMatch,
  type MeshObject,
  type Pod,
  type PodLookup,
  selects,
  type ServiceModel,
  serviceNameOf,
  type WorkloadEndpoint,
  workloadOfPod,
} from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import type { Services } from "./services.ts";
import { Tracked } from "./tracked.ts";

type Slice = MeshObject<EndpointSlice>;
type PodObject = MeshObject<Pod>;

/**
 * Slices, pods and services arrive in any order: what joins them is asked for anew when any of the three changes.
 * Services and pods are named `namespace/name` here.
 */
export class Workloads implements ModelIndex {
  readonly kinds = ["discovery.k8s.io/EndpointSlice", "core/Pod"];
  readonly #services: Services;
  readonly #options: { readonly clusterId: string };
  readonly #serviceByName = new Map<string, ServiceModel>();
  readonly #servicesOfNamespace = new Map<string, Set<ServiceModel>>();
  readonly #slices = new Map<string, Set<Slice>>();
  readonly #pods = new Map<string, PodObject>();
  /** An address that was one pod's may be another's before the first is known to be gone: the youngest has it. */
  readonly #podsAt = new Multimap<PodObject>(byAge);
  readonly #servicesOfPod = new Counted();
  readonly #servicesAtAddress = new Counted();

  readonly #endpoints: Tracked<readonly WorkloadEndpoint[]>;
  readonly #accounts: Tracked<readonly string[]>;
  readonly #servicesAt: Tracked<readonly ServiceModel[]>;
  readonly #workload: Tracked<WorkloadEndpoint | undefined>;

  /** `clusterId` is the cluster that the pods run in. */
  constructor(claims: Claims, services: Services, clusterId: string) {
    this.#services = services;
    this.#options = { clusterId };
    services.onChange((before, after) => this.#serviceChanged(before, after));
    this.#endpoints = new Tracked(claims, (key) => this.#endpointsOf(key));
    this.#accounts = new Tracked(claims, (key) => accountsOf(this.#allEndpointsOf(key)));
    this.#servicesAt = new Tracked(claims, (address) => this.#servicesServedAt(address));
    this.#workload = new Tracked(claims, (address) => {
      const pod = this.#podAt(address);
      return pod && { ...workloadOfPod(pod, this.#options), address };
    });
  }

  /** Ready endpoints of a service's port, by address and port. */
  endpoints(host: string, port: number): readonly WorkloadEndpoint[] {
    return this.#endpoints.read(endpointsKey(host, port));
  }

  /**
   * Service accounts, `namespace/name`, of all endpoints of a port, ready or not, sorted: who may answer there does not
   * change when pods only come and go.
   */
  accounts(host: string, port: number): readonly string[] {
    return this.#accounts.read(endpointsKey(host, port));
  }

  /** Services that a slice or a pod's labels lead to at an address, ready or not, by host. */
  servicesAt(address: string): readonly ServiceModel[] {
    return this.#servicesAt.read(address);
  }

  workload(address: string): WorkloadEndpoint | undefined {
    return this.#workload.read(address);
  }

  change(before: Slice | PodObject | undefined, after: Slice | PodObject | undefined): void {
    const some = after ?? before;
    if (some?.kind === "Pod") this.#podChanged(before as PodObject, after as PodObject);
    else this.#sliceChanged(before as Slice, after as Slice);
  }

  flush(): void {
    this.#endpoints.flush();
    this.#accounts.flush();
    this.#servicesAt.flush();
    this.#workload.flush();
  }

  #serviceChanged(before: ServiceModel | undefined, after: ServiceModel | undefined): void {
    const service = after ?? before;
    if (service === undefined) return;
    const name = `${service.namespace}/${service.name}`;
    const neighbours = this.#servicesOfNamespace.get(service.namespace) ?? new Set();
    this.#servicesOfNamespace.set(service.namespace, neighbours);
    if (before !== undefined) neighbours.delete(before);
    if (after === undefined) this.#serviceByName.delete(name);
    else {
      this.#serviceByName.set(name, after);
      neighbours.add(after);
    }
    for (const { port } of [...(before?.ports ?? []), ...(after?.ports ?? [])]) {
      this.#touchPort(service.host, port);
    }
    this.#servicesAt.touchWhere(
      (address) =>
        this.#podAt(address)?.metadata.namespace === service.namespace ||
        this.#servicesAtAddress.has(address, name),
    );
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
      this.#touchEndpoints(name);
    }
  }

  #podChanged(before: PodObject | undefined, after: PodObject | undefined): void {
    const { namespace, name } = (after ?? (before as PodObject)).metadata;
    const podName = `${namespace}/${name}`;
    if (after === undefined) this.#pods.delete(podName);
    else this.#pods.set(podName, after);
    for (const address of addressesOf(before)) {
      if (before !== undefined) this.#podsAt.remove(address, before);
      this.#touchAddress(address);
    }
    for (const address of addressesOf(after)) {
      if (after !== undefined) this.#podsAt.add(address, after);
      this.#touchAddress(address);
    }
    for (const service of this.#servicesOfPod.get(podName)) this.#touchEndpoints(service);
  }

  #touchAddress(address: string): void {
    this.#workload.touch(address);
    this.#servicesAt.touch(address);
    for (const service of this.#servicesAtAddress.get(address)) this.#touchEndpoints(service);
  }

  #touchEndpoints(serviceName: string): void {
    const service = this.#serviceByName.get(serviceName);
    for (const { port } of service?.ports ?? []) {
      this.#touchPort((service as ServiceModel).host, port);
    }
  }

  #touchPort(host: string, port: number): void {
    const key = endpointsKey(host, port);
    this.#endpoints.touch(key);
    this.#accounts.touch(key);
  }

  #endpointsOf(key: string): readonly WorkloadEndpoint[] {
    const ready = this.#allEndpointsOf(key).filter((endpoint) => endpoint.ready);
    return ready.toSorted((a, b) => compareText(a.address, b.address) || a.port - b.port);
  }

  /** An address that several slices list counts once, as the last of them has it that is ready. */
  #allEndpointsOf(key: string): readonly WorkloadEndpoint[] {
    const bar = key.lastIndexOf("|");
    const service = this.#services.peek(key.slice(0, bar));
    const port = Number(key.slice(bar + 1));
    const portName = service?.ports.find((candidate) => candidate.port === port)?.name;
    if (service === undefined || portName === undefined) return NO_ENDPOINTS;
    const found = new Map<string, WorkloadEndpoint>();
    for (const slice of this.#slicesInOrder(`${service.namespace}/${service.name}`)) {
      for (const endpoint of endpointsOf(slice, this.#lookup, this.#options)) {
        if (endpoint.portName !== portName) continue;
        const name = `${endpoint.address}|${endpoint.port}`;
        if (endpoint.ready || !found.has(name)) found.set(name, endpoint);
      }
    }
    return [...found.values()];
  }

  #slicesInOrder(serviceName: string): readonly Slice[] {
    const slices = [...(this.#slices.get(serviceName) ?? [])];
    return slices.toSorted((a, b) => compareText(a.metadata.name, b.metadata.name));
  }

  #podAt(address: string): PodObject | undefined {
    return this.#podsAt.get(address).at(-1);
  }

  readonly #lookup: PodLookup = {
    byName: (namespace, name) => this.#pods.get(`${namespace}/${name}`),
    byAddress: (address) => this.#podAt(address),
  };

  #servicesServedAt(address: string): readonly ServiceModel[] {
    const found = new Set<ServiceModel>();
    for (const name of this.#servicesAtAddress.get(address)) {
      const service = this.#serviceByName.get(name);
      if (service !== undefined) found.add(service);
    }
    const pod = this.#podAt(address);
    for (const service of this.#servicesOfNamespace.get(pod?.metadata.namespace ?? "") ?? []) {
      const chosen =
        selects(service.selector) && labelsMatch(service.selector, pod?.metadata.labels ?? {});
      if (chosen) found.add(service);
    }
    return [...found].toSorted((a, b) => compareText(a.host, b.host));
  }
}

const NO_ENDPOINTS: readonly never[] = [];

function accountsOf(endpoints: readonly WorkloadEndpoint[]): readonly string[] {
  const accounts = endpoints.flatMap(({ namespace, serviceAccount }) =>
    serviceAccount === "" ? [] : [`${namespace}/${serviceAccount}`],
  );
  return [...new Set(accounts)].toSorted();
}

function endpointsKey(host: string, port: number): string {
  return `${host}|${port}`;
}

function serviceOfSlice(slice: Slice): string | undefined {
  const name = serviceNameOf(slice);
  return name === undefined ? undefined : `${slice.metadata.namespace}/${name}`;
}

/**
 * A pod on its node's network shares the node's address with others, and the address of a pod that has ended may be
 * another's by now: neither stands for an address.
 */
function addressesOf(pod: PodObject | undefined): string[] {
  const phase = pod?.spec.status?.phase;
  if (pod === undefined || pod.spec.hostNetwork === true) return [];
  if (phase === "Succeeded" || phase === "Failed") return [];
  const { podIP, podIPs = [] } = pod.spec.status ?? {};
  return [...new Set([...(podIP === undefined ? [] : [podIP]), ...podIPs.map(({ ip }) => ip)])];
}

/** Who refers to what, and how often. */
class Counted {
  readonly #counts = new Map<string, Map<string, number>>();

  add(from: string, to: string, step: 1 | -1): void {
    const counts = this.#counts.get(from) ?? new Map<string, number>();
    const count = (counts.get(to) ?? 0) + step;
    if (count > 0) counts.set(to, count);
    else counts.delete(to);
    if (counts.size > 0) this.#counts.set(from, counts);
    else this.#counts.delete(from);
  }

  get(from: string): IterableIterator<string> | readonly never[] {
    return this.#counts.get(from)?.keys() ?? NO_ENDPOINTS;
  }

  has(from: string, to: string): boolean {
    return this.#counts.get(from)?.has(to) ?? false;
  }
}
