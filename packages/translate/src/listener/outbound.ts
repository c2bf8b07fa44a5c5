/** Listeners for what a sidecar's application sends. */
import type { Listener } from "@heddle/envoy/config/listener/v3";
import { isIpAddress } from "@heddle/model";
import { type Families, familiesOf, isReachable } from "../families.ts";
import { blackHole, tcpProxy } from "../filter/tcp-proxy.ts";
import type { UnknownHosts } from "../form/egress.ts";
import { horizonOf, unknownHosts } from "../form/horizon.ts";
import {
  BLACK_HOLE_CLUSTER,
  HTTP_PROXY_LISTENER,
  HTTP_PROXY_ROUTE,
  OUTBOUND_CAPTURE_PORT,
  PASSTHROUGH_CLUSTER,
  VIRTUAL_OUTBOUND,
} from "../names.ts";
import { tableNameOf } from "../on-demand/table.ts";
import type { ProxyDescription } from "../proxy.ts";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import { hostConnectionsKey } from "../route/connection-routes.ts";
import { egressProxyCluster } from "../route/fallback.ts";
import { type ServicePort, servicePorts } from "../route/service-ports.ts";
import { type Peer, peerOfProxy } from "../telemetry/peer.ts";
import { peerKey } from "../telemetry/telemetry.ts";
import { anyAddress, anyName, socketAddress } from "./address.ts";
import { boundListeners } from "./bound-egress.ts";
import { outboundHttp } from "./outbound-chains.ts";
import { outboundPort, type PortTarget } from "./outbound-port.ts";

/** All of them; a proxy that intercepts nothing has at most the HTTP proxy. */
export function outboundListeners(
  read: ModelReader,
  proxy: ProxyDescription,
  view: ClientView,
): readonly Listener[] {
  const peer = peerOfProxy(read, proxy);
  const address = proxy.httpProxyAddress ?? proxy.addresses[0];
  const explicit =
    proxy.httpProxyPort !== undefined && address !== undefined
      ? [
          read.get(httpProxyListener, {
            ...{ peer, address, port: proxy.httpProxyPort },
            tableName: tableNameOf(read, view, HTTP_PROXY_ROUTE),
          }),
        ]
      : [];
  const own = [...boundListeners(read, peer, view), ...explicit];
  return proxy.interception === "NONE" ? own : [...intercepting(read, proxy, peer, view), ...own];
}

/** What one listener is for, before it is made. */
interface Draft {
  /** Undefined for every address. */
  readonly address: string | undefined;
  readonly port: number;
  /** Requests are routed by the table of the port. */
  http: boolean;
  readonly targets: PortTarget[];
}

function intercepting(
  read: ModelReader,
  proxy: ProxyDescription,
  peer: Peer,
  view: ClientView,
): readonly Listener[] {
  const families = familiesOf(proxy.addresses);
  const drafts = new Map<string, Draft>();
  const draftOf = (address: string | undefined, port: number): Draft => {
    const name = `${address ?? anyName(families)}_${port}`;
    const known = drafts.get(name) ?? { address, port, http: false, targets: [] };
    drafts.set(name, known);
    return known;
  };
  const ports = read.get(servicePorts, horizonOf(read, view));
  const unknown = unknownHosts(read, view);
  for (const port of ports.http.keys()) draftOf(undefined, port).http = true;
  for (const sniffed of [false, true]) {
    for (const each of sniffed ? ports.sniffed : ports.tcp) {
      const { port, subnets } = each;
      const target = { connections: hostConnectionsKey(read, view, each), sniffed, subnets: [] };
      const own = addressesOf(read, each, proxy.dnsCapture);
      for (const address of own) {
        if (isReachable(address, families)) draftOf(address, port).targets.push(target);
      }
      if (subnets.length > 0) draftOf(undefined, port).targets.push({ ...target, subnets });
      if (each.anywhere && own.length === 0) draftOf(undefined, port).targets.push(target);
    }
  }
  return [
    read.get(virtualOutbound, { peer, families, unknown }),
    ...[...drafts].map(([name, draft]) =>
      read.get(outboundPort, {
        ...draft,
        name,
        peer,
        tableName: tableNameOf(read, view, String(draft.port)),
        families,
        // A listener for requests alone sends none to strangers, and is the same for clients that differ in that.
        unknown: draft.targets.length > 0 ? unknown : undefined,
      }),
    ),
  ];
}

/** Clients of a headless service connect to its endpoints themselves. */
function addressesOf(
  read: ModelReader,
  { host, port, addresses, anywhere, subnets, autoAddresses }: ServicePort,
  dnsCapture: boolean,
): readonly string[] {
  if (addresses.length > 0 || subnets.length > 0) return addresses;
  if (anywhere) return dnsCapture ? autoAddresses : [];
  return [
    ...new Set(
      read
        .endpoints(host, port)
        .filter((endpoint) => endpoint.port === port && isIpAddress(endpoint.address))
        .map(({ address }) => address),
    ),
  ];
}

/** Takes what iptables sends and hands it to the listener of its destination; what has none goes through, or nowhere. */
const virtualOutbound = derivation<
  { readonly peer: Peer; readonly families: Families; readonly unknown: UnknownHosts },
  Listener
>(
  "listener/virtual-outbound",
  ({ peer, families, unknown }) => `${families}|${JSON.stringify(unknown)}|${peerKey(peer)}`,
  (read, { peer, families, unknown }) => {
    const { policy, proxy } = unknown;
    const through = proxy === undefined ? PASSTHROUGH_CLUSTER : egressProxyCluster(proxy);
    return {
      name: VIRTUAL_OUTBOUND,
      ...anyAddress(families, OUTBOUND_CAPTURE_PORT),
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
            { leg: "outbound", peer },
            policy === "ALLOW_ANY" ? through : BLACK_HOLE_CLUSTER,
          ),
        },
      ],
    };
  },
);

/** For an application that is told of a proxy: any host of the mesh with its port, one listener for all of them. */
const httpProxyListener = derivation<
  {
    readonly peer: Peer;
    readonly tableName: string;
    readonly address: string;
    readonly port: number;
  },
  Listener
>(
  "listener/http-proxy",
  ({ peer, tableName, address, port }) => `${address}|${port}|${tableName}|${peerKey(peer)}`,
  (read, { peer, tableName, address, port }) => ({
    name: HTTP_PROXY_LISTENER,
    address: socketAddress(address, port),
    trafficDirection: "OUTBOUND",
    filterChains: [{ filters: [outboundHttp(read, peer, "outbound_http_proxy", tableName)] }],
  }),
);
