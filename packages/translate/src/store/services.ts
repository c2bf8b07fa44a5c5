/** Services by host, wherever they came from, who sees them, and the hosts there are. */
import {
  isWildcard,
  type MeshObject,
  type Service,
  type ServiceEntry,
  type ServiceModel,
  type ServiceName,
  serviceOf,
  servicesOfEntry,
} from "@heddle/model";
import type { MeshSettings } from "../mesh-settings.ts";
import { labelsAskedBy } from "../endpoint/topology.ts";
import type { Claims } from "../engine/claims.ts";
import { Aliases } from "./aliases.ts";
import { AutoAddressPlan } from "./auto-addresses.ts";
import { ANY_NAMESPACE, answerFor, type ByNamespace } from "./by-namespace.ts";
import { hashOf } from "./hash.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import {
  byPrecedence,
  type Definition,
  isRestricted,
  seenBy,
  type Unit,
  unitsOf,
} from "./service-units.ts";
import { Tracked } from "./tracked.ts";

/**
 * Views take hosts in as many parts as this, each watched by itself, so that one host more or less costs a part and not
 * the whole. With 10,000 services a part has about 160.
 */
export const HOST_PARTS = 64;

/** What namespaces see of a host. */
export type Variants = ByNamespace<ServiceModel | undefined>;

type Defining = MeshObject<Service> | MeshObject<ServiceEntry>;

/** Istio's label on an entry that shall have no address of its own. */
const AUTO_ADDRESS = "networking.istio.io/enable-autoallocate-ip";

export class Services implements ModelIndex {
  readonly kinds = ["core/Service", "networking.istio.io/ServiceEntry"];
  readonly #definitions = new Multimap<Definition>(byPrecedence);
  readonly #hostsServed = new Map<string, HostEntry>();
  readonly #parts: ReadonlySet<string>[] = Array.from({ length: HOST_PARTS }, () => new Set());
  readonly #mesh: Pick<MeshSettings, "clusterDomain" | "trustDomain">;
  readonly #listeners: ((host: string, before: readonly Unit[], after: readonly Unit[]) => void)[] =
    [];
  readonly #addresses = new AutoAddressPlan();
  #slots = this.#addresses.slots();
  readonly #aliases = new Aliases((host) => this.#hostsServed.get(host)?.units[0]?.model);
  #resolved = this.#aliases.resolved();
  /** Hosts that not every namespace sees alike. */
  readonly #restricted = new Set<string>();
  readonly #dynamic = new Set<string>();
  #sorted: readonly string[] | undefined;

  readonly #service: Tracked<Variants>;
  readonly #visibility: Tracked<ByNamespace<boolean>>;
  readonly #hosts: Tracked<readonly string[]>;
  readonly #part: Tracked<readonly string[]>;
  readonly #singledOut: Tracked<boolean>;
  readonly #anyDynamic: Tracked<boolean>;
  readonly #labelReaders = new Map<string, number>();
  readonly #predicateLabels: Tracked<readonly string[]>;

