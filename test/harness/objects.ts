/** Kubernetes and mesh objects of tests, with what the tests do not care about filled in. */
import type {
  AuthorizationPolicy,
  DestinationRule,
  EndpointSlice,
  Fallback,
  Gateway,
  Ingress,
  IngressClass,
  MeshObject,
  MeshSettingsSpec,
  PeerAuthentication,
  OverloadPolicy,
  RateLimit,
  RequestAuthentication,
  Sidecar,
  Pod,
  Service,
  ServiceEntry,
  VirtualService,
  WorkloadEntry,
  WorkloadGroup,
} from "@heddle/model";

export interface PodOptions {
  readonly name: string;
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly namespace?: string;
  /** Name of the Deployment that it belongs to. */
  readonly workload?: string;
  readonly serviceAccount?: string;
  /** Has a sidecar; true unless told otherwise. */
  readonly mesh?: boolean;
}

export function object<Spec>(
  apiVersion: string,
  kind: string,
  name: string,
  spec: Spec,
  namespace = "default",
  rest: Partial<MeshObject["metadata"]> = {},
): MeshObject<Spec> {
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, labels: {}, annotations: {}, ...rest },
    spec,
  };
}

export function pod({
  name,
  address,
  labels,
  namespace,
  workload,
  serviceAccount,
  mesh = true,
}: PodOptions): MeshObject<Pod> {
  const hash = "5d8c7b9f4";
  return object<Pod>(
    "v1",
    "Pod",
    name,
    {
      serviceAccountName: serviceAccount ?? "default",
      containers: [{ name: "app" }, ...(mesh ? [{ name: "heddle-proxy" }] : [])],
      status: { podIP: address, phase: "Running" },
    } as Pod,
    namespace,
    {
      labels: { ...labels, "pod-template-hash": hash },
      ...(workload
        ? {
            ownerReferences: [
              {
                apiVersion: "apps/v1",
                kind: "ReplicaSet",
                name: `${workload}-${hash}`,
                controller: true,
              },
            ],
          }
        : {}),
    },
  );
}

export interface Port {
  readonly name: string;
  readonly port: number;
  readonly targetPort?: number;
  readonly appProtocol?: string;
}

/** A Service and its one EndpointSlice. */
export function service(
  name: string,
  ports: readonly Port[],
  addresses: readonly string[],
  { namespace = "default", clusterIP = "None" as string } = {},
): readonly MeshObject[] {
  return [
    object<Service>(
      "v1",
      "Service",
      name,
      {
        clusterIP,
        ports: ports.map((each) => ({
          ...each,
          targetPort: each.targetPort ?? each.port,
          protocol: "TCP",
        })),
      } as Service,
      namespace,
    ),
    object<EndpointSlice>(
      "discovery.k8s.io/v1",
      "EndpointSlice",
      `${name}-1`,
      {
        addressType: "IPv4",
        endpoints: addresses.map((address) => ({
          addresses: [address],
          conditions: { ready: true },
        })),
        ports: ports.map(({ name: portName, port, targetPort }) => ({
          name: portName,
          port: targetPort ?? port,
          protocol: "TCP",
        })),
      } as EndpointSlice,
      namespace,
      { labels: { "kubernetes.io/service-name": name } },
    ),
  ];
}

export function virtualService(
  name: string,
  spec: VirtualService,
  namespace = "default",
): MeshObject<VirtualService> {
  return object("networking.istio.io/v1", "VirtualService", name, spec, namespace);
}

export function gateway(name: string, spec: Gateway, namespace = "default"): MeshObject<Gateway> {
  return object("networking.istio.io/v1", "Gateway", name, spec, namespace);
}

export function destinationRule(
  name: string,
  spec: DestinationRule,
  namespace = "default",
): MeshObject<DestinationRule> {
  return object("networking.istio.io/v1", "DestinationRule", name, spec, namespace);
}

export function peerAuthentication(
  name: string,
  spec: PeerAuthentication,
  namespace = "default",
): MeshObject<PeerAuthentication> {
  return object("security.istio.io/v1", "PeerAuthentication", name, spec, namespace);
}

export function authorizationPolicy(
  name: string,
  spec: AuthorizationPolicy,
  namespace = "default",
  annotations: Readonly<Record<string, string>> = {},
): MeshObject<AuthorizationPolicy> {
  const rest = { annotations };
  return object("security.istio.io/v1", "AuthorizationPolicy", name, spec, namespace, rest);
}

export function requestAuthentication(
  name: string,
  spec: RequestAuthentication,
  namespace = "default",
): MeshObject<RequestAuthentication> {
  return object("security.istio.io/v1", "RequestAuthentication", name, spec, namespace);
}

export function rateLimit(
  name: string,
  spec: RateLimit,
  namespace = "default",
): MeshObject<RateLimit> {
  return object("heddle.dev/v1", "RateLimit", name, spec, namespace);
}

export function sidecar(name: string, spec: Sidecar, namespace = "default"): MeshObject<Sidecar> {
  return object("networking.istio.io/v1", "Sidecar", name, spec, namespace);
}

/** An object of the Gateway API, in its version v1. */
export function gatewayApi<Spec>(
  kind: string,
  name: string,
  spec: Spec,
  namespace = "default",
): MeshObject<Spec> {
  return object("gateway.networking.k8s.io/v1", kind, name, spec, namespace);
}

export function serviceEntry(
  name: string,
  spec: ServiceEntry,
  namespace = "default",
): MeshObject<ServiceEntry> {
  return object("networking.istio.io/v1", "ServiceEntry", name, spec, namespace);
}

export function workloadEntry(
  name: string,
  spec: WorkloadEntry,
  rest: Partial<MeshObject["metadata"]> = {},
): MeshObject<WorkloadEntry> {
  return object("networking.istio.io/v1", "WorkloadEntry", name, spec, "default", rest);
}

export function workloadGroup(name: string, spec: WorkloadGroup): MeshObject<WorkloadGroup> {
  return object("networking.istio.io/v1", "WorkloadGroup", name, spec);
}

export function fallback(
  name: string,
  spec: Fallback,
  namespace = "default",
): MeshObject<Fallback> {
  return object("heddle.dev/v1", "Fallback", name, spec, namespace);
}

export function overloadPolicy(
  name: string,
  spec: OverloadPolicy,
  namespace = "default",
): MeshObject<OverloadPolicy> {
  return object("heddle.dev/v1", "OverloadPolicy", name, spec, namespace);
}

export function ingress(
  name: string,
  spec: Ingress,
  rest: Partial<MeshObject["metadata"]> = {},
): MeshObject<Ingress> {
  return object("networking.k8s.io/v1", "Ingress", name, spec, "default", rest);
}

export function ingressClass(
  name: string,
  spec: IngressClass,
  annotations: Readonly<Record<string, string>> = {},
): MeshObject<IngressClass> {
  return object("networking.k8s.io/v1", "IngressClass", name, spec, "", { annotations });
}

export function meshSettings(spec: MeshSettingsSpec): MeshObject<MeshSettingsSpec> {
  return object("heddle.dev/v1", "MeshSettings", "mesh", spec, "");
}
