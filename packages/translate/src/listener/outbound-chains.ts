/** Filter chains by which one service is reached through a listener. */
import type { Filter, FilterChain, FilterChainMatch } from "@heddle/envoy/config/listener/v3";
import { httpConnectionManager } from "../filter/http-connection-manager.ts";
import { tableOfAsked } from "../names.ts";
import type { ModelReader } from "../read.ts";
import {
  ANY_CONNECTION,
  type ConnectionRoute,
  hostConnections,
  takesAll,
} from "../route/connection-routes.ts";
import type { Peer } from "../telemetry/peer.ts";
import {
  chainMatch,
  claim,
  type Claimed,
  connectionChains,
  targetChain,
} from "./connection-chains.ts";
import { PLAIN_HTTP } from "./listener-filters.ts";
import type { PortTarget } from "./outbound-port.ts";

/** HTTP in the clear. */
export const PLAIN_REQUESTS: FilterChainMatch = { applicationProtocols: [...PLAIN_HTTP] };

interface TargetKey {
  readonly peer: Peer;
  /** The route configuration of the port. */
  readonly tableName: string;
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

/** What chains of one listener have claimed: those for requests, and those for connections. */
export interface ListenerClaims {
  readonly requests: Claimed;
  readonly connections: Claimed;
}

/** Connections to the service, as far as anything tells that they are, and to where its rules lead them. */
export function targetChains(
  read: ModelReader,
  key: TargetKey,
  claims: ListenerClaims,
): TargetChains {
  const { peer, target } = key;
  const routes = read.get(hostConnections, target.connections).map((route) => within(route, key));
  const requests = target.sniffed ? requestChains(read, key, routes, claims.requests) : [];
  const connections = connectionChains(
    read,
    { peer },
    routes.filter(({ criteria }) => !takesAll(criteria)),
    claims.connections,
  );
  const rest = routes.find(({ criteria }) => takesAll(criteria));
  return {
    chains: [...requests, ...connections],
    ...(rest === undefined ? {} : { last: targetChain(read, { peer }, rest.target) }),
  };
}

/** What a rule says of addresses and names goes before what the service itself is known by. */
function within(route: ConnectionRoute, { alone, target }: TargetKey): ConnectionRoute {
  const { criteria } = route;
  const { host, tls } = target.connections;
  const byName = tls && !alone && criteria.serverNames.length === 0;
  const bySubnet = criteria.destinationSubnets.length === 0;
  return {
    ...route,
    criteria: {
      ...criteria,
      ...(byName ? { serverNames: [host] } : {}),
      ...(bySubnet ? { destinationSubnets: target.subnets } : {}),
    },
  };
}

/**
 * Envoy looks at addresses first: what is a request has to be said again for each subnet that connections are told apart by. The
 * table of a port takes those to any address.
 */
function requestChains(
  read: ModelReader,
  { peer, tableName, listener, port, table, target }: TargetKey,
  routes: readonly ConnectionRoute[],
  claimed: Claimed,
): readonly FilterChain[] {
  const { subnets, connections } = target;
  const name = table || subnets.length > 0 ? tableName : `${connections.host}:${port}`;
  const filters = [outboundHttp(read, peer, `outbound_${listener}`, name)];
  const everywhere = { ...ANY_CONNECTION, destinationSubnets: subnets };
  return [everywhere, ...routes.map(({ criteria }) => criteria)]
    .filter(({ destinationSubnets }) => !table || destinationSubnets.length > 0)
    .flatMap(({ destinationSubnets }) => claim({ ...ANY_CONNECTION, destinationSubnets }, claimed))
    .map((each) => ({ filterChainMatch: { ...chainMatch(each), ...PLAIN_REQUESTS }, filters }));
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
    guards: [],
    statPrefix,
    routes,
    dynamicHosts: read.anyDynamicHosts(),
    onDemand: tableOfAsked(routes) !== undefined,
  });
}
