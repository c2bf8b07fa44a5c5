/**
 * Endpoints in another network than the client's: in their place stand the gateways into that network, which pass mutual TLS
 * on by its server name (`cluster/passed-through.ts`).
 */
import type { WorkloadEndpoint } from "@heddle/model";
import type { ClusterContext } from "../cluster/feature.ts";
import type { ProxyDescription } from "../proxy.ts";
import type { ModelReader } from "../read.ts";
import { gatewayKeyOf, gatewayServers } from "../route/gateway-servers.ts";
import type { NetworkGateway } from "../store/networks.ts";
import { takesMeshTls } from "./takes-mesh-tls.ts";
import { NETWORK_LABEL } from "./topology.ts";

/** No label has such a value: the proxy hands on what came from other networks, and hands nothing back to these. */
const ONLY = " only";

/**
 * What a proxy is asked by `NETWORK_LABEL`: the network that it says it is in, by its node's metadata or its label, else
 * that of its workload.
 */
export function networkOf(
  read: ModelReader,
  proxy: ProxyDescription,
  known: Pick<WorkloadEndpoint, "network"> | undefined,
): string {
  const network =
    proxy.metadata?.["NETWORK"] || proxy.labels[NETWORK_LABEL] || known?.network || "";
  if (network === "" || proxy.type !== "router") return network;
  const between = read
    .get(gatewayServers, gatewayKeyOf(proxy))
    .some(({ listener: { tls } }) => tls?.mode === "AUTO_PASSTHROUGH");
  return between ? `${network}${ONLY}` : network;
}

/**
 * As Istio has it: where either side's network is not known, or nobody leads into it, endpoints are reached by their own
 * addresses; those behind a gateway only by mutual TLS, which has the name that the gateway goes by. The weight of all that
 * is behind a network's gateways is theirs.
 */
export function acrossNetworks(
  context: ClusterContext,
  endpoints: readonly WorkloadEndpoint[],
): readonly WorkloadEndpoint[] {
  const { read, client } = context;
  const asked = client.labels[NETWORK_LABEL] ?? "";
  const only = asked.endsWith(ONLY);
  const own = only ? asked.slice(0, -ONLY.length) : asked;
  const near: WorkloadEndpoint[] = [];
  const behind = new Map<string, WorkloadEndpoint[]>();
  for (const endpoint of endpoints) {
    const { network = "", address } = endpoint;
    const elsewhere = own !== "" && network !== "" && network !== own;
    if (!elsewhere || read.networkGateways(network).length === 0) {
      if (address !== "") near.push(endpoint);
    } else if (!only && passesThrough(context, endpoint)) {
      behind.set(network, [...(behind.get(network) ?? []), endpoint]);
    }
  }
  if (behind.size === 0) return near;
  const counts = [...behind.keys()].map((network) => read.networkGateways(network).length);
  // Weights are whole numbers, and each gateway's share of what is behind it is one.
  const scale = counts.reduce(leastCommonMultiple, 1);
  return [
    ...near.map((each) => ({ ...each, weight: each.weight * scale })),
    ...[...behind].flatMap(([network, members]) => {
      const gateways = read.networkGateways(network);
      const weight = members.reduce((sum, each) => sum + each.weight, 0);
      return gateways.map((gateway) =>
        inPlaceOf(members, gateway, (weight * scale) / gateways.length),
      );
    }),
  ];
}

function passesThrough(context: ClusterContext, endpoint: WorkloadEndpoint): boolean {
  const mode = context.policy.tls?.mode;
  if (context.reach === "proxyless" || (mode !== undefined && mode !== "ISTIO_MUTUAL"))
    return false;
  return takesMeshTls(context, endpoint);
}

/** Of the workloads behind a gateway as much as they have in common. */
function inPlaceOf(
  members: readonly WorkloadEndpoint[],
  { address, port }: NetworkGateway,
  weight: number,
): WorkloadEndpoint {
  const [first] = members as readonly [WorkloadEndpoint];
  const shared = (
    field: "workload" | "app" | "version" | "canonicalService" | "canonicalRevision",
  ) => (members.every((each) => each[field] === first[field]) ? first[field] : "");
  const place = JSON.stringify(first.locality);
  const { hostname: _h, nodeName: _n, ...rest } = first;
  return {
    ...rest,
    address,
    port,
    pod: "",
    workload: shared("workload"),
    app: shared("app"),
    version: shared("version"),
    canonicalService: shared("canonicalService"),
    canonicalRevision: shared("canonicalRevision"),
    locality: members.every((each) => JSON.stringify(each.locality) === place)
      ? first.locality
      : undefined,
    mtls: true,
    weight,
  };
}

function leastCommonMultiple(a: number, b: number): number {
  return (a / greatestCommonDivisor(a, b)) * b;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
