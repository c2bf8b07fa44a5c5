/** Listeners for what a sidecar's application receives. */
import type { FilterChain, Listener } from "@heddle/envoy/config/listener/v3";
import { guardKeys } from "../filter/guards.ts";
import { httpConnectionManager } from "../filter/http-connection-manager.ts";
import { blackHole, tcpProxy } from "../filter/tcp-proxy.ts";
import {
  BLACK_HOLE_CLUSTER,
  INBOUND_CAPTURE_PORT,
  INBOUND_PASSTHROUGH_CLUSTER,
  inboundCluster,
  MESH_HTTP_ALPN,
  MESH_TCP_ALPN,
  VIRTUAL_INBOUND,
} from "../names.ts";
import { type Families, familiesOf } from "../families.ts";
import type { ProxyDescription } from "../proxy.ts";
import { derivation, type ModelReader } from "../read.ts";
import { inboundRoute, PASSTHROUGH_ROUTE } from "../route/inbound-route.ts";
import { handlingOf } from "../route/service-ports.ts";
import type { InboundPort } from "../resources.ts";
import type { Leg } from "../telemetry/labels.ts";
import { type Peer, peerOfProxy } from "../telemetry/peer.ts";
import { peerKey } from "../telemetry/telemetry.ts";
import { anyAddress, socketAddress } from "./address.ts";
import { inboundPorts } from "./inbound-ports.ts";
import {
  exceptAt,
  HTTP_INSPECTOR,
  ORIGINAL_DESTINATION,
  PLAIN_HTTP,
  TLS_INSPECTOR,
} from "./listener-filters.ts";
import { marked } from "../revocation.ts";
import { listenerTls, meshTls } from "./tls.ts";
import { acceptedTrustDomains } from "../trust-domains.ts";

type MutualTls = ReturnType<ModelReader["peerAuthentication"]>;

/** One port as its filter chains depend on it. */
interface PortKey {
  readonly peer: Peer;
  readonly mode: MutualTls;
  readonly host: string;
  readonly servicePort: number;
  readonly targetPort: number;
  readonly protocol: InboundPort["protocol"];
  readonly tls: InboundPort["tls"];
  /** From `guardKeys`. */
  readonly guards: readonly string[];
}

/** A port that no service leads to and a PeerAuthentication names, or all the others that no service leads to. */
interface UnservedPort {
  readonly port: number | typeof OTHERS;
  readonly mode: MutualTls;
}

const OTHERS = "others";
/** No port in particular: what PeerAuthentication says of the workload. */
const ANY_PORT = 0;

/** One listener for all ports where traffic is intercepted; without interception one on each port. */
export function inboundListeners(read: ModelReader, proxy: ProxyDescription): readonly Listener[] {
  const peer = peerOfProxy(read, proxy);
  const [address] = proxy.addresses;
  if (proxy.type !== "sidecar" || address === undefined) return [];
  const mode = (port: number) => read.peerAuthentication(proxy.namespace, proxy.labels, port);
  const guards = guardKeys(read, proxy);
  const asked = inboundPorts(read, proxy);
  const ports = asked.map(({ targetPort, servicePort, service, protocol, tls }): PortKey => ({
    peer,
    mode: mode(targetPort),
    host: service.host,
    servicePort,
    targetPort,
    protocol,
    tls,
    guards,
  }));
  const bound = (index: number) => asked[index]?.bind;
  const apart = ports.flatMap((port, index) => {
    const bind = bound(index) ?? (proxy.interception === "NONE" ? address : undefined);
    return bind === undefined ? [] : [read.get(portListener, { ...port, address: bind })];
  });
  if (proxy.interception === "NONE") return apart;
  const families = familiesOf(proxy.addresses);
  const led = ports.filter((_, index) => bound(index) === undefined);
  const served = new Set(led.map(({ targetPort }) => targetPort));
  const unserved: readonly UnservedPort[] = [
    ...read
      .peerAuthenticationPorts(proxy.namespace, proxy.labels)
      .flatMap((port) => (served.has(port) ? [] : [{ port, mode: mode(port) }])),
    { port: OTHERS, mode: mode(ANY_PORT) },
  ];
  return [read.get(virtualInbound, { peer, families, guards, unserved, ports: led }), ...apart];
}

