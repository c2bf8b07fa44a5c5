/** Filter chains by which one service is reached through a listener. */
import type { Filter, FilterChain, FilterChainMatch } from "@heddle/envoy/config/listener/v3";
import { contextOf } from "../cluster/outbound.ts";
import { connectionPolicy } from "../filter/connection-policy.ts";
import { httpConnectionManager } from "../filter/http-connection-manager.ts";
import { sniForwardProxy } from "../filter/sni-forward-proxy.ts";
import { tcpProxy } from "../filter/tcp-proxy.ts";
import { outboundCluster } from "../names.ts";
import type { ModelReader } from "../read.ts";
import type { Peer } from "../telemetry/peer.ts";
import { PLAIN_HTTP } from "./listener-filters.ts";
import type { PortTarget } from "./outbound-port.ts";

/** HTTP in the clear. */
export const PLAIN_REQUESTS: FilterChainMatch = { applicationProtocols: [...PLAIN_HTTP] };

interface TargetKey {
  readonly peer: Peer;
  readonly port: number;
  /** Name of the listener. */
  readonly listener: string;
  /** The listener routes requests by the table of its port, which this service's are in. */
  readonly table: boolean;
  /** Nothing else is reached through the listener. */
  readonly alone: boolean;
  readonly target: PortTarget;
}

interface TargetChains {
  readonly chains: readonly FilterChain[];
  /** The chain of a service that takes all that is left. */
  readonly last?: FilterChain;
}

/** Connections to the service, as far as anything tells that they are. */
export function targetChains(read: ModelReader, key: TargetKey): TargetChains {
  const { peer, port, listener, table, alone, target } = key;
  const { host, tls, sniffed, subnets } = target;
  const filters = connections(read, key);
  const there = subnets.length === 0 ? {} : { prefixRanges: subnets.map(prefixRange) };
  if (tls && !alone) {
    return { chains: [{ filterChainMatch: { ...there, serverNames: [host] }, filters }] };
  }
  const requests =
    sniffed && !(table && subnets.length === 0)
      ? [
          {
            filterChainMatch: { ...there, ...PLAIN_REQUESTS },
            filters: [
              outboundHttp(
                read,
                peer,
                `outbound_${listener}`,
                subnets.length === 0 ? `${host}:${port}` : String(port),
              ),
            ],
          },
        ]
      : [];
  if (subnets.length > 0) return { chains: [...requests, { filterChainMatch: there, filters }] };
  return { chains: requests, last: { filters } };
}

/** Requests by a route configuration's name. */
export function outboundHttp(
  read: ModelReader,
  peer: Peer,
  statPrefix: string,
  routes: string,
): Filter {
  return httpConnectionManager(read, {
    leg: "outbound",
    edge: false,
    peer,
    limits: [],
    statPrefix,
    routes,
    dynamicHosts: read.anyDynamicHosts(),
  });
}

function connections(read: ModelReader, { peer, port, target }: TargetKey): readonly Filter[] {
  const { host, scope } = target;
  const context = contextOf(read, {
    host,
    port,
    subset: "",
    scope,
    reach: "intercepted",
  });
  const policy = context && connectionPolicy(context.policy);
  const proxy = tcpProxy(read, "outbound", peer, outboundCluster(host, port), policy);
  return context?.discovery === "DYNAMIC_DNS" ? [sniForwardProxy(context.port), ...proxy] : proxy;
}

function prefixRange(subnet: string): { addressPrefix: string; prefixLen: number } {
  const slash = subnet.lastIndexOf("/");
  return { addressPrefix: subnet.slice(0, slash), prefixLen: Number(subnet.slice(slash + 1)) };
}
