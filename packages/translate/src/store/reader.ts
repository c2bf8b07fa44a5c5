/** Answers a derivation's questions about the model, from one cohort's reading of it. */
import type { GatewayApiReader, IngressReader, MeshObject } from "@heddle/model";
import type { Engine } from "../engine/engine.ts";
import type { Cohort } from "../proxy.ts";
import type { Derivation, ModelReader } from "../read.ts";
import { ANY_NAMESPACE, answerFor } from "./by-namespace.ts";
import { namespaceOfScope, ruleFor, scopeOf } from "./destination-rules.ts";
import { gatewayApiListeners, gatewayApiRivals } from "../form/gateway-api/entries.ts";
import { NETWORK_LABEL } from "../endpoint/topology.ts";
import { consumerNamespaces } from "../form/gateway-api/mesh-parents.ts";
import type { Store } from "./store.ts";

export function createReader(store: Store, cohort: Cohort, engine: Engine): ModelReader {
  const side = () => store.side(cohort);
  const mesh = store.mesh(cohort);
  const gatewayApi: GatewayApiReader = {
    clusterDomain: mesh.clusterDomain,
    revision: store.revision,
    knowsSecrets: true,
    knowsServices: true,
    object: <Spec>(key: string) => side().objects.read(key) as MeshObject<Spec> | undefined,
    service: (host) => side().services.forHost(host),
    routes: (parent) => side().gatewayApi.routes(parent),
    routesTo: (service) => side().gatewayApi.routesTo(service),
    defaultedRoutes: () => side().gatewayApi.defaultedRoutes(),
    defaultGateways: () => side().gatewayApi.defaultGateways(),
    listenerSets: (gateway) => side().gatewayApi.listenerSets(gateway),
    referenceGrants: (namespace) => side().gatewayApi.referenceGrants(namespace),
    backendTlsPolicies: (service) => side().gatewayApi.backendTlsPolicies(service),
    listeners: (gateway) => engine.get(gatewayApiListeners, gateway),
    routeRivals: (parent) => engine.get(gatewayApiRivals, parent),
  };
  const ingress: IngressReader = {
    clusterDomain: mesh.clusterDomain,
    settings: mesh,
    object: gatewayApi.object,
    service: gatewayApi.service,
    defaultIngressClasses: () => side().ingresses.defaultClasses(),
  };
  return {
    gatewayApi,
    ingress,
    ingresses: () => side().ingresses.all(),
    ingressHosts: () => side().ingresses.hosts(),
    ingressesOfHost: (host) => side().ingresses.forHost(host),
    gatewaysAt: (host) =>
      side()
        .gatewayApi.gatewaysAt(host)
        .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    mesh,
    service: (host, scope) =>
      side().services.forHost(host, scope === undefined ? undefined : namespaceOfScope(scope)),
    variants: (host) => side().services.variants(host),
    anyDynamicHosts: () => side().services.anyDynamic(),
    hosts: (namespace) => side().services.hosts(namespace),
    part: (part) => side().services.part(part),
    visible: (host, namespace) => answerFor(side().services.visibility(host), namespace),
    endpoints: (of, port) => {
      const { services, workloads } = side();
      const service = typeof of === "string" ? services.forHost(of) : of;
      return service === undefined ? NOTHING : workloads.endpoints(service, port);
    },
    serviceAccounts: (of, port) => {
      const { services, workloads } = side();
      const service = typeof of === "string" ? services.forHost(of) : of;
      return service === undefined ? NOTHING : workloads.accounts(service, port);
    },
    servicesAt: (address) => side().workloads.servicesAt(address),
    workload: (address) => side().workloads.workload(address),
    virtualService: (host, namespace) => answerFor(side().virtualServices.forHost(host), namespace),
    ruledHosts: (part) => side().virtualServices.part(part),
    rulesNaming: (host) => side().virtualServices.naming(host),
    virtualServicesOfGateway: (gateway) => side().virtualServices.forGateway(gateway),
    destinationRule: (host, scope) => ruleFor(side().destinationRules.forHost(host), scope),
    fallbacks: (host) => side().fallbacks.forHost(host),
    gateways: (labels) => side().gateways.selecting(labels),
    peerAuthentication: (namespace, labels, port) =>
      side().peerAuthentications.decide(namespace, labels, port).mode,
    decidedMutualTls: (namespace, labels, port) =>
      side().peerAuthentications.decide(namespace, labels, port),
    peerAuthenticationPorts: (namespace, labels) =>
      side().peerAuthentications.portsOf(namespace, labels),
    predicateLabels: () => {
      const { services, virtualServices, destinationRules, networks } = side();
      return [
        ...new Set([
          ...(networks.any() ? [NETWORK_LABEL] : []),
          ...services.predicateLabels(),
          ...virtualServices.predicateLabels(),
          ...destinationRules.predicateLabels(),
        ]),
      ].toSorted();
    },
    networkGateways: (network) => side().networks.gateways(network),
    hasNetworks: () => side().networks.any(),
    sidecar: (namespace, labels) => side().sidecars.choose(namespace, labels),
    overloadPolicy: (namespace, labels) => side().overloadPolicies.choose(namespace, labels),
    requestValidation: ({ namespace, labels, type }) =>
      side().requestValidations.choose(namespace, labels, type),
    rateLimits: (namespace, labels) => side().rateLimits.selecting(namespace, labels),
    authorizationPolicies: (proxy) => side().authorizationPolicies.choosing(proxy),
    requestAuthentications: (proxy) => side().requestAuthentications.choosing(proxy),
    signingKeys: (source) => store.signingKeys.read(source),
    revocation: () => store.revocation.value,
    envoyFilters: (namespace) => side().envoyFilters.inNamespace(namespace),
    telemetries: (proxy) => side().telemetries.choosing(proxy),
    wasmPlugins: (proxy) => side().wasmPlugins.choosing(proxy),
    wasmModule: (key) => store.wasmModules.read(key),
    envoyApi: store.envoyApi,
    object: <Spec>(key: string) => side().objects.read(key) as MeshObject<Spec> | undefined,
    scoped: (host) => {
      const { services, destinationRules } = side();
      const { exceptions, selecting } = destinationRules.forHost(host);
      return services.visibility(host).exceptions.size > 0 || exceptions.size + selecting.size > 0;
    },
    routeScoped: (host) =>
      side().virtualServices.forHost(host).exceptions.size > 0 ||
      consumerNamespaces(gatewayApi, host).size > 0,
    hostsScope: (namespace) => (side().services.singledOut(namespace) ? namespace : ANY_NAMESPACE),
    clusterScope: (host, { namespace, labels }) => {
      const { services, destinationRules } = side();
      const scope = scopeOf(destinationRules.forHost(host), namespace, labels);
      if (scope !== ANY_NAMESPACE) return scope;
      return services.visibility(host).exceptions.has(namespace) ? namespace : ANY_NAMESPACE;
    },
    routeScope: (host, namespace) =>
      side().virtualServices.forHost(host).exceptions.has(namespace) ||
      consumerNamespaces(gatewayApi, host).has(namespace)
        ? namespace
        : ANY_NAMESPACE,
    get: <K, V>(derivation: Derivation<K, V>, key: K): V => engine.get(derivation, key),
  };
}

const NOTHING: readonly never[] = [];
