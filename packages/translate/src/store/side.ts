/** All indexes over one reading of the model: everybody's, or the candidate cohort's. */
import {
  type AuthorizationPolicy,
  byAge,
  type Diagnostic,
  type MeshObject,
  objectKey,
  type OverloadPolicy,
  type RequestAuthentication,
  type Sidecar,
  type Telemetry,
  type WasmPlugin,
} from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import type { MeshSettings } from "../mesh-settings.ts";
import type { EnvoyApi } from "../patch/envoy-api.ts";
import { PoliciesByTarget } from "./by-target.ts";
import { DestinationRules } from "./destination-rules.ts";
import { EnvoyFilters } from "./envoy-filters.ts";
import { GatewayApiObjects } from "./gateway-api.ts";
import { ElsewhereData } from "./elsewhere.ts";
import { Fallbacks } from "./fallbacks.ts";
import { Gateways } from "./gateways.ts";
import { Ingresses } from "./ingresses.ts";
import type { ModelIndex } from "./index-of.ts";
import { Narrowest } from "./narrowest.ts";
import { Networks } from "./networks.ts";
import { Objects } from "./objects.ts";
import { PeerAuthentications } from "./peer-authentications.ts";
import { RateLimits } from "./rate-limits.ts";
import { Services } from "./services.ts";
import { VirtualServices } from "./virtual-services.ts";
import { type ClusterOfWorkloads, Workloads } from "./workloads.ts";

const AUTHORIZATION_POLICY = "security.istio.io/AuthorizationPolicy";
const REQUEST_AUTHENTICATION = "security.istio.io/RequestAuthentication";
const TELEMETRY = "telemetry.istio.io/Telemetry";
const WASM_PLUGIN = "extensions.istio.io/WasmPlugin";

export class Side {
  readonly objects: Objects;
  readonly services: Services;
  readonly workloads: Workloads;
  readonly networks: Networks;
  readonly virtualServices: VirtualServices;
  readonly destinationRules: DestinationRules;
  readonly fallbacks: Fallbacks;
  readonly gateways: Gateways;
  readonly gatewayApi: GatewayApiObjects;
  readonly ingresses: Ingresses;
  readonly peerAuthentications: PeerAuthentications;
  readonly requestAuthentications: PoliciesByTarget<RequestAuthentication>;
  readonly rateLimits: RateLimits;
  readonly overloadPolicies: Narrowest<OverloadPolicy>;
  readonly authorizationPolicies: PoliciesByTarget<AuthorizationPolicy>;
  readonly envoyFilters: EnvoyFilters;
  readonly sidecars: Narrowest<Sidecar>;
  readonly telemetries: PoliciesByTarget<Telemetry>;
  readonly wasmPlugins: PoliciesByTarget<WasmPlugin>;
  readonly #indexes: readonly ModelIndex[];
  readonly #byKind: ReadonlyMap<string, readonly ModelIndex[]>;

