/** A mesh's configuration by what analysis asks of it; kept up by single changes, so that nothing is read as a whole. */
import {
  delegateOf,
  gatewayApiPlaces,
  gatewayOfSet,
  gatewaysOf,
  groupOf,
  hostMatches,
  isDefaultIngressClass,
  isWildcard,
  labelsMatch,
  objectKey,
  ONLY_REVISION,
  parentKey,
  placeOf,
  resolveHost,
  serviceHost,
  serviceOf,
  splitServiceHost,
  virtualServiceHosts,
} from "@heddle/model";
import { claimsOf } from "./ingress-claims.ts";
import type { ServiceEntryFacts } from "./checks/service-entries.ts";
import type {
  DestinationRule,
  Fallback,
  Gateway,
  GatewayApi,
  Ingress,
  IngressClass,
  MeshObject,
  ObjectSource,
  ParsedObject,
  PeerAuthentication,
  Pod,
  Revision,
  RouteObject,
  Service,
  VirtualService,
} from "@heddle/model";

/** An object, and the file that it came from where it came from one. */
export interface Entry<Spec = unknown> {
  readonly key: string;
  readonly object: MeshObject<Spec>;
  readonly source: ObjectSource | undefined;
}

/** A host that requests can go to: a service, an entry for one outside, or what a cluster reported. */
export interface KnownService {
  /** Full name, or a wildcard. */
  readonly host: string;
  readonly namespace: string;
  readonly ports: readonly number[];
  readonly exportTo: readonly string[];
}

export class MeshIndex {
  readonly clusterDomain: string;
  readonly revision: Revision;
  readonly #entries = new Map<string, Entry>();
  /** Under each name every entry that stands there, by key. */
  readonly #places = new Map<string, Map<string, Entry>>();
  /** Hosts of services; a key may give several. */
  readonly #services = new Map<string, Map<string, KnownService>>();
  #reported = false;
  #version = 0;
  /** `owner host` of services with each port. */
  readonly #onPort = new Map<number, Set<string>>();

  /** `revision` is the installation that asks. */
  constructor({
    clusterDomain = "cluster.local",
    revision = ONLY_REVISION,
  }: { readonly clusterDomain?: string; readonly revision?: Revision } = {}) {
    this.clusterDomain = clusterDomain;
    this.revision = revision;
  }

  /** Another one after every change. */
  get version(): number {
    return this.#version;
  }

