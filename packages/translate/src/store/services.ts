/** Services by host, who sees them, and the hosts there are. */
import {
  isVisible,
  type MeshObject,
  type Service,
  type ServiceModel,
  serviceOf,
} from "@heddle/model";
import type { MeshSettings } from "../read.ts";
import type { Claims } from "../engine/claims.ts";
import { type ByNamespace, byNamespace, namespacesNamed } from "./by-namespace.ts";
import type { ModelIndex } from "./index-of.ts";
import { Tracked } from "./tracked.ts";

/**
 * Views take hosts in as many parts as this, each watched by itself, so that one host more or less costs a part and not
 * the whole. With 10,000 services a part has about 160.
 */
export const HOST_PARTS = 64;

export type ServiceListener = (
  before: ServiceModel | undefined,
  after: ServiceModel | undefined,
) => void;

export class Services implements ModelIndex {
  readonly kinds = ["core/Service"];
  readonly #byHost = new Map<string, ServiceModel>();
  readonly #parts: ReadonlySet<string>[] = Array.from({ length: HOST_PARTS }, () => new Set());
  readonly #mesh: Pick<MeshSettings, "clusterDomain" | "trustDomain">;
  readonly #listeners: ServiceListener[] = [];
  /** Hosts that not every namespace sees. */
  readonly #restricted = new Set<string>();
  #sorted: readonly string[] | undefined;

  readonly #service: Tracked<ServiceModel | undefined>;
  readonly #visibility: Tracked<ByNamespace<boolean>>;
  readonly #hosts: Tracked<readonly string[]>;
  readonly #part: Tracked<readonly string[]>;
  readonly #singledOut: Tracked<boolean>;

  constructor(claims: Claims, mesh: Pick<MeshSettings, "clusterDomain" | "trustDomain">) {
    this.#mesh = mesh;
    this.#service = new Tracked(claims, (host) => this.#byHost.get(host));
    this.#visibility = new Tracked(claims, (host) => visibilityOf(this.#byHost.get(host)));
    this.#hosts = new Tracked(claims, (namespace) => this.#hostsOf(namespace));
    this.#singledOut = new Tracked(claims, (namespace) =>
      [...this.#restricted].some((host) =>
        visibilityOf(this.#byHost.get(host)).exceptions.has(namespace),
      ),
    );
    this.#part = new Tracked(claims, (part) => [...(this.#parts[Number(part)] ?? [])].toSorted());
  }

  forHost(host: string): ServiceModel | undefined {
    return this.#service.read(host);
  }

  /** Untracked: for other indexes, which are told of changes. */
  peek(host: string): ServiceModel | undefined {
    return this.#byHost.get(host);
  }

  /** Whether the host is served, seen from a namespace. */
  visibility(host: string): ByNamespace<boolean> {
    return this.#visibility.read(host);
  }

  /** Every host visible to a namespace, sorted. */
  hosts(namespace: string): readonly string[] {
    return this.#hosts.read(namespace);
  }

  /** Whether a namespace sees a host that others do not, or the other way round. */
  singledOut(namespace: string): boolean {
    return this.#singledOut.read(namespace);
  }

  /** Hosts of one of the `HOST_PARTS`, visible or not, sorted. */
  part(part: number): readonly string[] {
    return this.#part.read(String(part));
  }

  /** Tells other indexes, while plain data is changed. */
  onChange(listener: ServiceListener): void {
    this.#listeners.push(listener);
  }

  change(before: MeshObject<Service> | undefined, after: MeshObject<Service> | undefined): void {
    const next = after === undefined ? undefined : serviceOf(after, this.#mesh);
    const gone = before === undefined ? undefined : serviceOf(before, this.#mesh);
    if (gone !== undefined && gone.host !== next?.host) this.#put(gone.host, undefined);
    if (next !== undefined) this.#put(next.host, next);
  }

  flush(): void {
    this.#service.flush();
    this.#visibility.flush();
    this.#hosts.flush();
    this.#part.flush();
    this.#singledOut.flush();
  }

  #put(host: string, service: ServiceModel | undefined): void {
    const before = this.#byHost.get(host);
    if (isRestricted(service)) this.#restricted.add(host);
    else this.#restricted.delete(host);
    if (service === undefined) this.#byHost.delete(host);
    else this.#byHost.set(host, service);
    this.#service.touch(host);
    const membership = (before === undefined) !== (service === undefined);
    if (membership) this.#fileHost(host, service !== undefined);
    if (membership || isRestricted(before) || isRestricted(service)) {
      this.#visibility.touch(host);
      this.#hosts.touchWhere(() => true);
      this.#singledOut.touchWhere(() => true);
    }
    for (const listener of this.#listeners) listener(before, service);
  }

  #fileHost(host: string, present: boolean): void {
    this.#sorted = undefined;
    const part = partOf(host);
    const hosts = this.#parts[part] as Set<string>;
    if (present) hosts.add(host);
    else hosts.delete(host);
    this.#part.touch(String(part));
  }

  #hostsOf(namespace: string): readonly string[] {
    this.#sorted ??= [...this.#byHost.keys()].toSorted();
    if (this.#restricted.size === 0) return this.#sorted;
    return this.#sorted.filter((host) => isShown(this.#byHost.get(host), namespace));
  }
}

function isRestricted(service: ServiceModel | undefined): boolean {
  return service !== undefined && service.exportTo.some((to) => to !== "*");
}

function isShown(service: ServiceModel | undefined, namespace: string): boolean {
  return service !== undefined && isVisible(service.exportTo, service.namespace, namespace);
}

function visibilityOf(service: ServiceModel | undefined): ByNamespace<boolean> {
  const named = service === undefined ? [] : namespacesNamed(service.exportTo, service.namespace);
  return byNamespace(named, (namespace) => isShown(service, namespace));
}

/** FNV-1a over the code units. */
function partOf(host: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let i = 0; i < host.length; i++) hash = Math.imul(hash ^ host.charCodeAt(i), 0x01_00_01_93);
  return (hash >>> 0) % HOST_PARTS;
}
