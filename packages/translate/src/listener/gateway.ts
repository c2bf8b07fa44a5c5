/** Listeners of a gateway. */
import type { Filter, FilterChain, Listener } from "@heddle/envoy/config/listener/v3";
import { familiesOf } from "../families.ts";
import { guardKeys } from "../filter/guards.ts";
import { sniCluster } from "../filter/sni-cluster.ts";
import { tcpProxy } from "../filter/tcp-proxy.ts";
import { httpConnectionManager } from "../filter/http-connection-manager.ts";
import type { GatewayListener } from "../form/gateway-listener.ts";
import {
  BLACK_HOLE_CLUSTER,
  gatewayClientCaSecret,
  gatewaySecret,
  MESH_HTTP_ALPN,
  MESH_TCP_ALPN,
} from "../names.ts";
import type { ProxyDescription } from "../proxy.ts";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import { ANY_CONNECTION, gatewayConnections } from "../route/connection-routes.ts";
import { type GatewayServer, gatewayKeyOf, gatewayServers } from "../route/gateway-servers.ts";
import { METADATA_NAMESPACE, type Peer, peerOfProxy } from "../telemetry/peer.ts";
import { peerKey } from "../telemetry/telemetry.ts";
import { ANY_ADDRESS, ANY_ADDRESS_V6, edgeAddress } from "./address.ts";
import { chainMatch, claim, type Claimed, connectionChains } from "./connection-chains.ts";
import { TLS_INSPECTOR } from "./listener-filters.ts";
import { listenerSecrets, listenerTls } from "./tls.ts";
import { marked } from "../revocation.ts";
import { acceptedTrustDomains } from "../trust-domains.ts";

/** One for each address and port that some server wants. */
export function gatewayListeners(
  read: ModelReader,
  proxy: ProxyDescription,
  view: ClientView,
): readonly Listener[] {
  const peer = peerOfProxy(read, proxy);
  // Bound to every address of IPv6, it takes those of IPv4 too.
  const anywhere = familiesOf(proxy.addresses) === "v4" ? ANY_ADDRESS : ANY_ADDRESS_V6;
  const fallback = proxy.interception === "NONE" ? (proxy.addresses[0] ?? anywhere) : anywhere;
  const guards = guardKeys(read, proxy);
  const groups = new Map<string, GatewayServer[]>();
  for (const server of read.get(gatewayServers, gatewayKeyOf(proxy))) {
    if (server.listener.protocol === "UDP") continue;
    const key = `${server.listener.bind ?? fallback}_${server.port}`;
    const group = groups.get(key);
    if (group) group.push(server);
    else groups.set(key, [server]);
  }
  return [...groups.values()].flatMap((servers) => {
    const [first] = servers;
    if (!first) return [];
    const layer = layerOf(first.listener);
    const listener = read.get(gatewayListener, {
      peer,
      view,
      address: first.listener.bind ?? fallback,
      guards,
      port: first.port,
      // One port speaks one of the three; the first gateway decides.
      servers: servers.filter((each) => layerOf(each.listener) === layer),
    });
    return listener ? [listener] : [];
  });
}