/** `<address>:<target port>`, in front of an application that listens on another address. */
const portListener = derivation<PortKey & { readonly address: string }, Listener>(
  "listener/inbound-port",
  (key) => `${key.address}|${portText(key)}`,
  (read, key) => ({
    name: `${key.address}_${key.targetPort}`,
    address: socketAddress(key.address, key.targetPort),
    trafficDirection: "INBOUND",
    ...(isUnseen(key) ? {} : inspected(key)),
    filterChains: read.get(portChains, key),
  }),
);

function inspected({ protocol }: PortKey): Partial<Listener> {
  const sniffed = handlingOf(protocol) === "sniffed";
  return {
    listenerFilters: sniffed ? [TLS_INSPECTOR, HTTP_INSPECTOR] : [TLS_INSPECTOR],
    listenerFiltersTimeout: "5s",
    continueOnListenerFiltersTimeout: true,
  };
}

/**
 * Whether there is nothing to tell connections apart by. Looking all the same would hold up protocols in which the server
 * speaks first, or a client says little, until the time-out.
 */
function isUnseen({ mode, tls, protocol }: PortKey): boolean {
  return mode === "DISABLE" && tls === undefined && handlingOf(protocol) === "tcp";
}

interface CaptureKey {
  readonly peer: Peer;
  readonly families: Families;
  /** From `guardKeys`; of ports that no service leads to. */
  readonly guards: readonly string[];
  readonly unserved: readonly UnservedPort[];
  readonly ports: readonly PortKey[];
}

/** Everything that iptables leads here, by the port that it was sent to; other ports pass through to the application. */
const virtualInbound = derivation<CaptureKey, Listener>(
  "listener/virtual-inbound",
  ({ peer, families, guards, unserved, ports }) =>
    [
      ...[peerKey(peer), families, guards],
      unserved.map(({ port, mode }) => `${port}=${mode}`),
      ...ports.map(portText),
    ].join(";"),
  (read, { peer, families, guards, unserved, ports }) => ({
    name: VIRTUAL_INBOUND,
    ...anyAddress(families, INBOUND_CAPTURE_PORT),
    trafficDirection: "INBOUND",
    listenerFilters: [
      ORIGINAL_DESTINATION,
      ...[TLS_INSPECTOR, HTTP_INSPECTOR].map((filter) =>
        exceptAt(
          ports.filter(isUnseen).map(({ targetPort }) => targetPort),
          filter,
        ),
      ),
    ],
    // Elsewhere a protocol in which the server speaks first shows nothing to look at.
    listenerFiltersTimeout: "5s",
    continueOnListenerFiltersTimeout: true,
    filterChains: [
      {
        name: `${VIRTUAL_INBOUND}-blackhole`,
        filterChainMatch: { destinationPort: INBOUND_CAPTURE_PORT },
        filters: [blackHole(BLACK_HOLE_CLUSTER)],
      },
      ...ports.flatMap((port) =>
        read.get(portChains, port).map((chain) => onPort(chain, port.targetPort)),
      ),
      ...unserved.flatMap((port) => passthroughChains(read, port, peer, guards)),
    ],
  }),
);

/** What no service says the protocol of is looked at: requests are guarded as requests, and pass on to the port that they ask for. */
function passthroughChains(
  read: ModelReader,
  { port, mode }: UnservedPort,
  peer: Peer,
  guards: readonly string[],
): readonly FilterChain[] {
  const name = port === OTHERS ? VIRTUAL_INBOUND : `${VIRTUAL_INBOUND}-${port}`;
  const chains = chainsOf(read, mode, name, (leg) => ({
    http: [
      httpConnectionManager(read, {
        ...{ leg, edge: false, peer, guards },
        statPrefix: INBOUND_PASSTHROUGH_CLUSTER,
        routes: PASSTHROUGH_ROUTE,
      }),
    ],
    tcp: tcpProxy(read, { leg, peer, guards }, INBOUND_PASSTHROUGH_CLUSTER),
  }));
  return port === OTHERS ? chains : chains.map((chain) => onPort(chain, port));
}

