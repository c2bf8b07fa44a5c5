/** Where connections go that are not looked into: rules for TLS and TCP, for one place where they apply. */
import { hostMatches, type ServicePort } from "@heddle/model";
import { contextOf } from "../cluster/outbound.ts";
import { connectionPolicy, type ConnectionPolicy } from "../filter/connection-policy.ts";
import type { GatewayListener } from "../form/gateway-listener.ts";
import type {
  ClientMatch,
  ConnectionDestination,
  ConnectionMatch,
  Origin,
  RuleSet,
} from "../form/rule-set.ts";
import { heeds } from "../form/horizon.ts";
import { rulesForHost, rulesOfGateway } from "../form/rules.ts";
import { defaultEndpointCluster, outboundCluster } from "../names.ts";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import { clusterOf, portOf } from "./destination.ts";
import { admittedHosts } from "./gateway-hosts.ts";
import { concerns } from "./match.ts";
import { sharedView } from "./shared-view.ts";

/** What Envoy tells connections apart by. An empty list takes any. */
export interface ConnectionCriteria {
  readonly serverNames: readonly string[];
  readonly destinationSubnets: readonly string[];
  readonly sourceSubnets: readonly string[];
}

export const ANY_CONNECTION: ConnectionCriteria = {
  serverNames: [],
  destinationSubnets: [],
  sourceSubnets: [],
};

export interface ConnectionRoute {
  readonly criteria: ConnectionCriteria;
  readonly target: ConnectionTarget;
}

export interface ConnectionTarget {
  readonly statPrefix: string;
  /** Never empty; several share by weight. */
  readonly clusters: readonly { readonly name: string; readonly weight: number }[];
  /** Of the first destination's DestinationRule, as in Istio. */
  readonly policy: ConnectionPolicy;
  /** Where the first destination is whatever server TLS names: the port to find it at. */
  readonly anyServerAt: ServicePort | undefined;
  /** The rules' object; undefined where no rule speaks of the host. */
  readonly origin: Origin | undefined;
}

export interface HostConnectionsKey {
  /** False where the client's Sidecar does not take the rules that there are. */
  readonly ruled: boolean;
  /** As narrow as `sharedView` makes it. */
  readonly view: ClientView;
  readonly host: string;
  readonly port: number;
  /** TLS of the application's own, told apart by server name. */
  readonly tls: boolean;
}

const MESH: ReadonlySet<string> = new Set(["mesh"]);

/** The key for a client: shared with all clients that see the same. */
export function hostConnectionsKey(
  read: ModelReader,
  client: ClientView,
  { host, port, tls }: Pick<HostConnectionsKey, "host" | "port" | "tls">,
): HostConnectionsKey {
  const rules = rulesForHost(read, host, read.routeScope(host, client.namespace));
  return {
    ruled: rules === undefined || heeds(read, client, rules, host),
    view: sharedView(read, client, host),
    host,
    port,
    tls,
  };
}

export function hostConnectionsText({ ruled, view, host, port, tls }: HostConnectionsKey): string {
  return `${view.key}|${host}|${port}|${ruled}|${tls}`;
}

/**
 * To one port of a service, in the order of the rules. In TLS, rules that name servers leave other names without a route, as
 * in Istio; without any, and in the clear, what no rule takes goes to the service itself.
 */
export const hostConnections = derivation<HostConnectionsKey, readonly ConnectionRoute[]>(
  "route/host-connections",
  hostConnectionsText,
  (read, { ruled, view, host, port, tls }) => {
    const rules = ruled ? rulesForHost(read, host, view.namespace) : undefined;
    const place: Place = { read, view, port, gateways: MESH };
    const found =
      rules === undefined ? [] : tls ? byName(rules, place) : byConnection(rules, place);
    const isDone = tls ? found.length > 0 : found.some(({ criteria }) => takesAll(criteria));
    if (isDone) return found;
    const itself: ConnectionDestination = { host, port, weight: 1 };
    return [
      ...found,
      routeTo(undefined, outboundCluster(host, port), ANY_CONNECTION, [itself], place),
    ];
  },
);

interface GatewayConnectionsKey {
  readonly view: ClientView;
  readonly listener: GatewayListener;
}

/** Through a gateway: by server name where TLS is passed on, else by port alone. */
export const gatewayConnections = derivation<GatewayConnectionsKey, readonly ConnectionRoute[]>(
  "route/gateway-connections",
  ({ view, listener }) => `${view.key}|${JSON.stringify(listener)}`,
  (read, { view, listener }) => {
    const { gateway, port, tls } = listener;
    const place: Place = { read, view, port, gateways: new Set([gateway]) };
    const routes: ConnectionRoute[] = [];
    for (const rules of rulesOfGateway(read, gateway)) {
      if (admittedHosts(listener.hosts, rules).length === 0) continue;
      if (tls?.mode === "PASSTHROUGH")
        routes.push(...admitted(listener, rules, byName(rules, place)));
      else routes.push(...byConnection(rules, place));
      // Whatever takes every connection leaves nothing for the rules of younger objects.
      if (routes.some(({ criteria }) => takesAll(criteria))) break;
    }
    if (!routes.some(({ criteria }) => takesAll(criteria))) routes.push(...restOf(listener));
    return routes;
  },
);

