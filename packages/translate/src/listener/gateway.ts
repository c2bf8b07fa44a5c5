/** Listeners of a gateway. */
import type { Filter, FilterChain, Listener } from "@heddle/envoy/config/listener/v3";
import { objectKey } from "@heddle/model";
import { familiesOf } from "../families.ts";
import { httpConnectionManager } from "../filter/http-connection-manager.ts";
import type { ProxyDescription } from "../proxy.ts";
import { derivation, type ModelReader } from "../read.ts";
import { type GatewayServer, gatewayKeyOf, gatewayServers } from "../route/gateway-servers.ts";
import { type Peer, peerOfProxy } from "../telemetry/peer.ts";
import { peerKey } from "../telemetry/telemetry.ts";
import { ANY_ADDRESS, ANY_ADDRESS_V6, edgeAddress } from "./address.ts";
import { TLS_INSPECTOR } from "./listener-filters.ts";
import { listenerSecrets, listenerTls } from "./tls.ts";

/** One for each address and port that some server wants. */
export function gatewayListeners(read: ModelReader, proxy: ProxyDescription): readonly Listener[] {
  const peer = peerOfProxy(read, proxy);
  // Bound to every address of IPv6, it takes those of IPv4 too.
  const anywhere = familiesOf(proxy.addresses) === "v4" ? ANY_ADDRESS : ANY_ADDRESS_V6;
  const fallback = proxy.interception === "NONE" ? (proxy.addresses[0] ?? anywhere) : anywhere;
  const limits = read.rateLimits(proxy.namespace, proxy.labels).map(objectKey);
  const groups = new Map<string, GatewayServer[]>();
  for (const server of read.get(gatewayServers, gatewayKeyOf(proxy))) {
    const { protocol, bind } = server.listener;
    if (protocol !== "HTTP" && protocol !== "HTTPS") continue;
    const key = `${bind ?? fallback}_${server.port}`;
    const group = groups.get(key);
    if (group) group.push(server);
    else groups.set(key, [server]);
  }
  return [...groups.values()].flatMap((servers) => {
    const [first] = servers;
    if (!first) return [];
    const listener = read.get(gatewayListener, {
      peer,
      address: first.listener.bind ?? fallback,
      limits,
      port: first.port,
      // One port speaks one of the two; the first Gateway by key decides.
      servers: servers.filter(({ listener: each }) => each.protocol === first.listener.protocol),
    });
    return listener ? [listener] : [];
  });
}

/** Names of the certificates that a gateway's servers are offered with, sorted. */
export function gatewayListenerSecrets(
  read: ModelReader,
  proxy: ProxyDescription,
): readonly string[] {
  const names = read
    .get(gatewayServers, gatewayKeyOf(proxy))
    .flatMap(({ listener: { tls } }) => (tls ? listenerSecrets(tls, proxy.namespace) : []));
  return [...new Set(names)].toSorted();
}

interface GatewayListenerKey {
  readonly peer: Peer;
  /** Keys of the RateLimits that hold for the gateway. */
  readonly limits: readonly string[];
  readonly address: string;
  readonly port: number;
  readonly servers: readonly GatewayServer[];
}

const gatewayListener = derivation<GatewayListenerKey, Listener | undefined>(
  "listener/gateway",
  ({ peer, limits, address, port, servers }) =>
    JSON.stringify([
      address,
      port,
      limits,
      peerKey(peer),
      servers.map(({ listener, routeName }) => [routeName, listener]),
    ]),
  (read, { peer, limits, address, port, servers }) => {
    const filters = (routes: string): readonly Filter[] => [
      httpConnectionManager(read, {
        leg: "outbound",
        edge: true,
        peer,
        limits,
        statPrefix: `outbound_${address}_${port}`,
        routes,
      }),
    ];
    const [first] = servers;
    const secure = first?.listener.protocol === "HTTPS";
    const filterChains = secure
      ? secureChains(read, peer, servers, filters)
      : [{ filters: filters(first?.routeName ?? "") }];
    if (filterChains.length === 0) return undefined;
    return {
      name: `${address}_${port}`,
      address: edgeAddress(address, port),
      trafficDirection: "OUTBOUND",
      ...(secure ? { listenerFilters: [TLS_INSPECTOR] } : {}),
      filterChains,
    };
  },
);

/** By server name; Envoy refuses two chains for the same one, so the first Gateway keeps it. */
function secureChains(
  read: ModelReader,
  peer: Peer,
  servers: readonly GatewayServer[],
  filters: (routes: string) => readonly Filter[],
): readonly FilterChain[] {
  const taken = new Set<string>();
  return servers.flatMap(({ listener, routeName }): readonly FilterChain[] => {
    const { tls } = listener;
    const transportSocket = tls && listenerTls(tls, peer.namespace, read.mesh.trustDomain);
    const hosts = [...new Set(listener.hosts.map(({ host }) => host))];
    const free = hosts.filter((host) => !taken.has(host));
    if (!transportSocket || free.length === 0) return [];
    for (const host of free) taken.add(host);
    const filterChainMatch = free.includes("*") ? {} : { serverNames: free };
    return [{ name: routeName, filterChainMatch, transportSocket, filters: filters(routeName) }];
  });
}