  /** Adds an object, or puts it in the place of an older one with its key. */
  put(parsed: ParsedObject | MeshObject): void {
    const { object, source } = "object" in parsed ? parsed : { object: parsed, source: undefined };
    const key = objectKey(object);
    this.remove(key);
    this.#version++;
    const entry = { key, object, source };
    this.#entries.set(key, entry);
    for (const place of this.#placesOf(entry)) this.#at(place).set(key, entry);
    for (const service of this.#servicesOf(entry)) this.#addService(service, key);
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#version++;
    this.#entries.delete(key);
    for (const place of this.#placesOf(entry)) drop(this.#places, place, key);
    for (const { host, ports } of this.#servicesOf(entry)) {
      drop(this.#services, host, key);
      for (const port of ports) this.#onPort.get(port)?.delete(`${key} ${host}`);
    }
  }

  /** A service that no object here defines, such as one that a cluster reported. */
  addService(service: KnownService): void {
    this.#reported = true;
    this.#addService(service, "reported");
  }

  #addService(service: KnownService, owner: string): void {
    this.#version++;
    const known = this.#services.get(service.host) ?? new Map<string, KnownService>();
    known.set(owner, service);
    this.#services.set(service.host, known);
    for (const port of service.ports) {
      const there = this.#onPort.get(port) ?? new Set<string>();
      this.#onPort.set(port, there.add(`${owner} ${service.host}`));
    }
  }

  entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  entry(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Keys of the objects that an object may be in conflict with. */
  rivals(key: string): Set<string> {
    const entry = this.#entries.get(key);
    const found = new Set<string>();
    for (const place of entry ? this.#placesOf(entry) : []) {
      if (!CONTESTED.test(place)) continue;
      for (const other of this.#found(place).keys()) if (other !== key) found.add(other);
    }
    if (entry) for (const other of this.#besides(entry)) found.add(other.key);
    return found;
  }

  /** Rules of the mesh where routes of the Gateway API are for their host, and the routes. */
  #besides({ object }: Entry): readonly Entry[] {
    const { metadata, spec } = object;
    switch (object.kind) {
      case "VirtualService": {
        const rule = object as MeshObject<VirtualService>;
        if (!gatewaysOf(rule).includes("mesh")) return [];
        const hosts = virtualServiceHosts(rule, this.clusterDomain);
        return hosts.flatMap((host) => this.meshRoutes(host));
      }
      case "ServiceEntry": {
        const hosts = (spec as ServiceEntryFacts).hosts ?? [];
        return hosts.flatMap((host) => [
          ...this.meshRules(host.toLowerCase()),
          ...this.meshRoutes(host.toLowerCase()),
        ]);
      }
      case "Gateway": {
        if (!object.apiVersion.startsWith("gateway.networking.")) return [];
        const name = `${metadata.namespace}/${metadata.name}`;
        const routes = this.#list(placeOf.routes(`Gateway/${name}`));
        return [
          ...this.#list(placeOf.listenerSets(name)),
          ...routes.filter((route) => route.object.kind in OTHER_KIND),
        ];
      }
      case "ListenerSet":
      case "XListenerSet": {
        const gateway = gatewayOfSet(spec as GatewayApi.ListenerSet, metadata.namespace);
        const parent = this.#entries.get(`gateway.networking.k8s.io/Gateway/${gateway}`);
        return parent ? [parent] : [];
      }
      default: {
        if (!object.kind.endsWith("Route")) return [];
        const { parentRefs = [] } = spec as RouteObject["spec"];
        return parentRefs.flatMap((parent) => [
          ...this.hostsOfParent(parent, metadata.namespace).flatMap((host) => this.meshRules(host)),
          ...this.#otherKind(object.kind, parentKey(parent, metadata.namespace)),
        ]);
      }
    }
  }

  /** An HTTPRoute and a GRPCRoute may want one host of a listener; routes of one kind share it. */
  #otherKind(kind: string, parent: string): Entry[] {
    const other = OTHER_KIND[kind];
    if (other === undefined) return [];
    return this.#list(placeOf.routes(parent)).filter(({ object }) => object.kind === other);
  }

  /** Whether any object of a kind is here: what is not known at all is not missing. */
  has(kind: "Pod" | "Secret" | "Namespace"): boolean {
    return this.#found(`kind ${kind}`).size > 0;
  }

  /** Whether a cluster's services are known. Entries for hosts outside say nothing of those inside. */
  hasServices(): boolean {
    return this.#reported || this.#found("kind Service").size > 0;
  }

  /** Whether any service has a port. */
  anyServiceOn(port: number): boolean {
    return (this.#onPort.get(port)?.size ?? 0) > 0;
  }

  /** Whether a wildcard covers the host of some service. */
  anyServiceUnder(pattern: string): boolean {
    for (const host of this.#services.keys()) if (hostMatches(pattern, host)) return true;
    return false;
  }

  /** Services of a host: by its own name, else by the most specific wildcard. */
  services(host: string): readonly KnownService[] {
    for (const name of [host, ...wildcardsOver(host)]) {
      const known = this.#services.get(name);
      if (known) return [...known.values()];
    }
    return [];
  }

  /** Rules of the mesh gateway that name a host, as it is written there in full. */
  meshRules(host: string): Entry<VirtualService>[] {
    return this.#list(`mesh host ${host}`);
  }

  /** Routes of the Gateway API whose parent is what defines a host: its Service, or a ServiceEntry. */
  meshRoutes(host: string): Entry<RouteObject["spec"]>[] {
    const named = splitServiceHost(host, this.clusterDomain);
    return [
      ...(named ? [`Service/${named.namespace}/${named.name}`] : []),
      ...this.serviceEntries(host).map(({ key }) => key),
    ].flatMap((parent) => this.#list<RouteObject["spec"]>(placeOf.routes(parent)));
  }

  /** Hosts of the mesh that a route with this parent is for; none where that is no part of the mesh. */
  hostsOfParent(parent: GatewayApi.ParentReference, ownNamespace: string): readonly string[] {
    const key = parentKey(parent, ownNamespace);
    if (key.startsWith("Service/")) {
      const namespace = parent.namespace ?? ownNamespace;
      return [serviceHost(parent.name, namespace, this.clusterDomain)];
    }
    if (!key.startsWith("networking.istio.io/ServiceEntry/")) return [];
    const entry = this.#entries.get(key) as Entry<ServiceEntryFacts> | undefined;
    return (entry?.object.spec.hosts ?? []).map((host) => host.toLowerCase());
  }

  /** Namespaces of what defines a host, whether it is here or not known yet. */
  namespacesOf(host: string): readonly string[] {
    const named = splitServiceHost(host, this.clusterDomain);
    return [
      ...(named ? [named.namespace] : []),
      ...this.serviceEntries(host).map(({ object }) => object.metadata.namespace),
    ];
  }

  /** Rules bound to a gateway (`namespace/name`). */
  rulesOfGateway(gateway: string): Entry<VirtualService>[] {
    return this.#list(`gateway ${gateway}`);
  }

  /** Rules that delegate to the VirtualService of a name. */
  rootsOf(namespace: string, name: string): Entry<VirtualService>[] {
    return this.#list(`delegate ${namespace}/${name}`);
  }

  /** Destination rules for exactly this host or wildcard. */
  destinationRules(host: string): Entry<DestinationRule>[] {
    return this.#list(`rule host ${host}`);
  }

  /** Fallbacks for exactly this host. */
  fallbacks(host: string): Entry<Fallback>[] {
    return this.#list(`fallback host ${host}`);
  }

  /** Destination rules that cover a host, by its name or a wildcard. */
  destinationRulesOver(host: string): Entry<DestinationRule>[] {
    return [host, ...wildcardsOver(host)].flatMap((name) => this.destinationRules(name));
  }

  peerAuthentications(namespace: string): Entry<PeerAuthentication>[] {
    return this.inScope("PeerAuthentication", namespace);
  }

  /** Objects of a namespace, of kinds that apply to its workloads. */
  inScope<Spec>(kind: string, namespace: string): Entry<Spec>[] {
    return this.#list(`scope ${kind} ${namespace}`);
  }

  /** ServiceEntries for exactly this host or wildcard, in lower case. */
  serviceEntries(host: string): Entry<ServiceEntryFacts>[] {
    return this.#list(`entry host ${host}`);
  }

  /** Gateways with a server on a port. */
  gatewaysOnPort(port: number): Entry<Gateway>[] {
    return this.#list(`gateway port ${port}`);
  }

  /** Ingresses of any class with a claim, by its `place`. */
  claimants(place: string): Entry<Ingress>[] {
    return this.#list(place);
  }

  /** IngressClasses that are marked as the default one. */
  defaultIngressClasses(): readonly MeshObject<IngressClass>[] {
    return this.placed(DEFAULT_INGRESS_CLASS);
  }

  /** Pods that a selector picks. */
  pods(selector: Readonly<Record<string, string>>): Entry<Pod>[] {
    const [first] = Object.entries(selector);
    const place = first ? `pod label ${first[0]}=${first[1]}` : "kind Pod";
    return this.#list<Pod>(place).filter(({ object }) =>
      labelsMatch(selector, object.metadata.labels),
    );
  }

  namespaces(): readonly string[] {
    return this.#list("kind Namespace").map(({ object }) => object.metadata.name);
  }

  /** Entries that stand under a name of `placeOf`. */
  at<Spec>(place: string): Entry<Spec>[] {
    return this.#list(place);
  }

  /** Objects that stand under a name of `placeOf`. */
  placed<Spec>(place: string): MeshObject<Spec>[] {
    return this.#list<Spec>(place).map(({ object }) => object);
  }

  #placesOf({ object }: Entry): string[] {
    const { kind, metadata } = object;
    const group = groupOf(object.apiVersion);
    switch (`${group}/${kind}`) {
      case "networking.istio.io/VirtualService": {
        const rule = object as MeshObject<VirtualService>;
        const gateways = gatewaysOf(rule);
        const hosts = virtualServiceHosts(rule, this.clusterDomain);
        return [
          ...(gateways.includes("mesh") ? hosts.map((host) => `mesh host ${host}`) : []),
          ...gateways.map((gateway) => `gateway ${gateway}`),
          ...(rule.spec.http ?? []).flatMap((route) => {
            const named = delegateOf(route, metadata.namespace);
            return named ? [`delegate ${named.namespace}/${named.name}`] : [];
          }),
        ];
      }
      case "networking.istio.io/DestinationRule": {
        const { host } = object.spec as DestinationRule;
        return [`rule host ${resolveHost(host, metadata.namespace, this.clusterDomain)}`];
      }
      case "heddle.dev/Fallback": {
        const { host } = object.spec as Fallback;
        return [`fallback host ${resolveHost(host, metadata.namespace, this.clusterDomain)}`];
      }
      case "networking.istio.io/Gateway": {
        const { servers = [] } = object.spec as Gateway;
        return servers.map(({ port }) => `gateway port ${port.number}`);
      }
      case "security.istio.io/AuthorizationPolicy":
      case "security.istio.io/PeerAuthentication":
      case "security.istio.io/RequestAuthentication":
      case "networking.istio.io/Sidecar":
      case "networking.istio.io/ProxyConfig":
      case "telemetry.istio.io/Telemetry":
      case "heddle.dev/OverloadPolicy":
      case "heddle.dev/RequestValidation":
        return [`scope ${kind} ${metadata.namespace}`];
      case "networking.istio.io/ServiceEntry": {
        const { hosts = [] } = object.spec as ServiceEntryFacts;
        return hosts.map((host) => `entry host ${host.toLowerCase()}`);
      }
      case "networking.k8s.io/Ingress":
        return [...new Set(claimsOf(object.spec as Ingress).map(({ place }) => place))];
      case "networking.k8s.io/IngressClass":
        return isDefaultIngressClass(object as MeshObject<IngressClass>)
          ? [DEFAULT_INGRESS_CLASS]
          : [];
      case "core/Pod": {
        const labels = Object.entries(metadata.labels);
        return ["kind Pod", ...labels.map(([name, value]) => `pod label ${name}=${value}`)];
      }
      case "core/Secret":
      case "core/Service":
        return [`kind ${kind}`];
      case "core/Namespace":
        return [`kind ${kind}`, ...gatewayApiPlaces(object)];
      default:
        return gatewayApiPlaces(object);
    }
  }

  #servicesOf({ object }: Entry): KnownService[] {
    const kind = `${groupOf(object.apiVersion)}/${object.kind}`;
    const { namespace } = object.metadata;
    if (kind === "core/Service") {
      const { host, ports, exportTo } = serviceOf(object as MeshObject<Service>, {
        clusterDomain: this.clusterDomain,
      });
      return [{ host, namespace, ports: ports.map(({ port }) => port), exportTo }];
    }
    if (kind !== "networking.istio.io/ServiceEntry") return [];
    const { hosts, ports, exportTo } = object.spec as ServiceEntry;
    const numbers = (ports ?? []).flatMap(({ number }) => (number === undefined ? [] : [number]));
    return (hosts ?? []).map((host) => ({
      host: host.toLowerCase(),
      namespace,
      ports: numbers,
      exportTo: exportTo ?? [],
    }));
  }

  #at(place: string): Map<string, Entry> {
    const found = this.#places.get(place);
    if (found) return found;
    const made = new Map<string, Entry>();
    this.#places.set(place, made);
    return made;
  }

  #found(place: string): ReadonlyMap<string, Entry> {
    return this.#places.get(place) ?? new Map<string, Entry>();
  }

  #list<Spec>(place: string): Entry<Spec>[] {
    return [...this.#found(place).values()] as Entry<Spec>[];
  }
}

/** What is read of a kind that is not translated yet. */
interface ServiceEntry {
  readonly hosts?: readonly string[];
  readonly ports?: readonly { readonly number?: number }[];
  readonly exportTo?: readonly string[];
}

/** `*.b.c`, `*.c`, `*` for `a.b.c`: the wildcards that cover a host, most specific first. */
function* wildcardsOver(host: string): Generator<string> {
  let rest = isWildcard(host) ? host.slice(1).replace(/^\./, "") : host;
  for (let dot = rest.indexOf("."); dot >= 0; dot = rest.indexOf(".")) {
    rest = rest.slice(dot + 1);
    yield `*.${rest}`;
  }
  yield "*";
}

function drop<V>(places: Map<string, Map<string, V>>, place: string, key: string): void {
  const found = places.get(place);
  found?.delete(key);
  if (found?.size === 0) places.delete(place);
}

/** Places that only one object may have, or few. */
const CONTESTED =
  /^(?:mesh host|rule host|fallback host|gateway port|entry host|scope|ingress path|ingress certificate|backend tls|listener set) /;

const OTHER_KIND: Readonly<Record<string, string>> = {
  HTTPRoute: "GRPCRoute",
  GRPCRoute: "HTTPRoute",
};

const DEFAULT_INGRESS_CLASS = "default ingress class";
