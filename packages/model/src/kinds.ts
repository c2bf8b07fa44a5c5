/** Every kind that may stand in a configuration: its API group, names, versions and schema. */
import type { z } from "zod";
import { groupOf } from "./object.ts";
import { authorizationPolicySchema } from "./schema/authorization-policy.ts";
import { destinationRuleSchema } from "./schema/destination-rule.ts";
import { envoyFilterSchema } from "./schema/envoy-filter.ts";
import { gatewaySchema } from "./schema/gateway.ts";
import {
  gatewayClassSchema,
  kubernetesGatewaySchema,
  listenerSetSchema,
} from "./schema/gateway-api/gateway.ts";
import { backendTlsPolicySchema, referenceGrantSchema } from "./schema/gateway-api/policies.ts";
import {
  grpcRouteSchema,
  httpRouteSchema,
  streamRouteSchema,
  tlsRouteSchema,
} from "./schema/gateway-api/routes.ts";
import { ingressClassSchema, ingressSchema } from "./schema/ingress.ts";
import {
  configMapSchema,
  deploymentSchema,
  endpointSliceSchema,
  namespaceSchema,
  podSchema,
  secretSchema,
  serviceAccountSchema,
  serviceSchema,
} from "./schema/kubernetes.ts";
import { meshSettingsSchema } from "./schema/mesh-settings.ts";
import { peerAuthenticationSchema } from "./schema/peer-authentication.ts";
import { proxyConfigSchema } from "./schema/proxy-config.ts";
import { requestAuthenticationSchema } from "./schema/request-authentication.ts";
import { serviceEntrySchema } from "./schema/service-entry.ts";
import { sidecarSchema } from "./schema/sidecar.ts";
import { telemetrySchema } from "./schema/telemetry.ts";
import { fallbackSchema } from "./schema/fallback.ts";
import { overloadPolicySchema } from "./schema/overload-policy.ts";
import { rateLimitSchema } from "./schema/rate-limit.ts";
import { virtualServiceSchema } from "./schema/virtual-service.ts";
import { trafficExtensionSchema, wasmPluginSchema } from "./schema/wasm-plugin.ts";
import { workloadEntrySchema } from "./schema/workload-entry.ts";
import { workloadGroupSchema } from "./schema/workload-group.ts";

export interface Kind {
  /** `networking.istio.io`; Kubernetes' group without a name is `core`. */
  readonly group: string;
  readonly kind: string;
  /** Lower case, as in REST paths. */
  readonly plural: string;
  /** Newest first; without the group. */
  readonly versions: readonly string[];
  readonly namespaced: boolean;
  /** Of `spec` as a `MeshObject` has it. */
  readonly schema: z.ZodType;
  /** `planned`: Istio has it and it is checked, Heddle does not translate it yet, and using one is an error. */
  readonly feature: "full" | "planned";
  /** Whether Kubernetes has its fields under `spec`; where not, they stand beside metadata. */
  readonly hasSpec: boolean;
  /** Whether an object without `spec` is refused; otherwise it counts as empty. */
  readonly needsSpec?: boolean;
  /** Kubernetes owns it: unknown fields are kept, and nothing is said of them. */
  readonly foreign: boolean;
}

const OURS = "heddle.dev";
const NETWORKING = "networking.istio.io";
const SECURITY = "security.istio.io";
const GATEWAY_API = "gateway.networking.k8s.io";
const TELEMETRY = "telemetry.istio.io";
const EXTENSIONS = "extensions.istio.io";
const SECURITY_VERSIONS = ["v1", "v1beta1"];

