/** Answers the questions of decisions about the Gateway API from an index of a mesh. */
import {
  byAgeAndKind,
  type GatewayApi,
  type GatewayApiReader,
  type GatewayApiStatus,
  gatewayApiStatus,
  gatewayServices,
  type ListenerEntry,
  listenersOf,
  type MeshObject,
  placeOf,
  type RivalRoutes,
  routeRivalsOf,
  type RouteObject,
  type Service,
  serviceOf,
  type ServiceModel,
  splitServiceHost,
} from "@heddle/model";
import type { MeshIndex } from "./mesh-index.ts";

/** Pods that serve a Gateway name it so. */
const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

/**
 * The status of an object of the Gateway API by its key; undefined for all others, and for those of other controllers.
 * `whole`: all of a cluster is in the index, so that Services of Gateways that are not there are missing.
 */
export function gatewayApiStatusOf(
  index: MeshIndex,
  key: string,
  { whole = false }: { readonly whole?: boolean } = {},
): GatewayApiStatus | undefined {
  const object = index.entry(key)?.object;
  if (!object?.apiVersion.startsWith("gateway.networking.")) return undefined;
  return gatewayApiStatus(gatewayApiReader(index), object, {
    proxies: hasProxies(index, object),
    services: whole ? servicesOf(index, object) : undefined,
  });
}

function servicesOf(index: MeshIndex, object: MeshObject) {
  if (object.kind !== "Gateway") return undefined;
  const names = gatewayServices(object as MeshObject<GatewayApi.Gateway>, index.clusterDomain);
  return names.map(
    (name) => index.entry(`core/Service/${name}`)?.object as MeshObject<Service> | undefined,
  );
}

/** Undefined where no pods are known, and for a Gateway that names a Service as its address. */
function hasProxies(index: MeshIndex, { kind, metadata, spec }: MeshObject): boolean | undefined {
  if (kind !== "Gateway" || !index.has("Pod")) return undefined;
  const { addresses = [] } = spec as GatewayApi.Gateway;
  if (addresses.some(({ type }) => type === "Hostname")) return undefined;
  return index
    .pods({ [GATEWAY_NAME]: metadata.name })
    .some(({ object }) => object.metadata.namespace === metadata.namespace);
}

const readers = new WeakMap<MeshIndex, { readonly version: number; read: GatewayApiReader }>();

/** The same one for as long as the index does not change. */
export function gatewayApiReader(index: MeshIndex): GatewayApiReader {
  const known = readers.get(index);
  if (known?.version === index.version) return known.read;
  const read = readerOf(index);
  readers.set(index, { version: index.version, read });
  return read;
}

function readerOf(index: MeshIndex): GatewayApiReader {
  const { clusterDomain } = index;
  const listeners = new Map<string, readonly ListenerEntry[]>();
  const rivals = new Map<string, RivalRoutes>();
  const at = <Spec>(place: string) =>
    index.placed<Spec>(place).toSorted(byAgeAndKind) as readonly MeshObject<Spec>[];
  const read: GatewayApiReader = {
    clusterDomain,
    revision: index.revision,
    knowsSecrets: index.has("Secret"),
    knowsServices: index.hasServices(),
    object: <Spec>(key: string) => index.entry(key)?.object as MeshObject<Spec> | undefined,
    service: (host) => serviceAt(index, host),
    routes: (parent) => at<RouteObject["spec"]>(placeOf.routes(parent)),
    routesTo: (service) => at<RouteObject["spec"]>(placeOf.routesTo(service)),
    defaultedRoutes: () => at<RouteObject["spec"]>(placeOf.defaultedRoutes()),
    defaultGateways: () => at<GatewayApi.Gateway>(placeOf.defaultGateways()),
    listenerSets: (gateway) => at<GatewayApi.ListenerSet>(placeOf.listenerSets(gateway)),
    referenceGrants: (namespace) =>
      at<GatewayApi.ReferenceGrant>(placeOf.referenceGrants(namespace)),
    backendTlsPolicies: (service) =>
      at<GatewayApi.BackendTLSPolicy>(placeOf.backendTlsPolicies(service)),
    listeners: (gateway) => {
      const known = listeners.get(gateway);
      if (known) return known;
      const made = listenersOf(read, gateway);
      listeners.set(gateway, made);
      return made;
    },
    routeRivals: (parent) => {
      const known = rivals.get(parent);
      if (known) return known;
      const made = routeRivalsOf(read, parent);
      rivals.set(parent, made);
      return made;
    },
  };
  return read;
}

/** By its Kubernetes Service where that is here, else as much as a cluster has reported. */
export function serviceAt(index: MeshIndex, host: string): ServiceModel | undefined {
  const { clusterDomain } = index;
  const named = splitServiceHost(host, clusterDomain);
  const object = named && index.entry(`core/Service/${named.namespace}/${named.name}`)?.object;
  if (object) return serviceOf(object as MeshObject<Service>, { clusterDomain });
  const [known] = index.services(host);
  if (!known) return undefined;
  return {
    host,
    name: named?.name ?? host,
    namespace: known.namespace,
    clusterIPs: [],
    subnets: [],
    origin: "Service",
    resolution: "ENDPOINTS",
    external: false,
    headless: false,
    ports: known.ports.map((port) => ({ name: "", port, targetPort: port, protocol: "AUTO" })),
    labels: {},
    selector: {},
    key: named ? `core/Service/${named.namespace}/${named.name}` : "",
    subjectAltNames: [],
    exportTo: known.exportTo,
  };
}
