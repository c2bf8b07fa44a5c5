/** Every kind that may stand in a configuration: its API group, names, versions and schema. */
import { z } from "zod";
import { groupOf } from "./object.ts";
import { destinationRuleSchema } from "./schema/destination-rule.ts";
import { gatewaySchema } from "./schema/gateway.ts";
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
import { peerAuthenticationSchema } from "./schema/peer-authentication.ts";
import { virtualServiceSchema } from "./schema/virtual-service.ts";

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
  /** `planned`: Istio has it, Heddle does not translate it yet, and using one is an error. */
  readonly feature: "full" | "planned";
  /** Whether Kubernetes has its fields under `spec`; where not, they stand beside metadata. */
  readonly hasSpec: boolean;
  /** Kubernetes owns it: unknown fields are kept, and nothing is said of them. */
  readonly foreign: boolean;
}

const NETWORKING = "networking.istio.io";
const SECURITY = "security.istio.io";
const GATEWAY_API = "gateway.networking.k8s.io";
const ANY = z.looseObject({});

export const kinds: readonly Kind[] = [
  istio(NETWORKING, "VirtualService", "virtualservices", virtualServiceSchema),
  istio(NETWORKING, "DestinationRule", "destinationrules", destinationRuleSchema),
  istio(NETWORKING, "Gateway", "gateways", gatewaySchema),
  istio(SECURITY, "PeerAuthentication", "peerauthentications", peerAuthenticationSchema, [
    "v1",
    "v1beta1",
  ]),
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
  planned(NETWORKING, "ServiceEntry", "serviceentries"),
  planned(NETWORKING, "Sidecar", "sidecars"),
  planned(NETWORKING, "WorkloadEntry", "workloadentries"),
  planned(NETWORKING, "WorkloadGroup", "workloadgroups"),
  planned(NETWORKING, "EnvoyFilter", "envoyfilters", ["v1alpha3"]),
  planned(NETWORKING, "ProxyConfig", "proxyconfigs", ["v1beta1"]),
  planned(SECURITY, "AuthorizationPolicy", "authorizationpolicies", ["v1", "v1beta1"]),
  planned(SECURITY, "RequestAuthentication", "requestauthentications", ["v1", "v1beta1"]),
  planned("telemetry.istio.io", "Telemetry", "telemetries", ["v1", "v1alpha1"]),
  planned("extensions.istio.io", "WasmPlugin", "wasmplugins", ["v1alpha1"]),
  planned("extensions.istio.io", "TrafficExtension", "trafficextensions", ["v1alpha1"]),
  {
    ...planned(GATEWAY_API, "GatewayClass", "gatewayclasses", ["v1", "v1beta1"]),
    namespaced: false,
  },
  planned(GATEWAY_API, "Gateway", "gateways", ["v1", "v1beta1"]),
  planned(GATEWAY_API, "HTTPRoute", "httproutes", ["v1", "v1beta1"]),
  planned(GATEWAY_API, "GRPCRoute", "grpcroutes", ["v1", "v1alpha2"]),
  planned(GATEWAY_API, "TLSRoute", "tlsroutes", ["v1", "v1alpha3", "v1alpha2"]),
  planned(GATEWAY_API, "TCPRoute", "tcproutes", ["v1alpha2"]),
  planned(GATEWAY_API, "ReferenceGrant", "referencegrants", ["v1", "v1beta1"]),
  planned(GATEWAY_API, "BackendTLSPolicy", "backendtlspolicies", ["v1", "v1alpha3"]),
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
  if (group === GATEWAY_API || group.endsWith("istio.io")) return false;
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

function planned(
  group: string,
  kind: string,
  plural: string,
  versions: readonly string[] = ["v1", "v1beta1", "v1alpha3"],
): Kind {
  const flags = { namespaced: true, hasSpec: true, foreign: false };
  return { group, kind, plural, versions, schema: ANY, feature: "planned", ...flags };
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
