/** Istio's VirtualService in the intermediate form. */
import {
  delegatedRoutes,
  delegateOf,
  delegateProblem,
  type Destination as IstioDestination,
  gatewayReference,
  type HTTPMatchRequest,
  type HTTPRoute,
  type HTTPRouteDestination,
  type MeshObject,
  type L4MatchAttributes,
  resolveHost,
  type RouteDestination,
  type TCPRoute,
  type TLSMatchAttributes,
  type TLSRoute,
  type VirtualService,
  virtualServiceHosts,
} from "@heddle/model";
import type {
  ClientMatch,
  ConnectionDestination,
  ConnectionMatch,
  Destination,
  HttpDestination,
  HttpMatch,
  HttpRule,
  Mirror,
  RuleSet,
  TcpRule,
  TlsRule,
} from "./rule-set.ts";

/** Where the names of a rule are resolved. */
interface Place {
  readonly namespace: string;
  readonly clusterDomain: string;
}

/** `lookUp` gives the VirtualService of a name, which a route may delegate to. */
export function virtualServiceRules(
  object: MeshObject<VirtualService>,
  clusterDomain: string,
  lookUp: (namespace: string, name: string) => MeshObject<VirtualService> | undefined,
): RuleSet {
  const { namespace, name } = object.metadata;
  const place: Place = { namespace, clusterDomain };
  return {
    origin: { kind: "VirtualService", namespace, name },
    hosts: virtualServiceHosts(object, clusterDomain),
    http: (object.spec.http ?? []).flatMap((route): readonly HttpRule[] => {
      const named = delegateOf(route, namespace);
      if (named === undefined) return [httpRule(route, place)];
      const delegate = lookUp(named.namespace, named.name);
      if (delegate === undefined || delegateProblem(delegate, namespace) !== undefined) return [];
      // What is wrong in a route leads to the object that says it.
      const origin = { kind: "VirtualService", ...named };
      return delegatedRoutes(route, namespace, delegate, clusterDomain).routes.map((joined) => ({
        ...httpRule(joined, place),
        origin,
      }));
    }),
    tls: (object.spec.tls ?? []).map((route) => tlsRule(route, place)),
    tcp: (object.spec.tcp ?? []).map((route) => tcpRule(route, place)),
  };
}

function httpRule(route: HTTPRoute, place: Place): HttpRule {
  const { match, route: to, mirror, mirrors, mirrorPercent, mirrorPercentage, ...rest } = route;
  const { corsPolicy, delegate: _delegate, ...features } = rest;
  const copies: readonly Mirror[] = [
    ...(mirror
      ? [
          {
            destination: destination(mirror, place),
            percent: mirrorPercentage?.value ?? mirrorPercent ?? 100,
          },
        ]
      : []),
    ...(mirrors ?? []).map((each) => ({
      destination: destination(each.destination, place),
      percent: each.percentage?.value ?? 100,
    })),
  ];
  return {
    ...features,
    ...(corsPolicy ? { cors: corsPolicy } : {}),
    matches: match?.length ? match.map((each) => httpMatch(each, place)) : [{ client: {} }],
    destinations: (to ?? []).map((each) => httpDestination(each, place)),
    mirrors: copies,
  };
}

function httpMatch(match: HTTPMatchRequest, place: Place): HttpMatch {
  const { uri, ignoreUriCase, port, gateways, sourceLabels, sourceNamespace, ...asked } = match;
  return {
    ...asked,
    ...(uri ? { path: uri } : {}),
    ...(ignoreUriCase ? { ignorePathCase: true } : {}),
    client: clientMatch({ port, gateways, sourceLabels, sourceNamespace }, place.namespace),
  };
}

/** A match of requests that names gateways leaves source labels and namespace aside, as in Istio. */
function clientMatch(
  match: {
    readonly port: number | undefined;
    readonly gateways: readonly string[] | undefined;
    readonly sourceLabels: Readonly<Record<string, string>> | undefined;
    readonly sourceNamespace: string | undefined;
  },
  namespace: string,
): ClientMatch {
  const { port, gateways, sourceLabels, sourceNamespace } = match;
  const ofPort = port ? { port } : {};
  if (gateways && gateways.length > 0) {
    return { ...ofPort, gateways: gateways.map((name) => gatewayReference(name, namespace)) };
  }
  return { ...ofPort, ...sourceOf(sourceLabels, sourceNamespace) };
}

function httpDestination(
  { destination: to, weight, headers }: HTTPRouteDestination,
  place: Place,
): HttpDestination {
  return {
    ...destination(to, place),
    weight: weight ?? 0,
    ...(headers ? { headers } : {}),
  };
}

function tlsRule({ match, route }: TLSRoute, place: Place): TlsRule {
  return {
    matches: match.map((each) => ({
      ...connectionMatch(each, place.namespace),
      serverNames: each.sniHosts.map((name) => name.toLowerCase()),
    })),
    destinations: (route ?? []).map((each) => connectionDestination(each, place)),
  };
}

function tcpRule({ match, route }: TCPRoute, place: Place): TcpRule {
  return {
    matches: match?.length
      ? match.map((each) => connectionMatch(each, place.namespace))
      : [{ client: {} }],
    destinations: (route ?? []).map((each) => connectionDestination(each, place)),
  };
}

/** Unlike those of requests, these matches look at source labels and namespace beside gateways too, as in Istio. */
function connectionMatch(
  match: L4MatchAttributes | TLSMatchAttributes,
  namespace: string,
): ConnectionMatch {
  const { destinationSubnets, port, sourceLabels, sourceNamespace, gateways } = match;
  const sourceSubnet = "sourceSubnet" in match ? match.sourceSubnet : undefined;
  return {
    ...(destinationSubnets?.length ? { destinationSubnets } : {}),
    ...(sourceSubnet ? { sourceSubnet } : {}),
    client: {
      ...(port ? { port } : {}),
      ...(gateways?.length
        ? { gateways: gateways.map((name) => gatewayReference(name, namespace)) }
        : {}),
      ...sourceOf(sourceLabels, sourceNamespace),
    },
  };
}

function connectionDestination(
  { destination: to, weight }: RouteDestination,
  place: Place,
): ConnectionDestination {
  return { ...destination(to, place), weight: weight ?? 0 };
}

function sourceOf(
  sourceLabels: Readonly<Record<string, string>> | undefined,
  sourceNamespace: string | undefined,
): Pick<ClientMatch, "sourceLabels" | "sourceNamespace"> {
  return {
    ...(sourceLabels && Object.keys(sourceLabels).length > 0 ? { sourceLabels } : {}),
    ...(sourceNamespace ? { sourceNamespace } : {}),
  };
}

function destination(
  { host, port, subset }: IstioDestination,
  { namespace, clusterDomain }: Place,
): Destination {
  return {
    host: resolveHost(host, namespace, clusterDomain),
    ...(port?.number ? { port: port.number } : {}),
    ...(subset ? { subset } : {}),
  };
}