/** What no rule takes, where the listener names an application for it. */
function restOf({ defaultEndpoint, hosts, tls }: GatewayListener): readonly ConnectionRoute[] {
  if (defaultEndpoint === undefined) return [];
  const name = defaultEndpointCluster(defaultEndpoint);
  const serverNames = tls?.mode === "PASSTHROUGH" ? hosts.map(({ host }) => host) : [];
  return [
    {
      criteria: { ...ANY_CONNECTION, serverNames },
      target: {
        statPrefix: name,
        clusters: [{ name, weight: 1 }],
        policy: {},
        anyServerAt: undefined,
        origin: undefined,
      },
    },
  ];
}

interface Place {
  readonly read: ModelReader;
  readonly view: ClientView;
  readonly port: number;
  readonly gateways: ReadonlySet<string>;
}

function byName(rules: RuleSet, place: Place): readonly ConnectionRoute[] {
  return rules.tls.flatMap(({ matches, destinations }) =>
    matches
      .filter(({ client }) => concernsConnection(client, place))
      .flatMap((match) => {
        const criteria = { ...criteriaOf(match, place), serverNames: match.serverNames };
        return routesTo(rules, criteria, destinations, place);
      }),
  );
}

/** Ends at the first rule that takes every connection. */
function byConnection(rules: RuleSet, place: Place): readonly ConnectionRoute[] {
  const routes: ConnectionRoute[] = [];
  for (const { matches, destinations } of rules.tcp) {
    for (const match of matches) {
      if (!concernsConnection(match.client, place)) continue;
      const criteria = criteriaOf(match, place);
      routes.push(...routesTo(rules, criteria, destinations, place));
      if (takesAll(criteria)) return routes;
    }
  }
  return routes;
}

/** A gateway's clients are strangers: where they are in the mesh says nothing of them. */
function concernsConnection({ port, gateways, ...client }: ClientMatch, place: Place): boolean {
  const listener: ClientMatch = {
    ...(port === undefined ? {} : { port }),
    ...(gateways === undefined ? {} : { gateways }),
  };
  return concerns(place.gateways === MESH ? { ...listener, ...client } : listener, place);
}

/** A gateway is the destination of every connection to it, whatever a rule for intercepted ones says. */
function criteriaOf(match: ConnectionMatch, place: Place): ConnectionCriteria {
  const { destinationSubnets = [], sourceSubnet } = match;
  return {
    serverNames: [],
    destinationSubnets: place.gateways === MESH ? destinationSubnets : [],
    sourceSubnets: sourceSubnet === undefined ? [] : [sourceSubnet],
  };
}

/** Names that the listener's hosts and the rule's server names share, the narrower of two that overlap. */
function admitted(
  listener: GatewayListener,
  { origin }: RuleSet,
  routes: readonly ConnectionRoute[],
): readonly ConnectionRoute[] {
  return routes.flatMap((route) => {
    const { serverNames } = route.criteria;
    const names = admittedHosts(listener.hosts, { hosts: serverNames, origin });
    if (names.length === 0) return [];
    return [{ ...route, criteria: { ...route.criteria, serverNames: withoutCovered(names) } }];
  });
}

/** Without names that another of them covers. */
function withoutCovered(names: readonly string[]): readonly string[] {
  return names.filter((name) => !names.some((other) => other !== name && hostMatches(other, name)));
}

function routesTo(
  { origin }: RuleSet,
  criteria: ConnectionCriteria,
  destinations: readonly ConnectionDestination[],
  place: Place,
): readonly ConnectionRoute[] {
  // A weight of 0 beside others takes no connection; Envoy refuses it.
  const chosen =
    destinations.length > 1 ? destinations.filter(({ weight }) => weight > 0) : destinations;
  if (chosen.length === 0) return [];
  return [routeTo(origin, `${origin.name}.${origin.namespace}`, criteria, chosen, place)];
}

function routeTo(
  origin: Origin | undefined,
  statPrefix: string,
  criteria: ConnectionCriteria,
  destinations: readonly ConnectionDestination[],
  place: Place,
): ConnectionRoute {
  const clusters = destinations.map((destination) => ({
    name: clusterOf(destination, place),
    weight: destination.weight,
  }));
  const [only] = clusters;
  return {
    criteria,
    target: {
      statPrefix: clusters.length === 1 && only ? only.name : statPrefix,
      clusters,
      ...termsOf(destinations[0], place),
      origin,
    },
  };
}

function termsOf(
  destination: ConnectionDestination | undefined,
  place: Place,
): Pick<ConnectionTarget, "policy" | "anyServerAt"> {
  const none = { policy: {}, anyServerAt: undefined };
  if (destination === undefined) return none;
  const { read, view } = place;
  const { host, subset = "" } = destination;
  const scope = read.clusterScope(host, view);
  const port = portOf(destination, place);
  const context = contextOf(read, { host, port, subset, scope, reach: "intercepted" });
  if (context === undefined) return none;
  return {
    policy: connectionPolicy(context.policy),
    anyServerAt: context.discovery === "DYNAMIC_DNS" ? context.port : undefined,
  };
}

export function takesAll({
  serverNames,
  destinationSubnets,
  sourceSubnets,
}: ConnectionCriteria): boolean {
  return serverNames.length + destinationSubnets.length + sourceSubnets.length === 0;
}
