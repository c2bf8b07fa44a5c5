import type { MeshSettings } from "./mesh-settings.ts";
import type { NetworkGateway } from "./store/networks.ts";
import type {
  AuthorizationPolicy,
  DecidedMode,
  GatewayApiReader,
  DestinationRule,
  Fallback,
  Gateway,
  Ingress,
  IngressReader,
  MeshObject,
  OverloadPolicy,
  RateLimit,
  RequestValidation,
  RequestAuthentication,
  Sidecar,
  ServiceModel,
  Telemetry,
  VirtualService,
  WasmPlugin,
  WorkloadEndpoint,
} from "@heddle/model";
import type { SigningKeysState } from "./authentication/signing-keys.ts";
import type { EnvoyApi } from "./patch/envoy-api.ts";
import type { Families } from "./families.ts";
import type { ProxyDescription, Reach } from "./proxy.ts";
import type { Targeted } from "./store/by-target.ts";
import type { FiledFilter } from "./store/envoy-filters.ts";
import type { WasmModuleState } from "./wasm/module.ts";

/**
 * Everything that a derivation may ask of the model. Each call is a tracked read of one key, absence included, so a
 * derivation runs again exactly when an answer that it was given has changed. None answers with a whole collection,
 * except `hosts`, `part` and `ruledHosts`, which only the assembly of a view reads, and what ingress gateways ask of Ingresses.
 */
export interface ModelReader {
  readonly mesh: MeshSettings;
  /**
   * The service of a host as those see it whom a scope or namespace stands for, `""` being one that nobody has singled out.
   * Without it: what most see, else what anybody does.
   */
  service(host: string, scope?: string): ServiceModel | undefined;
  /** Every service that somebody sees under a host: several where namespaces define it each for itself. */
  variants(host: string): readonly ServiceModel[];
  /** Whether there is any host whose address is found when a request asks for it. */
  anyDynamicHosts(): boolean;
  /** Hosts of every service visible to a namespace, sorted. */
  hosts(namespace: string): readonly string[];
  /** Hosts of one of the parts that all hosts are divided into, visible or not, sorted. */
  part(part: number): readonly string[];
  /** Whether there is such a host and a namespace sees it. */
  visible(host: string, namespace: string): boolean;
  /** Whether some clients have a `clusterScope` of their own for the host. */
  scoped(host: string): boolean;
  /** Whether some namespace has a `routeScope` of its own for the host. */
  routeScoped(host: string): boolean;
  /** `""` for a namespace that sees the same hosts as one that nobody has singled out, else the namespace itself. */
  hostsScope(namespace: string): string;
  /** Ready endpoints of one port, sorted by address: of one service, or of a host's as `service` has it. */
  endpoints(of: string | ServiceModel, port: number): readonly WorkloadEndpoint[];
  /** Service accounts `namespace/name` of all endpoints of a port, ready or not, sorted. */
  serviceAccounts(of: string | ServiceModel, port: number): readonly string[];
  /** The rule of the mesh gateway that decides for a host, seen from a namespace. */
  virtualService(host: string, namespace: string): MeshObject<VirtualService> | undefined;
  /** Hosts and wildcards that rules of the mesh name, of one of the parts that all hosts are divided into, sorted. */
  ruledHosts(part: number): readonly string[];
  /** Rules of the mesh that name exactly this host or wildcard, oldest first. */
  rulesNaming(host: string): readonly MeshObject<VirtualService>[];
  /** Rules bound to one gateway, `namespace/name`, oldest first. */
  virtualServicesOfGateway(gateway: string): readonly MeshObject<VirtualService>[];
  /** The destination rule for a host as clients of a `clusterScope` see it: client's namespace, then service's, then root's. */
  destinationRule(host: string, scope: string): MeshObject<DestinationRule> | undefined;
  /** Fallbacks declared for a host, in whatever namespace, oldest first. */
  fallbacks(host: string): readonly MeshObject<Fallback>[];
  /** Gateways whose selector picks these labels, oldest first. */
  gateways(
    labels: Readonly<Record<string, string>>,
    namespace: string,
  ): readonly MeshObject<Gateway>[];
  /** What decisions about the Gateway API ask. */
  readonly gatewayApi: GatewayApiReader;
  /** What decisions about Ingresses ask. */
  readonly ingress: IngressReader;
  /** Ingresses of any class, oldest first. */
  ingresses(): readonly MeshObject<Ingress>[];
  /** Hosts that Ingresses of any class have rules for, sorted; `*` stands for rules without one, and for default backends. */
  ingressHosts(): readonly string[];
  /** Ingresses of any class with rules for one of these hosts, oldest first. */
  ingressesOfHost(host: string): readonly MeshObject<Ingress>[];
  /** Gateways of the Gateway API, `namespace/name`, that name a service as their address, oldest first. */
  gatewaysAt(host: string): readonly string[];
  /** Services whose endpoints include this address, sorted by host: what the workload serves. */
  servicesAt(address: string): readonly ServiceModel[];
  /** The workload behind an address, from its pod. */
  workload(address: string): WorkloadEndpoint | undefined;
  /** Mutual TLS asked of a workload by PeerAuthentication: mesh, namespace, workload and port merged. */
  peerAuthentication(
    namespace: string,
    labels: Readonly<Record<string, string>>,
    port: number,
  ): "DISABLE" | "PERMISSIVE" | "STRICT";
  /** Ports of a workload that a PeerAuthentication names, ascending, whether or not a service leads to them. */
  peerAuthenticationPorts(
    namespace: string,
    labels: Readonly<Record<string, string>>,
  ): readonly number[];
  /** The same, with the policy that says so. */
  decidedMutualTls(
    namespace: string,
    labels: Readonly<Record<string, string>>,
    port: number,
  ): DecidedMode;
  /** The Sidecar that a workload follows: one that selects it, else its namespace's, else the root namespace's. */
  sidecar(
    namespace: string,
    labels: Readonly<Record<string, string>>,
  ): MeshObject<Sidecar> | undefined;
  /** The OverloadPolicy for a workload or gateway: one that selects it, else its namespace's, else the root namespace's. */
  overloadPolicy(
    namespace: string,
    labels: Readonly<Record<string, string>>,
  ): MeshObject<OverloadPolicy> | undefined;
  /** The RequestValidation for a workload or gateway: one that names or selects it, else its namespace's, else the root namespace's. */
  requestValidation(proxy: Targeted): MeshObject<RequestValidation> | undefined;
  /** RateLimits that hold for a workload or gateway: the root namespace's, then its own; oldest first. */
  rateLimits(
    namespace: string,
    labels: Readonly<Record<string, string>>,
  ): readonly MeshObject<RateLimit>[];
  /** AuthorizationPolicies that are for a workload or gateway: the root namespace's first, then its own; oldest first. */
  authorizationPolicies(proxy: Targeted): readonly MeshObject<AuthorizationPolicy>[];
  /** RequestAuthentications that hold for a workload or gateway: the root namespace's, then its own; oldest first. */
  requestAuthentications(proxy: Targeted): readonly MeshObject<RequestAuthentication>[];
  /** Keys of tokens' issuers by `keySourceName`; undefined while they are on their way. */
  signingKeys(source: string): SigningKeysState | undefined;
  /** Names the mesh's last revocation, before which no connection may have been made; undefined where there was none. */
  revocation(): string | undefined;
  /** EnvoyFilters of a namespace, in the order in which they are applied. */
  envoyFilters(namespace: string): readonly FiledFilter[];
  /** Telemetry objects that are for a proxy, the root namespace's first. */
  telemetries(proxy: Targeted): readonly MeshObject<Telemetry>[];
  /** WasmPlugins that are for a proxy, the root namespace's first. */
  wasmPlugins(proxy: Targeted): readonly MeshObject<WasmPlugin>[];
  /** A module by `wasmModuleKey`; undefined while it is on its way. */
  wasmModule(key: string): WasmModuleState | undefined;
  /** What patches are read and applied with; absent where the translator was given none. */
  readonly envoyApi: EnvoyApi | undefined;
  /** Any one object by its key `group/Kind/namespace/name`: a Namespace's labels, whether a Secret exists, a delegate. */
  object<Spec>(key: string): MeshObject<Spec> | undefined;
  /** Keys of the client's labels that some rule's predicate reads, sorted. */
  predicateLabels(): readonly string[];
  /** Where a network is reached from others; none where nobody leads into it. */
  networkGateways(network: string): readonly NetworkGateway[];
  /** Whether any network is. */
  hasNetworks(): boolean;
  /**
   * Whom to derive a host's clusters for, on behalf of a client: its namespace where rules or visibility differ for it,
   * the namespace and a rule's `workloadSelector` where one picks the client, else `""`, which every question takes as a
   * namespace that nobody has singled out. Keys made of it are shared by all clients that get the same answers.
   */
  clusterScope(host: string, client: Pick<ClientView, "namespace" | "labels">): string;
  /** The client's namespace or `""`, for the VirtualService that decides for the host. */
  routeScope(host: string, namespace: string): string;
  /** The shared value of another derivation. Throws while that one fails and never had a value. */
  get<K, V>(derivation: Derivation<K, V>, key: K): V;
}

