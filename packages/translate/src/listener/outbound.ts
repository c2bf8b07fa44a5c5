/** Listeners for what a sidecar's application sends. */
import type { FilterChain, Listener } from "@heddle/envoy/config/listener/v3";
import type { UnknownHosts } from "../form/egress.ts";
import { horizonOf, unknownHosts } from "../form/horizon.ts";
import { type BoundEgress, boundEgress, firstHost } from "../route/bound-egress.ts";
import { egressProxyCluster } from "../route/fallback.ts";
import { httpConnectionManager } from "../filter/http-connection-manager.ts";
import { blackHole, tcpProxy } from "../filter/tcp-proxy.ts";
import { contextOf } from "../cluster/outbound.ts";
import { connectionPolicy } from "../filter/connection-policy.ts";
import {
  BLACK_HOLE_CLUSTER,
  HTTP_PROXY_LISTENER,
  HTTP_PROXY_ROUTE,
  OUTBOUND_CAPTURE_PORT,
  outboundCluster,
  PASSTHROUGH_CLUSTER,
  VIRTUAL_OUTBOUND,
} from "../names.ts";
import type { ProxyDescription } from "../proxy.ts";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import { type ServicePort, servicePorts } from "../route/service-ports.ts";
import { type Peer, peerOfProxy } from "../telemetry/peer.ts";
import { peerKey } from "../telemetry/telemetry.ts";
import { ANY_ADDRESS, socketAddress } from "./address.ts";
import { HTTP_INSPECTOR, PLAIN_HTTP } from "./listener-filters.ts";

/** All of them; a proxy that intercepts nothing has at most the HTTP proxy. */
export function outboundListeners(
  read: ModelReader,
  proxy: ProxyDescription,
  view: ClientView,
): readonly Listener[] {
  const peer = peerOfProxy(read, proxy);
  const [address] = proxy.addresses;
  const explicit =
    proxy.httpProxyPort !== undefined && address !== undefined
      ? [read.get(httpProxyListener, { peer, address, port: proxy.httpProxyPort })]
      : [];
  const own = [...boundListeners(read, peer, view), ...explicit];
  return proxy.interception === "NONE" ? own : [...intercepting(read, peer, view), ...own];
}

/** What a Sidecar has its application connect to, where that is not intercepted. */
function boundListeners(read: ModelReader, peer: Peer, view: ClientView): readonly Listener[] {
  return boundEgress(read, view).flatMap((bound) => {
    if (bound.http) return [read.get(boundListener, { peer, bound, cluster: undefined })];
    const host = firstHost(read, view, bound);
    const cluster = host === undefined ? BLACK_HOLE_CLUSTER : outboundCluster(host, bound.port);
    return [read.get(boundListener, { peer, bound, cluster })];
  });
}

const boundListener = derivation<
  {
    readonly peer: Peer;
    readonly bound: BoundEgress;
    /** Of connections; undefined where requests are routed. */
    readonly cluster: string | undefined;
  },
  Listener
>(
  "listener/bound-egress",
  ({ peer, bound, cluster }) => `${JSON.stringify(bound)}|${cluster}|${peerKey(peer)}`,
  (read, { peer, bound, cluster }) => {
    const name = `${bound.address}_${bound.port}`;
    return {
      name,
      address: socketAddress(bound.address, bound.port),
      trafficDirection: "OUTBOUND",
      filterChains: [
        {
          filters:
            cluster === undefined
              ? [outboundHttp(read, peer, `outbound_${name}`, bound.routeName)]
              : tcpProxy(read, "outbound", peer, cluster),
        },
      ],
    };
  },
);

function intercepting(read: ModelReader, peer: Peer, view: ClientView): readonly Listener[] {
  const ports = read.get(servicePorts, horizonOf(read, view));
  const byName = new Map<string, Listener>();
  const add = (listener: Listener) => {
    const name = listener.name ?? "";
    // Two services cannot own one address and port; if the model says so, the first host has it.
    if (!byName.has(name)) byName.set(name, listener);
  };
  add(read.get(virtualOutbound, { peer, unknown: unknownHosts(read, view) }));
  for (const port of ports.http.keys()) add(read.get(httpListener, { peer, port }));
  for (const sniffed of [false, true]) {
    for (const target of sniffed ? ports.sniffed : ports.tcp) {
      for (const address of addressesOf(read, target)) {
        add(
          read.get(connectionListener, {
            peer,
            host: target.host,
            port: target.port,
            address,
            sniffed,
            scope: read.clusterScope(target.host, view),
          }),
        );
      }
    }
  }
  return [...byName.values()];
}