  constructor(claims: Claims, mesh: Pick<MeshSettings, "clusterDomain" | "trustDomain">) {
    this.#mesh = mesh;
    this.#service = new Tracked(claims, "model/service", (host) => this.#variantsOf(host));
    this.#visibility = new Tracked(claims, "model/visible", (host) =>
      visibilityOf(this.#hostsServed.get(host)),
    );
    this.#hosts = new Tracked(claims, "model/hosts", (namespace) => this.#hostsOf(namespace));
    this.#singledOut = new Tracked(claims, "model/hosts-scope", (namespace) =>
      [...this.#restricted].some((host) => this.#seen(host).exceptions.has(namespace)),
    );
    this.#part = new Tracked(claims, "model/part", (part) =>
      [...(this.#parts[Number(part)] ?? [])].toSorted(),
    );
    this.#predicateLabels = new Tracked(claims, "model/services-labels", () =>
      [...this.#labelReaders.keys()].toSorted(),
    );
    this.#anyDynamic = new Tracked(claims, "model/any-dynamic-hosts", () => this.#dynamic.size > 0);
  }

  /** What a namespace sees of a host; without one, what most see, else what anybody does. */
  forHost(host: string, namespace?: string): ServiceModel | undefined {
    const variants = this.#service.read(host);
    if (namespace !== undefined) return answerFor(variants, namespace);
    return variants.generic ?? variants.exceptions.values().next().value;
  }

  /** Everything that somebody sees of a host. */
  variants(host: string): readonly ServiceModel[] {
    const { generic, exceptions } = this.#service.read(host);
    return [generic, ...exceptions.values()].filter((model) => model !== undefined);
  }

  /** Untracked: for other indexes, which are told of changes. */
  peek(host: string, namespace = ANY_NAMESPACE): ServiceModel | undefined {
    return answerFor(this.#seen(host), namespace);
  }

  /** Namespaces that see another service of a host than most do; untracked. */
  peekExceptions(host: string): Iterable<string> {
    return this.#seen(host).exceptions.keys();
  }

  /** What one namespace itself says of a host; untracked. */
  unit(host: string, namespace: string): Unit | undefined {
    return this.#hostsServed.get(host)?.units.find(({ model }) => model.namespace === namespace);
  }

  /** Whether the host is served, seen from a namespace; an exception is whoever sees another service than most. */
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

  /** Whether there is any host whose address is found when a request asks for it. */
  anyDynamic(): boolean {
    return this.#anyDynamic.read("");
  }

  /** Keys of the labels of a client that some service chooses endpoints by, sorted. */
  predicateLabels(): readonly string[] {
    return this.#predicateLabels.read("");
  }

  /** Tells other indexes, while plain data is changed. */
  onChange(
    listener: (host: string, before: readonly Unit[], after: readonly Unit[]) => void,
  ): void {
    this.#listeners.push(listener);
  }

  change(before: Defining | undefined, after: Defining | undefined): void {
    // What cannot be read throws before anything has changed.
    const next = this.#definitionsOf(after);
    const hosts = new Set<string>();
    for (const definition of this.#definitionsOf(before)) {
      const { host, key } = definition.model;
      hosts.add(host);
      const filed = this.#definitions.get(host).find(({ model }) => model.key === key);
      if (filed !== undefined) this.#definitions.remove(host, filed);
    }
    for (const definition of next) {
      hosts.add(definition.model.host);
      this.#definitions.add(definition.model.host, definition);
    }
    for (const host of hosts) this.#put(host, unitsOf(this.#definitions.get(host)));
  }

  flush(): void {
    for (const key of this.#addresses.moved(this.#slots)) {
      this.#service.touch(key.slice(key.indexOf("/") + 1));
    }
    this.#slots = this.#addresses.slots();
    for (const host of this.#aliases.moved(this.#resolved)) this.#service.touch(host);
    this.#resolved = this.#aliases.resolved();
    this.#service.flush();
    this.#visibility.flush();
    this.#hosts.flush();
    this.#part.flush();
    this.#singledOut.flush();
    this.#anyDynamic.flush();
    this.#predicateLabels.flush();
  }

  #definitionsOf(object: Defining | undefined): readonly Definition[] {
    if (object === undefined) return [];
    const models =
      object.kind === "ServiceEntry"
        ? servicesOfEntry(object as MeshObject<ServiceEntry>)
        : [serviceOf(object as MeshObject<Service>, this.#mesh)];
    return models.map((model) => ({ object, model }));
  }

  #put(host: string, units: readonly Unit[]): void {
    const before = this.#hostsServed.get(host)?.units ?? NO_UNITS;
    this.#planAddresses(before, units);
    this.#countLabels(before, -1);
    this.#countLabels(units, 1);
    if (units.length === 0) this.#hostsServed.delete(host);
    else this.#hostsServed.set(host, { units, seen: undefined });
    this.#aliases.changed(host);
    const restricted = units.some(({ model }) => isRestricted(model));
    const changesView = restricted || this.#restricted.has(host);
    mark(this.#restricted, host, restricted);
    mark(
      this.#dynamic,
      host,
      units.some(({ model }) => isDynamic(model)),
    );
    this.#anyDynamic.touch("");
    this.#service.touch(host);
    const membership = (before.length === 0) !== (units.length === 0);
    if (membership) this.#fileHost(host, units.length > 0);
    if (membership || changesView) {
      this.#visibility.touch(host);
      this.#hosts.touchWhere(() => true);
      this.#singledOut.touchWhere(() => true);
    }
    for (const listener of this.#listeners) listener(host, before, units);
  }

  #countLabels(units: readonly Unit[], step: 1 | -1): void {
    for (const label of units.flatMap(({ model }) => labelsAskedBy(model))) {
      const readers = (this.#labelReaders.get(label) ?? 0) + step;
      if (readers > 0) this.#labelReaders.set(label, readers);
      else this.#labelReaders.delete(label);
      this.#predicateLabels.touch("");
    }
  }

  #planAddresses(before: readonly Unit[], after: readonly Unit[]): void {
    const wanting = after.filter(({ model }) => wantsAddress(model));
    const kept = new Set(wanting.map(({ model }) => addressKey(model)));
    for (const { model } of before) {
      const key = addressKey(model);
      if (!kept.has(key)) this.#addresses.want(key, undefined);
    }
    for (const { model, object } of wanting) this.#addresses.want(addressKey(model), object);
  }

  /** For questions alone: while data is being changed, addresses are not yet given. */
  #variantsOf(host: string): Variants {
    const entry = this.#hostsServed.get(host);
    if (entry === undefined) return NOBODY;
    const { targets, names } = this.#aliases.resolved();
    const plain = !targets.has(host) && !names.has(host);
    if (plain && !entry.units.some(({ model }) => wantsAddress(model))) return this.#seen(host);
    return seenBy(
      entry.units.map((unit) =>
        this.#aliased(this.#addressed(unit), targets.get(host), names.get(host)),
      ),
    );
  }

  #seen(host: string): Variants {
    const entry = this.#hostsServed.get(host);
    if (entry === undefined) return NOBODY;
    return (entry.seen ??= seenBy(entry.units));
  }

  #addressed(unit: Unit): Unit {
    const { model } = unit;
    const found = wantsAddress(model) ? this.#addresses.of(addressKey(model)) : undefined;
    if (found === undefined) return unit;
    return { ...unit, model: { ...model, autoAddresses: [found.v4, found.v6] } };
  }

  /** Whoever calls an alias is led to its target: it has no ports of its own. */
  #aliased(
    unit: Unit,
    target: string | undefined,
    names: readonly ServiceName[] | undefined,
  ): Unit {
    const { model } = unit;
    if (target !== undefined && model.externalName !== undefined) {
      return { ...unit, model: { ...model, aliasOf: target, ports: [] } };
    }
    return names === undefined ? unit : { ...unit, model: { ...model, aliases: names } };
  }

