/** The listener of one address and port, or of every address of a port, by which several services may be reached. */
import type { FilterChain, Listener } from "@heddle/envoy/config/listener/v3";
import type { Families } from "../families.ts";
import { tcpProxy } from "../filter/tcp-proxy.ts";
import type { UnknownHosts } from "../form/egress.ts";
import { BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER } from "../names.ts";
import { derivation, type ModelReader } from "../read.ts";
import { type HostConnectionsKey, hostConnectionsText } from "../route/connection-routes.ts";
import { egressProxyCluster } from "../route/fallback.ts";
import type { Peer } from "../telemetry/peer.ts";
import { peerKey } from "../telemetry/telemetry.ts";
import { anyAddress, socketAddress } from "./address.ts";
import { HTTP_INSPECTOR, TLS_INSPECTOR } from "./listener-filters.ts";
import { outboundHttp, PLAIN_REQUESTS, targetChains } from "./outbound-chains.ts";

/** One service that connections to a listener may be for. */
export interface PortTarget {
  /** In TLS clients name the host where nothing else tells it. */
  readonly connections: HostConnectionsKey;
  /** Its protocol is not known: what looks like HTTP is routed by request. */
  readonly sniffed: boolean;
  /** Only connections to these are for it; none: all that the listener takes. */
  readonly subnets: readonly string[];
}

export interface OutboundPortKey {
  readonly name: string;
  readonly peer: Peer;
  /** The route configuration of the port. */
  readonly tableName: string;
  readonly families: Families;
  /** Undefined for every address. */
  readonly address: string | undefined;
  readonly port: number;
  /** Requests are routed by the table of the port. */
  readonly http: boolean;
  readonly targets: readonly PortTarget[];
  /** What becomes of connections to none of the targets; undefined where there are none. */
  readonly unknown: UnknownHosts | undefined;
}

export const outboundPort = derivation<OutboundPortKey, Listener>(
  "listener/outbound-port",
  ({ name, peer, tableName, families, http, targets, unknown }) =>
    [
      name,
      tableName,
      families,
      http,
      JSON.stringify(unknown ?? ""),
      ...targets.map(({ connections, sniffed, subnets }) =>
        [hostConnectionsText(connections), sniffed, ...subnets].join(","),
      ),
      peerKey(peer),
    ].join("|"),
  (read, key) => {
    const { name, families, address, port } = key;
    const { chains, last } = chainsOf(read, key);
    return {
      name,
      ...(address === undefined
        ? anyAddress(families, port)
        : { address: socketAddress(address, port) }),
      bindToPort: false,
      trafficDirection: "OUTBOUND",
      ...inspectorsFor(chains),
      ...(chains.length === 0 && last !== undefined
        ? { filterChains: [last] }
        : { filterChains: chains, ...(last === undefined ? {} : { defaultFilterChain: last }) }),
    };
  },
);

interface Chains {
  /** Each asks for something of a connection. */
  readonly chains: readonly FilterChain[];
  /** Takes what none of them does. */
  readonly last: FilterChain | undefined;
}

/**
 * Requests by the table of the port, TLS by the name that it asks for, connections by their destination; what is left goes to
 * the first service, by host, that the port alone stands for, else where the mesh lets strangers go.
 */
function chainsOf(read: ModelReader, key: OutboundPortKey): Chains {
  const { name, peer, tableName, address, port, http, targets } = key;
  const routes = outboundHttp(read, peer, `outbound_${name}`, tableName);
  if (http && targets.length === 0) return { chains: [], last: { filters: [routes] } };
  // An address that one service has alone is enough to know it by.
  const alone = address !== undefined && targets.length === 1;
  const table = http || (address === undefined && targets.some(({ sniffed }) => sniffed));
  // The first service, by host, has what two of them ask for.
  const claims = { requests: new Set<string>(), connections: new Set<string>() };
  const perTarget = targets.map((target) =>
    targetChains(read, { peer, tableName, port, listener: name, table, alone, target }, claims),
  );
  const chains = [
    ...perTarget.flatMap((each) => each.chains),
    ...(table ? [{ filterChainMatch: PLAIN_REQUESTS, filters: [routes] }] : []),
  ];
  const last = perTarget.find((each) => each.last !== undefined)?.last;
  return { chains, last: last ?? strangers(read, peer, key.unknown) };
}

function strangers(
  read: ModelReader,
  peer: Peer,
  { policy, proxy }: UnknownHosts = { policy: "REGISTRY_ONLY" },
): FilterChain {
  const through = proxy === undefined ? PASSTHROUGH_CLUSTER : egressProxyCluster(proxy);
  const cluster = policy === "ALLOW_ANY" ? through : BLACK_HOLE_CLUSTER;
  return { filters: tcpProxy(read, { leg: "outbound", peer }, cluster) };
}

/** A client that waits for the server to speak first is let through after the time-out. */
function inspectorsFor(chains: readonly FilterChain[]): Partial<Listener> {
  const matches = chains.map(({ filterChainMatch }) => filterChainMatch ?? {});
  const tls = matches.some(({ serverNames }) => serverNames !== undefined);
  const http = matches.some(({ applicationProtocols }) => applicationProtocols !== undefined);
  if (!tls && !http) return {};
  return {
    listenerFilters: [...(tls ? [TLS_INSPECTOR] : []), ...(http ? [HTTP_INSPECTOR] : [])],
    listenerFiltersTimeout: "5s",
    continueOnListenerFiltersTimeout: true,
  };
}
