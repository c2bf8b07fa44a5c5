/** A Kubernetes Service as the mesh's registry holds it. */
import { objectKey } from "../object.ts";
import type { MeshObject } from "../object.ts";
import { serviceHost } from "../host.ts";
import type { Service } from "../kinds/kubernetes.ts";
import { nearnessOf } from "./nearness.ts";
import { protocolOf } from "./protocol.ts";
import type { ServiceModel } from "./types.ts";

export interface RegistryOptions {
  /** `cluster.local` unless the cluster was set up otherwise. */
  readonly clusterDomain?: string;
  readonly trustDomain?: string;
}

const EXPORT_TO = "networking.istio.io/exportTo";
const KUBERNETES_ACCOUNTS = "alpha.istio.io/kubernetes-serviceaccounts";
const CANONICAL_ACCOUNTS = "alpha.istio.io/canonical-serviceaccounts";

/** Reads a Service; its ports keep the order in which they were written. */
export function serviceOf(
  service: MeshObject<Service>,
  options: RegistryOptions = {},
): ServiceModel {
  const { clusterDomain = "cluster.local", trustDomain = "cluster.local" } = options;
  const { metadata, spec } = service;
  const { name, namespace, annotations } = metadata;
  const addresses = (spec.clusterIPs ?? [spec.clusterIP ?? ""]).filter(isAddress);
  const nearest = nearnessOf(spec.trafficDistribution, annotations);
  const external = spec.type === "ExternalName" && spec.externalName !== undefined;
  return {
    host: serviceHost(name, namespace, clusterDomain),
    name,
    namespace,
    clusterIPs: external ? [] : addresses,
    subnets: [],
    origin: "Service",
    resolution: external ? "DNS" : "ENDPOINTS",
    external: false,
    headless: !external && (spec.clusterIP === "None" || spec.clusterIPs?.[0] === "None"),
    ...(external ? { externalName: spec.externalName } : {}),
    ports: (spec.ports ?? []).map((port) => ({
      name: port.name ?? "",
      port: port.port,
      targetPort: port.targetPort ?? port.port,
      protocol: protocolOf(port),
    })),
    labels: metadata.labels,
    selector: spec.selector ?? {},
    key: objectKey(service),
    subjectAltNames: [
      ...list(annotations[CANONICAL_ACCOUNTS]),
      ...list(annotations[KUBERNETES_ACCOUNTS]).map(
        (account) => `spiffe://${trustDomain}/ns/${namespace}/sa/${account}`,
      ),
    ],
    ...(spec.internalTrafficPolicy === "Local" ? { nodeLocal: true } : {}),
    ...(nearest === undefined ? {} : { nearest }),
    exportTo: list(annotations[EXPORT_TO]),
  };
}

function isAddress(text: string): boolean {
  return text !== "" && text !== "None";
}

function list(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
