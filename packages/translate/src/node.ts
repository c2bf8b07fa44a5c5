/** Reads a proxy's description of itself from the node of its xDS stream. */
import { isIpAddress } from "@heddle/model";
import { familiesOf } from "./families.ts";
import type { Cohort, Locality, ProxyDescription } from "./proxy.ts";

/** The part of Envoy's `config.core.v3.Node` that is read, in protobuf JSON. */
export interface XdsNode {
  readonly id?: string | undefined;
  readonly cluster?: string | undefined;
  readonly userAgentName?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly locality?:
    | {
        readonly region?: string | undefined;
        readonly zone?: string | undefined;
        readonly subZone?: string | undefined;
      }
    | undefined;
}

/** Where a pod's application listens when its traffic is intercepted. */
const LOOPBACK = "127.0.0.1";
const LOOPBACK_V6 = "::1";

/**
 * `node.id` is `sidecar~IP~POD.NAMESPACE~DOMAIN`, or `router~…` for a gateway. A client that knows nothing of that, such as
 * a plain gRPC client, is described as a sidecar without a pod; nothing here throws.
 */
export function parseNode(node: XdsNode): ProxyDescription {
  const id = node.id ?? "";
  const metadata = node.metadata ?? {};
  const [type = "", ip = "", name = "", domain = ""] = id.split("~");
  const dot = name.lastIndexOf(".");
  const [pod, podNamespace] = dot < 0 ? [name, ""] : [name.slice(0, dot), name.slice(dot + 1)];
  const namespace =
    text(metadata["NAMESPACE"]) || podNamespace || (domain.split(".svc")[0] ?? "") || "default";
  const addresses = addressesOf(metadata["INSTANCE_IPS"], ip);
  const port = Number(metadata["HTTP_PROXY_PORT"]);
  const proxyAddress = text(metadata["HTTP_PROXY_ADDRESS"]);
  const statsAddress = text(metadata["HEDDLE_STATS_ADDRESS"]);
  const version = text(metadata["ISTIO_VERSION"]);
  const interception = metadata["INTERCEPTION_MODE"] === "NONE" ? "NONE" : "REDIRECT";
  return {
    id,
    type: type === "router" ? "router" : "sidecar",
    addresses,
    pod,
    namespace,
    labels: textsOf(metadata["LABELS"]),
    serviceAccount: text(metadata["SERVICE_ACCOUNT"]) || "default",
    clusterId: text(metadata["CLUSTER_ID"]),
    locality: localityOf(node.locality),
    interception,
    httpProxyPort: Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined,
    proxyless: (node.userAgentName ?? "").startsWith("gRPC"),
    appAddress:
      text(metadata["APP_ADDRESS"]) || (familiesOf(addresses) === "v6" ? LOOPBACK_V6 : LOOPBACK),
    dnsCapture: truth(metadata["DNS_CAPTURE"]),
    onDemand: truth(metadata["HEDDLE_ON_DEMAND"]),
    cohort: cohortOf(metadata["HEDDLE_COHORT"]),
    ...(isIpAddress(proxyAddress) ? { httpProxyAddress: proxyAddress } : {}),
    ...(statsAddress === "" ? {} : { statsAddress }),
    ...(version === "" ? {} : { version }),
    metadata: textsOf(metadata),
  };
}

/** `INSTANCE_IPS` is a comma separated list; the id's address comes first whether or not it is in it. */
function addressesOf(instanceIps: unknown, ip: string): readonly string[] {
  const listed = Array.isArray(instanceIps) ? instanceIps.map(text) : text(instanceIps).split(",");
  const all = [ip, ...listed].map((address) => address.trim()).filter((address) => address !== "");
  return [...new Set(all)];
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
  );
}

function localityOf(locality: XdsNode["locality"]): Locality | undefined {
  const { region = "", zone = "", subZone = "" } = locality ?? {};
  return region === "" && zone === "" && subZone === ""
    ? undefined
    : { region, zone, subzone: subZone };
}

function cohortOf(value: unknown): Cohort {
  return value === "candidate" ? "candidate" : "stable";
}

function truth(value: unknown): boolean {
  return value === true || value === "true";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
