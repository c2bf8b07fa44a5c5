/** Filter chains for connections that are not looked into, one for each way that they are told apart. */
import type { FilterChain, FilterChainMatch } from "@heddle/envoy/config/listener/v3";
import { type ConnectionPlace, routedTcpProxy } from "../filter/tcp-proxy.ts";
import type { ModelReader } from "../read.ts";
import type {
  ConnectionCriteria,
  ConnectionRoute,
  ConnectionTarget,
} from "../route/connection-routes.ts";
import { METADATA_NAMESPACE } from "../telemetry/peer.ts";
import { subnetOf } from "./subnet.ts";

/**
 * What filter chains of one listener have claimed. Envoy refuses a listener in which two chains match alike, be it by one name
 * or subnet of many: whoever comes first keeps it.
 */
export type Claimed = Set<string>;

/** What of the criteria nobody has claimed yet, which is claimed by that; as few as can be. */
export function claim(
  criteria: ConnectionCriteria,
  claimed: Claimed,
): readonly ConnectionCriteria[] {
  const names = criteria.serverNames.includes("*") ? [ANY] : orAny(criteria.serverNames);
  const destinations = orAny(criteria.destinationSubnets.map(canonical));
  const sources = orAny(criteria.sourceSubnets.map(canonical));
  const free = destinations.flatMap((destination) =>
    sources.map((source) => ({
      destination,
      source,
      names: names.filter((name) => !claimed.has(`${destination}|${source}|${name}`)),
    })),
  );
  for (const each of free) {
    for (const name of each.names) claimed.add(`${each.destination}|${each.source}|${name}`);
  }
  if (free.every((each) => each.names.length === names.length)) {
    return [criteriaFrom(names, destinations, sources)];
  }
  return free
    .filter((each) => each.names.length > 0)
    .map((each) => criteriaFrom(each.names, [each.destination], [each.source]));
}

export function chainMatch({
  serverNames,
  destinationSubnets,
  sourceSubnets,
}: ConnectionCriteria): FilterChainMatch {
  return {
    ...(destinationSubnets.length > 0 ? { prefixRanges: destinationSubnets.map(subnetOf) } : {}),
    ...(serverNames.length > 0 ? { serverNames } : {}),
    ...(sourceSubnets.length > 0 ? { sourcePrefixRanges: sourceSubnets.map(subnetOf) } : {}),
  };
}

/** One chain for each route, without what earlier ones have claimed. */
export function connectionChains(
  read: ModelReader,
  place: Omit<ConnectionPlace, "leg">,
  routes: readonly ConnectionRoute[],
  claimed: Claimed = new Set(),
): readonly FilterChain[] {
  return routes.flatMap(({ criteria, target }) =>
    claim(criteria, claimed).map((each): FilterChain => {
      const filterChainMatch = chainMatch(each);
      return {
        ...(Object.keys(filterChainMatch).length > 0 ? { filterChainMatch } : {}),
        ...targetChain(read, place, target),
      };
    }),
  );
}

/** Takes whatever connection it is given; leads back to the rules that it was made of. */
export function targetChain(
  read: ModelReader,
  place: Omit<ConnectionPlace, "leg">,
  target: ConnectionTarget,
): FilterChain {
  const { origin } = target;
  const config = origin && `${origin.kind} ${origin.namespace}/${origin.name}`;
  return {
    ...(config ? { metadata: { filterMetadata: { [METADATA_NAMESPACE]: { config } } } } : {}),
    filters: routedTcpProxy(read, { leg: "outbound", ...place }, target),
  };
}

const ANY = "";

function orAny(list: readonly string[]): readonly string[] {
  return list.length > 0 ? [...new Set(list)] : [ANY];
}

function criteriaFrom(
  names: readonly string[],
  destinations: readonly string[],
  sources: readonly string[],
): ConnectionCriteria {
  const given = (list: readonly string[]) => list.filter((each) => each !== ANY);
  return {
    serverNames: given(names),
    destinationSubnets: given(destinations),
    sourceSubnets: given(sources),
  };
}

function canonical(subnet: string): string {
  const { addressPrefix, prefixLen } = subnetOf(subnet);
  return `${addressPrefix}/${String(prefixLen)}`;
}