/** What can be told apart on one port: server names in TLS, hosts of requests, and nothing in bytes. */
function layerOf({ protocol }: GatewayListener): "requests" | "names" | "bytes" {
  switch (protocol) {
    case "HTTP":
      return "requests";
    case "HTTPS":
    case "TLS":
      return "names";
    case "TCP":
    // Datagrams have listeners of their own.
    case "UDP":
      return "bytes";
  }
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

/** Names of those of them that the proxy may have though they are of other namespaces than its own. */
export function grantedSecrets(read: ModelReader, proxy: ProxyDescription): ReadonlySet<string> {
  if (proxy.type !== "router") return NONE;
  const names = read.get(gatewayServers, gatewayKeyOf(proxy)).flatMap(({ listener: { tls } }) =>
    tls?.mode === "TERMINATE"
      ? tls.certificates.flatMap((each) =>
          "credential" in each && each.granted
            ? [
                gatewaySecret(proxy.namespace, each.credential),
                // Clients may be verified against what stands beside it.
                gatewayClientCaSecret(proxy.namespace, each.credential),
              ]
            : [],
        )
      : [],
  );
  return new Set(names);
}

const NONE: ReadonlySet<string> = new Set();

interface GatewayListenerKey {
  readonly peer: Peer;
  readonly view: ClientView;
  /** From `guardKeys`. */
  readonly guards: readonly string[];
  readonly address: string;
  readonly port: number;
  /** Never empty, all of one layer. */
  readonly servers: readonly GatewayServer[];
}

const gatewayListener = derivation<GatewayListenerKey, Listener | undefined>(
  "listener/gateway",
  ({ peer, view, guards, address, port, servers }) =>
    JSON.stringify([
      address,
      port,
      guards,
      peerKey(peer),
      view.key,
      servers.map(({ listener, routeName }) => [routeName, listener]),
    ]),
  (read, key) => {
    const { address, port, servers } = key;
    const [first] = servers;
    if (!first) return undefined;
    const layer = layerOf(first.listener);
    const filterChains =
      layer === "requests"
        ? [{ filters: requests(read, key, first.routeName, nameOf(servers)) }]
        : connectionsOf(read, key);
    if (filterChains.length === 0) return undefined;
    return {
      name: `${address}_${port}`,
      address: edgeAddress(address, port),
      trafficDirection: "OUTBOUND",
      ...(layer === "names" ? { listenerFilters: [TLS_INSPECTOR] } : {}),
      filterChains,
    };
  },
);

/** Servers that share a listener share its statistics: the first name counts. */
function nameOf(servers: readonly GatewayServer[]): string | undefined {
  return servers.find(({ listener }) => listener.name !== undefined)?.listener.name;
}

function requests(
  read: ModelReader,
  { peer, guards, address, port }: GatewayListenerKey,
  routes: string,
  name: string | undefined,
): readonly Filter[] {
  const statPrefix = `outbound_${name === undefined ? "" : `${name}_`}${address}_${port}`;
  const listening = { leg: "outbound", edge: true, peer, guards, statPrefix, routes } as const;
  return [httpConnectionManager(read, listening)];
}

/**
 * Told apart by what only proxies of the mesh offer, so that TLS of others on the port is not taken for theirs. The server name is
 * `outbound_.<port>_.<subset>_.<host>`, so that a host that is named whole covers names under it.
 */
function betweenNetworks(
  read: ModelReader,
  place: Pick<GatewayListenerKey, "peer" | "guards">,
  { hosts, origin }: GatewayListener,
  passed: Claimed,
): readonly FilterChain[] {
  const serverNames = hosts.map(({ host }) => (host.startsWith("*") ? host : `*.${host}`));
  return claim({ ...ANY_CONNECTION, serverNames }, passed).map((criteria) => ({
    filterChainMatch: {
      ...chainMatch(criteria),
      applicationProtocols: [...MESH_TCP_ALPN, ...MESH_HTTP_ALPN],
    },
    metadata: {
      filterMetadata: {
        [METADATA_NAMESPACE]: { config: `${origin.kind} ${origin.namespace}/${origin.name}` },
      },
    },
    filters: [...sniCluster, ...tcpProxy(read, { leg: "outbound", ...place }, BLACK_HOLE_CLUSTER)],
  }));
}

/** In the order of the servers: the first gateway keeps a server name that several want. */
function connectionsOf(read: ModelReader, key: GatewayListenerKey): readonly FilterChain[] {
  const { peer, guards, view, servers } = key;
  const place = { peer, guards };
  const claimed: Claimed = new Set();
  const passed: Claimed = new Set();
  return servers.flatMap(({ listener, routeName }): readonly FilterChain[] => {
    const { tls, hosts, protocol } = listener;
    if (tls?.mode === "AUTO_PASSTHROUGH") return betweenNetworks(read, place, listener, passed);
    if (tls === undefined || tls.mode === "PASSTHROUGH") {
      return connectionChains(
        read,
        place,
        read.get(gatewayConnections, { view, listener }),
        claimed,
      );
    }
    const layer = protocol === "HTTPS" ? "http" : "tcp";
    const transportSocket = listenerTls(
      tls,
      peer.namespace,
      acceptedTrustDomains(read.mesh),
      layer,
    );
    if (transportSocket === undefined) return [];
    const ended = (chain: FilterChain) => (tls.mode === "MESH" ? marked(read, chain) : chain);
    const names = hosts.map(({ host }) => host);
    if (layer === "http") {
      const filters = requests(read, key, routeName, listener.name);
      return claim({ ...ANY_CONNECTION, serverNames: names }, claimed).map((each) =>
        ended({ name: routeName, filterChainMatch: chainMatch(each), transportSocket, filters }),
      );
    }
    const routes = read
      .get(gatewayConnections, { view, listener })
      .map((route) => ({ ...route, criteria: { ...route.criteria, serverNames: names } }));
    return connectionChains(read, place, routes, claimed).map((chain) =>
      ended({ ...chain, transportSocket }),
    );
  });
}