export const kinds: readonly Kind[] = [
  istio(NETWORKING, "VirtualService", "virtualservices", virtualServiceSchema),
  istio(NETWORKING, "DestinationRule", "destinationrules", destinationRuleSchema),
  istio(NETWORKING, "Gateway", "gateways", gatewaySchema),
  {
    ...istio(NETWORKING, "ServiceEntry", "serviceentries", serviceEntrySchema),
    needsSpec: true,
  },
  {
    ...istio(NETWORKING, "WorkloadEntry", "workloadentries", workloadEntrySchema),
    needsSpec: true,
  },
  {
    ...istio(NETWORKING, "WorkloadGroup", "workloadgroups", workloadGroupSchema),
    needsSpec: true,
  },
  istio(
    SECURITY,
    "PeerAuthentication",
    "peerauthentications",
    peerAuthenticationSchema,
    SECURITY_VERSIONS,
  ),
  {
    ...istio(OURS, "MeshSettings", "meshsettings", meshSettingsSchema, ["v1"]),
    namespaced: false,
  },
  istio(OURS, "Fallback", "fallbacks", fallbackSchema, ["v1"]),
  istio(OURS, "OverloadPolicy", "overloadpolicies", overloadPolicySchema, ["v1"]),
  istio(OURS, "RateLimit", "ratelimits", rateLimitSchema, ["v1"]),
  kubernetes("core", "Service", "services", serviceSchema),
  kubernetes("core", "Pod", "pods", podSchema),
  kubernetes("core", "Namespace", "namespaces", namespaceSchema, { namespaced: false }),
  kubernetes("core", "Secret", "secrets", secretSchema, { hasSpec: false }),
  kubernetes("core", "ConfigMap", "configmaps", configMapSchema, { hasSpec: false }),
  kubernetes("core", "ServiceAccount", "serviceaccounts", serviceAccountSchema, { hasSpec: false }),
  kubernetes("discovery.k8s.io", "EndpointSlice", "endpointslices", endpointSliceSchema, {
    hasSpec: false,
  }),
  kubernetes("apps", "Deployment", "deployments", deploymentSchema),
  kubernetes("networking.k8s.io", "Ingress", "ingresses", ingressSchema),
  kubernetes("networking.k8s.io", "IngressClass", "ingressclasses", ingressClassSchema, {
    namespaced: false,
  }),
  istio(NETWORKING, "Sidecar", "sidecars", sidecarSchema),
  istio(NETWORKING, "EnvoyFilter", "envoyfilters", envoyFilterSchema, ["v1alpha3"]),
  istio(NETWORKING, "ProxyConfig", "proxyconfigs", proxyConfigSchema, ["v1beta1"]),
  istio(
    SECURITY,
    "AuthorizationPolicy",
    "authorizationpolicies",
    authorizationPolicySchema,
    SECURITY_VERSIONS,
  ),
  istio(
    SECURITY,
    "RequestAuthentication",
    "requestauthentications",
    requestAuthenticationSchema,
    SECURITY_VERSIONS,
  ),
  istio(TELEMETRY, "Telemetry", "telemetries", telemetrySchema, ["v1", "v1alpha1"]),
  {
    ...istio(EXTENSIONS, "WasmPlugin", "wasmplugins", wasmPluginSchema, ["v1alpha1"]),
    needsSpec: true,
  },
  planned({
    ...istio(EXTENSIONS, "TrafficExtension", "trafficextensions", trafficExtensionSchema, [
      "v1alpha1",
    ]),
    needsSpec: true,
  }),
  {
    ...gatewayApi("GatewayClass", "gatewayclasses", gatewayClassSchema),
    namespaced: false,
  },
  gatewayApi("Gateway", "gateways", kubernetesGatewaySchema),
  gatewayApi("ListenerSet", "listenersets", listenerSetSchema, ["v1"]),
  {
    ...gatewayApi("XListenerSet", "xlistenersets", listenerSetSchema, ["v1alpha1"]),
    group: "gateway.networking.x-k8s.io",
  },
  gatewayApi("HTTPRoute", "httproutes", httpRouteSchema),
  gatewayApi("GRPCRoute", "grpcroutes", grpcRouteSchema, ["v1", "v1alpha2"]),
  gatewayApi("TLSRoute", "tlsroutes", tlsRouteSchema, ["v1", "v1alpha3", "v1alpha2"]),
  gatewayApi("TCPRoute", "tcproutes", streamRouteSchema, ["v1", "v1alpha2"]),
  gatewayApi("UDPRoute", "udproutes", streamRouteSchema, ["v1", "v1alpha2"]),
  gatewayApi("ReferenceGrant", "referencegrants", referenceGrantSchema, [
    "v1",
    "v1beta1",
    "v1alpha2",
  ]),
  gatewayApi("BackendTLSPolicy", "backendtlspolicies", backendTlsPolicySchema, ["v1", "v1alpha3"]),
];

const byName: ReadonlyMap<string, Kind> = new Map(
  kinds.map((kind) => [`${kind.group}/${kind.kind}`, kind]),
);

/** The kind that an object says it is, whatever the version; undefined where there is none of that name. */
export function kindOf(apiVersion: string, kind: string): Kind | undefined {
  return byName.get(`${groupOf(apiVersion)}/${kind}`);
}

// Groups that Kubernetes itself owns, all of whose other kinds a mesh passes over.
const KUBERNETES_GROUPS: ReadonlySet<string> = new Set([
  "apps",
  "batch",
  "autoscaling",
  "policy",
  "extensions",
]);
// Of the core group, where services and pods live, only these: a slip in `Service` must not pass.
const OTHER_CORE_KINDS: ReadonlySet<string> = new Set([
  "Binding",
  "Endpoints",
  "Event",
  "LimitRange",
  "Node",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "PodTemplate",
  "ReplicationController",
  "ResourceQuota",
]);

/** Whether Kubernetes has such objects and the mesh reads nothing of them. */
export function isPassedOver(apiVersion: string, kind: string): boolean {
  const group = groupOf(apiVersion);
  if (group === "core") return OTHER_CORE_KINDS.has(kind);
  if (group.startsWith("gateway.networking.") || group.endsWith("istio.io")) return false;
  return KUBERNETES_GROUPS.has(group) || group.endsWith(".k8s.io");
}

function istio(
  group: string,
  kind: string,
  plural: string,
  schema: z.ZodType,
  versions: readonly string[] = ["v1", "v1beta1", "v1alpha3"],
): Kind {
  const flags = { namespaced: true, hasSpec: true, foreign: false };
  return { group, kind, plural, versions, schema, feature: "full", ...flags };
}

function gatewayApi(
  kind: string,
  plural: string,
  schema: z.ZodType,
  versions: readonly string[] = ["v1", "v1beta1"],
): Kind {
  return istio(GATEWAY_API, kind, plural, schema, versions);
}

/** A kind that is checked in full and not yet in effect. */
function planned(kind: Kind): Kind {
  return { ...kind, feature: "planned" };
}

function kubernetes(
  group: string,
  kind: string,
  plural: string,
  schema: z.ZodType,
  { namespaced = true, hasSpec = true }: { namespaced?: boolean; hasSpec?: boolean } = {},
): Kind {
  const flags = { namespaced, hasSpec, foreign: true };
  return { group, kind, plural, versions: ["v1"], schema, feature: "full", ...flags };
}