  #fileHost(host: string, present: boolean): void {
    this.#sorted = undefined;
    const part = partOf(host);
    mark(this.#parts[part] as Set<string>, host, present);
    this.#part.touch(String(part));
  }

  #hostsOf(namespace: string): readonly string[] {
    this.#sorted ??= [...this.#hostsServed.keys()].toSorted();
    if (this.#restricted.size === 0) return this.#sorted;
    return this.#sorted.filter(
      (host) => !this.#restricted.has(host) || this.peek(host, namespace) !== undefined,
    );
  }
}

interface HostEntry {
  readonly units: readonly Unit[];
  /** Worked out when it is asked for. */
  seen: Variants | undefined;
}

const NO_UNITS: readonly Unit[] = [];
const NOBODY: Variants = { generic: undefined, exceptions: new Map() };
const NONE: ReadonlyMap<string, boolean> = new Map();
const EVERYBODY: ByNamespace<boolean> = { generic: true, exceptions: NONE };

function visibilityOf(entry: HostEntry | undefined): ByNamespace<boolean> {
  if (entry === undefined) return { generic: false, exceptions: NONE };
  if (!entry.units.some(({ model }) => isRestricted(model))) return EVERYBODY;
  const { generic, exceptions } = seenBy(entry.units);
  return {
    generic: generic !== undefined,
    exceptions: new Map(
      [...exceptions].map(([namespace, seen]) => [namespace, seen !== undefined]),
    ),
  };
}

/**
 * One that clients cannot tell by an address, and whose host is a name that DNS could answer with one. Of Services those that
 * ask for it: another cluster's address of one leads nowhere.
 */
function wantsAddress(model: ServiceModel): boolean {
  if (model.origin === "Service") {
    const asks = model.labels[AUTO_ADDRESS]?.toLowerCase() === "true";
    return asks && model.clusterIPs.length === 0 && !model.headless && !model.externalName;
  }
  return (
    model.clusterIPs.length === 0 &&
    model.subnets.length === 0 &&
    model.resolution !== "NONE" &&
    !isWildcard(model.host) &&
    model.labels[AUTO_ADDRESS]?.toLowerCase() !== "false"
  );
}

/** Also those whose clients alone know the address, for clients that cannot say it. */
function isDynamic({ resolution, host }: ServiceModel): boolean {
  return resolution === "DYNAMIC_DNS" || (resolution === "NONE" && isWildcard(host));
}

function addressKey({ namespace, host }: ServiceModel): string {
  return `${namespace}/${host}`;
}

function mark(set: Set<string>, text: string, present: boolean): void {
  if (present) set.add(text);
  else set.delete(text);
}

/** Which of the parts that all hosts are divided into a host is in. */
export function partOf(host: string): number {
  return hashOf(host) % HOST_PARTS;
}