  /**
   * `unready` names WorkloadEntries that are no endpoints now; whoever changes it says so to `workloads`, and of `elsewhere` to
   * `networks` too.
   */
  constructor(
    claims: Claims,
    mesh: MeshSettings,
    cluster: ClusterOfWorkloads,
    envoyApi?: EnvoyApi,
    unready: ReadonlySet<string> = new Set(),
    elsewhere: ElsewhereData = new ElsewhereData(),
  ) {
    const { clusterDomain, rootNamespace } = mesh;
    this.objects = new Objects(claims);
    this.services = new Services(claims, mesh);
    this.workloads = new Workloads(claims, this.services, cluster, unready, elsewhere);
    this.networks = new Networks(claims, elsewhere);
    this.virtualServices = new VirtualServices(claims, clusterDomain);
    this.destinationRules = new DestinationRules(claims, {
      rootNamespace,
      clusterDomain,
      namespaceOf: (host, clientNamespace) => this.services.peek(host, clientNamespace)?.namespace,
      exceptionsOf: (host) => this.services.peekExceptions(host),
    });
    this.services.onChange((host) => this.destinationRules.serviceChanged(host));
    this.fallbacks = new Fallbacks(claims, clusterDomain);
    this.gateways = new Gateways(claims);
    this.gatewayApi = new GatewayApiObjects(claims);
    this.ingresses = new Ingresses(claims);
    this.peerAuthentications = new PeerAuthentications(claims, rootNamespace);
    this.requestAuthentications = new PoliciesByTarget(
      claims,
      rootNamespace,
      REQUEST_AUTHENTICATION,
      byAge,
    );
    this.rateLimits = new RateLimits(claims, rootNamespace);
    this.authorizationPolicies = new PoliciesByTarget(
      claims,
      rootNamespace,
      AUTHORIZATION_POLICY,
      byAge,
    );
    this.envoyFilters = new EnvoyFilters(claims, envoyApi);
    this.sidecars = new Narrowest<Sidecar>(claims, {
      kind: "networking.istio.io/Sidecar",
      rootNamespace,
      selectorOf: (spec) => spec.workloadSelector?.labels,
    });
    this.telemetries = new PoliciesByTarget(claims, rootNamespace, TELEMETRY, byAge);
    this.wasmPlugins = new PoliciesByTarget(claims, rootNamespace, WASM_PLUGIN, byAge);
    this.overloadPolicies = new Narrowest<OverloadPolicy>(claims, {
      kind: "heddle.dev/OverloadPolicy",
      rootNamespace,
      selectorOf: (spec) => spec.selector?.matchLabels,
    });
    this.#indexes = [
      this.services,
      this.workloads,
      this.networks,
      this.virtualServices,
      this.destinationRules,
      this.fallbacks,
      this.gateways,
      this.gatewayApi,
      this.ingresses,
      this.peerAuthentications,
      this.requestAuthentications,
      this.rateLimits,
      this.overloadPolicies,
      this.authorizationPolicies,
      this.envoyFilters,
      this.sidecars,
      this.wasmPlugins,
      this.telemetries,
    ];
    this.#byKind = indexesByKind(this.#indexes);
  }

  /** What is wrong with objects that no schema can find. */
  problems(): readonly Diagnostic[] {
    return this.envoyFilters.problems();
  }

  /** Changes plain data only; nobody is told before `flush`. Throws what an index throws, and is then without the object. */
  set(key: string, object: MeshObject<unknown> | undefined): void {
    const before = this.objects.peek(key);
    const after = object as MeshObject<never> | undefined;
    if (before === after) return;
    const indexes = this.#byKind.get(kindOfKey(key)) ?? [];
    try {
      for (const index of indexes) index.change(before, after);
    } catch (error) {
      for (const index of indexes) for (const gone of [before, after]) withdraw(index, gone);
      this.objects.set(key, undefined);
      throw error;
    }
    this.objects.set(key, after);
  }

  /** Lets every answer follow the data. */
  flush(): void {
    this.objects.flush();
    for (const index of this.#indexes) index.flush();
  }
}

/** What could not be put in may not come out without an error either. */
function withdraw(index: ModelIndex, object: MeshObject<never> | undefined): void {
  try {
    index.change(object, undefined);
  } catch {
    // The error that led here is the one that is reported.
  }
}

function indexesByKind(indexes: readonly ModelIndex[]): Map<string, ModelIndex[]> {
  const byKind = new Map<string, ModelIndex[]>();
  for (const index of indexes) {
    for (const kind of index.kinds) byKind.set(kind, [...(byKind.get(kind) ?? []), index]);
  }
  return byKind;
}

/** `group/Kind` of `group/Kind/namespace/name`. */
function kindOfKey(key: string): string {
  return key.slice(0, key.indexOf("/", key.indexOf("/") + 1));
}

/** Throws if a change's key is not its object's: a mistake of the caller that would leave the object unfindable. */
export function checkKey(key: string, object: MeshObject<unknown> | null | undefined): void {
  if (object !== null && object !== undefined && objectKey(object) !== key) {
    throw new TypeError(`change of ${key} carries ${objectKey(object)}`);
  }
}