/** A pure function of the model with a name and a key, computed once for each key that somebody holds. */
export interface Derivation<K, V> {
  readonly name: string;
  /** Equal strings mean equal keys. */
  readonly keyOf: (key: K) => string;
  readonly compute: (read: ModelReader, key: K) => V;
}

export function derivation<K, V>(
  name: string,
  keyOf: (key: K) => string,
  compute: (read: ModelReader, key: K) => V,
): Derivation<K, V> {
  return { name, keyOf, compute };
}

/**
 * The part of a proxy that outbound resources depend on; proxies with equal keys share every resource. `labels` holds
 * only labels that some rule's predicate reads; `cohort` is `candidate` only while something is staged, and each cohort
 * has derivations of its own, so keys need not mention it.
 */
export interface ClientView {
  readonly key: string;
  readonly type: ProxyDescription["type"];
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Key of the Sidecar that it follows. */
  readonly sidecar?: string;
  readonly clusterId: string;
  readonly locality: ProxyDescription["locality"];
  readonly cohort: ProxyDescription["cohort"];
  /** Key of the patches that its clusters get; absent for none. */
  readonly patches?: string;
  /** `intercepted` where it is left out. */
  readonly reach?: Reach;
  /** IPv4 where it is left out. */
  readonly families?: Families;
  /** Its virtual hosts are asked for, but for few; false where it is left out. */
  readonly onDemand?: boolean;
  /** SDS name of what it presents to backends whose TLS a BackendTLSPolicy asks for; nothing where it is left out. */
  readonly certificate?: string;
}