const portChains = derivation<PortKey, readonly FilterChain[]>(
  "listener/port-chains",
  portText,
  (read, key) => {
    const { peer, mode, host, servicePort, targetPort, protocol, tls, guards } = key;
    const cluster = inboundCluster(targetPort);
    const handling = handlingOf(protocol);
    const http = (leg: Leg) => [
      httpConnectionManager(read, {
        leg,
        edge: false,
        peer,
        guards,
        statPrefix: `inbound_${targetPort}`,
        routes: inboundRoute(host, servicePort, targetPort),
      }),
    ];
    const tcp = (leg: Leg) => tcpProxy(read, { leg, peer, guards }, cluster);
    const transportSocket =
      tls &&
      listenerTls(
        tls,
        peer.namespace,
        acceptedTrustDomains(read.mesh),
        handling === "http" ? "http" : "tcp",
      );
    if (transportSocket) {
      const filters = handling === "http" ? http("plaintext") : tcp("plaintext");
      const filterChainMatch = { transportProtocol: "tls" };
      const name = `${targetPort}-tls`;
      const chain: FilterChain = { name, filterChainMatch, transportSocket, filters };
      return [tls?.mode === "MESH" ? marked(read, chain) : chain];
    }
    return chainsOf(read, mode, String(targetPort), (leg) => ({
      ...(handling === "http" ? { http: http(leg) } : { tcp: tcp(leg) }),
      ...(handling === "sniffed" ? { http: http(leg) } : {}),
    }));
  },
);

interface Handlers {
  readonly http?: NonNullable<FilterChain["filters"]>;
  readonly tcp?: NonNullable<FilterChain["filters"]>;
}

/**
 * Chains for one port by what the workload asks of its clients. STRICT: only TLS that proves an identity; anything else finds
 * no chain and is closed. PERMISSIVE: TLS of the mesh, told by its ALPN, is taken off; the rest goes on as it came, TLS of the
 * application's own included. DISABLE: everything goes on as it came.
 */
function chainsOf(
  read: ModelReader,
  mode: MutualTls,
  name: string,
  handlers: (leg: Leg) => Handlers,
): readonly FilterChain[] {
  const chains: FilterChain[] = [];
  const mutual = (chain: FilterChain) => chains.push(marked(read, chain));
  if (mode !== "DISABLE") {
    const { http, tcp } = handlers("mutual_tls");
    const trustDomains = acceptedTrustDomains(read.mesh);
    const permissive = mode === "PERMISSIVE";
    if (http && tcp) {
      // The name of an HTTP version beside ours: a client that knows that it sends requests.
      const versions = permissive ? MESH_HTTP_ALPN : ["h2", "http/1.1"];
      mutual({
        name: `${name}-mtls-http`,
        filterChainMatch: { transportProtocol: "tls", applicationProtocols: [...versions] },
        transportSocket: meshTls(trustDomains, "http"),
        filters: http,
      });
    }
    const filters = tcp ?? http;
    if (filters) {
      const ours = http && tcp ? MESH_TCP_ALPN : [...MESH_TCP_ALPN, ...MESH_HTTP_ALPN];
      const transportSocket = meshTls(trustDomains, tcp ? "tcp" : "http");
      // The same in both modes where it can be, so that a change of mode leaves connections of the mesh where they are.
      if (permissive || !(http && tcp)) {
        mutual({
          name: `${name}-mtls`,
          filterChainMatch: { transportProtocol: "tls", applicationProtocols: [...ours] },
          transportSocket,
          filters,
        });
      }
      if (!permissive) {
        mutual({
          name: `${name}-mtls-any`,
          filterChainMatch: { transportProtocol: "tls" },
          transportSocket,
          filters,
        });
      }
    }
  }
  if (mode === "STRICT") return chains;
  const { http, tcp } = handlers("plaintext");
  if (tcp && mode === "PERMISSIVE") {
    // Envoy looks no further once a chain is for TLS at all: TLS of the application's own needs one that says so.
    chains.push({
      name: `${name}-tls`,
      filterChainMatch: { transportProtocol: "tls" },
      filters: tcp,
    });
  }
  if (http && tcp) {
    chains.push({
      name: `${name}-plain-http`,
      filterChainMatch: { transportProtocol: "raw_buffer", applicationProtocols: [...PLAIN_HTTP] },
      filters: http,
    });
  }
  if (http && !tcp)
    chains.push({
      name: `${name}-plain`,
      filterChainMatch: { transportProtocol: "raw_buffer" },
      filters: http,
    });
  if (tcp) chains.push({ name: `${name}-plain`, filterChainMatch: {}, filters: tcp });
  return chains;
}

function onPort(chain: FilterChain, destinationPort: number): FilterChain {
  return { ...chain, filterChainMatch: { ...chain.filterChainMatch, destinationPort } };
}

function portText(key: PortKey): string {
  const { peer, mode, host, servicePort, targetPort, protocol, tls, guards } = key;
  const offered = tls && JSON.stringify(tls);
  return [mode, host, servicePort, targetPort, protocol, offered, guards, peerKey(peer)].join("|");
}