/** Clients of a headless service connect to its endpoints themselves. */
function addressesOf(read: ModelReader, { host, port, addresses }: ServicePort): readonly string[] {
  if (addresses.length > 0) return addresses;
  return [
    ...new Set(
      read
        .endpoints(host, port)
        .filter((endpoint) => endpoint.port === port)
        .map(({ address }) => address),
    ),
  ];
}

/** Takes what iptables sends and hands it to the listener of its destination; what has none goes through, or nowhere. */
const virtualOutbound = derivation<
  { readonly peer: Peer; readonly unknown: UnknownHosts },
  Listener
>(
  "listener/virtual-outbound",
  ({ peer, unknown }) => `${JSON.stringify(unknown)}|${peerKey(peer)}`,
  (read, { peer, unknown }) => {
    const { policy, proxy } = unknown;
    const through = proxy === undefined ? PASSTHROUGH_CLUSTER : egressProxyCluster(proxy);
    return {
      name: VIRTUAL_OUTBOUND,
      address: socketAddress(ANY_ADDRESS, OUTBOUND_CAPTURE_PORT),
      useOriginalDst: true,
      trafficDirection: "OUTBOUND",
      filterChains: [
        {
          // Connections to the capture port itself would be led back here for ever.
          name: `${VIRTUAL_OUTBOUND}-trap`,
          filterChainMatch: { destinationPort: OUTBOUND_CAPTURE_PORT },
          filters: [blackHole(BLACK_HOLE_CLUSTER)],
        },
        {
          name: `${VIRTUAL_OUTBOUND}-catchall-tcp`,
          filters: tcpProxy(
            read,
            "outbound",
            peer,
            policy === "ALLOW_ANY" ? through : BLACK_HOLE_CLUSTER,
          ),
        },
      ],
    };
  },
);

const httpListener = derivation<{ readonly peer: Peer; readonly port: number }, Listener>(
  "listener/outbound-http",
  ({ peer, port }) => `${port}|${peerKey(peer)}`,
  (read, { peer, port }) => ({
    name: `${ANY_ADDRESS}_${port}`,
    address: socketAddress(ANY_ADDRESS, port),
    bindToPort: false,
    trafficDirection: "OUTBOUND",
    filterChains: [
      { filters: [outboundHttp(read, peer, `outbound_${ANY_ADDRESS}_${port}`, String(port))] },
    ],
  }),
);

/** For an application that is told of a proxy: any host of the mesh with its port, one listener for all of them. */
const httpProxyListener = derivation<
  { readonly peer: Peer; readonly address: string; readonly port: number },
  Listener
>(
  "listener/http-proxy",
  ({ peer, address, port }) => `${address}|${port}|${peerKey(peer)}`,
  (read, { peer, address, port }) => ({
    name: HTTP_PROXY_LISTENER,
    address: socketAddress(address, port),
    trafficDirection: "OUTBOUND",
    filterChains: [
      { filters: [outboundHttp(read, peer, "outbound_http_proxy", HTTP_PROXY_ROUTE)] },
    ],
  }),
);

interface ConnectionKey {
  readonly peer: Peer;
  readonly host: string;
  readonly port: number;
  readonly address: string;
  /** Its protocol is not known: what looks like HTTP is routed by request. */
  readonly sniffed: boolean;
  /** From `clusterScope`. */
  readonly scope: string;
}

const connectionListener = derivation<ConnectionKey, Listener>(
  "listener/outbound-connection",
  ({ peer, host, port, address, sniffed, scope }) =>
    `${host}|${port}|${address}|${sniffed}|${scope}|${peerKey(peer)}`,
  (read, { peer, host, port, address, sniffed, scope }) => {
    const context = contextOf(read, { host, port, subset: "", scope, reach: "intercepted" });
    const policy = context && connectionPolicy(context.policy);
    const connections: FilterChain = {
      filters: tcpProxy(read, "outbound", peer, outboundCluster(host, port), policy),
    };
    const requests: FilterChain = {
      filterChainMatch: { applicationProtocols: [...PLAIN_HTTP] },
      filters: [outboundHttp(read, peer, `outbound_${address}_${port}`, `${host}:${port}`)],
    };
    return {
      name: `${address}_${port}`,
      address: socketAddress(address, port),
      bindToPort: false,
      trafficDirection: "OUTBOUND",
      ...(sniffed
        ? {
            listenerFilters: [HTTP_INSPECTOR],
            listenerFiltersTimeout: "5s",
            continueOnListenerFiltersTimeout: true,
            filterChains: [requests],
            defaultFilterChain: connections,
          }
        : { filterChains: [connections] }),
    };
  },
);

function outboundHttp(read: ModelReader, peer: Peer, statPrefix: string, routes: string) {
  return httpConnectionManager(read, {
    leg: "outbound",
    edge: false,
    peer,
    limits: [],
    statPrefix,
    routes,
  });
}
