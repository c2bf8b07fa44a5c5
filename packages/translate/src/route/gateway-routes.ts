/** Route configurations of a gateway. */
import type { Route, RouteConfiguration, VirtualHost } from "@heddle/envoy/config/route/v3";
import { bySpecificity, hostMatches } from "@heddle/model";
import { rulesOfGateway } from "../form/rules.ts";
import type { RuleSet } from "../form/rule-set.ts";
import { type ClientView, derivation } from "../read.ts";
import type { GatewayListener } from "../form/gateway-listener.ts";
import { admittedHosts } from "./gateway-hosts.ts";
import { type GatewayKey, type GatewayServer, gatewayServers } from "./gateway-servers.ts";
import { defaultEndpointCluster } from "../names.ts";
import { matchesEverything } from "./match.ts";
import { NO_TIMEOUT } from "./timeout.ts";
import { routesOf } from "./rules.ts";

export interface GatewayRouteKey {
  readonly gateway: GatewayKey;
  readonly view: ClientView;
  readonly name: string;
}

/** A host before its routes are made: whose rules it has, and through which gateways each of them reaches it. */
interface DraftHost {
  readonly rules: Map<RuleSet, Set<string>>;
  redirectToHttps: boolean;
  /** Takes what the rules leave. */
  defaultEndpoint: string | undefined;
}

/** Undefined if no server asks for it. */
export const gatewayRoute = derivation<GatewayRouteKey, RouteConfiguration | undefined>(
  "route/gateway",
  ({ gateway, view, name }) => `${gatewayServers.keyOf(gateway)}|${view.key}|${name}`,
  (read, { gateway, view, name }) => {
    const all = read.get(gatewayServers, gateway);
    const servers = all.filter(({ routeName }) => routeName === name);
    const [first] = servers;
    if (!first) return undefined;
    const hosts = new Map<string, DraftHost>();
    for (const { listener } of servers) {
      for (const ruleSet of rulesOfGateway(read, listener.gateway)) {
        for (const host of admittedHosts(listener.hosts, ruleSet)) {
          const draft = draftOf(hosts, host);
          const { rules } = draft;
          rules.set(ruleSet, (rules.get(ruleSet) ?? new Set()).add(listener.gateway));
          draft.defaultEndpoint ??= listener.defaultEndpoint;
        }
      }
      if (listener.defaultEndpoint !== undefined) {
        for (const { host } of listener.hosts)
          draftOf(hosts, host).defaultEndpoint ??= listener.defaultEndpoint;
      }
      if (listener.httpsRedirect) redirectHosts(hosts, listener);
    }
    const { port, protocol } = first.listener;
    const rivals = rivalHosts(all, first);
    for (const host of hosts.keys()) if (isOfRival(host, first, rivals)) hosts.delete(host);
    const misdirected = [...(first.listener.misdirected ?? []), ...rivals];
    const tls = protocol === "HTTPS";
    const virtualHosts = [...hosts]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([host, { rules, redirectToHttps, defaultEndpoint }]): VirtualHost => {
        const routes = [...rules].flatMap(([ruleSet, gateways]) =>
          routesOf({ read, view, rules: ruleSet, port, tls, gateways }),
        );
        return {
          name: `${host}:${first.port}`,
          domains: [host],
          routes: withRest(catchAllsLast(routes), defaultEndpoint),
          ...(redirectToHttps ? { requireTls: "ALL" } : {}),
          includeRequestAttemptCount: true,
        };
      });
    const strays = [...new Set(misdirected)].filter((host) => !hosts.has(host));
    virtualHosts.push(...strays.map((host) => misdirectedHost(host, first.port)));
    return {
      name,
      virtualHosts:
        virtualHosts.length > 0
          ? virtualHosts
          : [{ name: `blackhole:${first.port}`, domains: ["*"] }],
      validateClusters: false,
      // A gateway's port is not part of the name that it is known by.
      ignorePortInHostMatching: true,
      maxDirectResponseBodySizeBytes: 1_048_576,
    };
  },
);

function withRest(routes: readonly Route[], endpoint: string | undefined): readonly Route[] {
  const last = routes.at(-1)?.match;
  if (endpoint === undefined || (last !== undefined && matchesEverything(last))) return routes;
  const cluster = defaultEndpointCluster(endpoint);
  const rest = { name: "default", match: { prefix: "/" }, route: { cluster, timeout: NO_TIMEOUT } };
  return [...routes, rest];
}

/**
 * Hosts beneath those of a server that others on its port take by asking clients for another proof of who they are: whoever has
 * opened a connection for this server has not given it.
 */
function rivalHosts(
  all: readonly GatewayServer[],
  { listener, port }: GatewayServer,
): readonly string[] {
  if (listener.protocol !== "HTTPS") return [];
  const own = listener.hosts.map(({ host }) => host);
  return all
    .filter(
      (each) =>
        each.port === port &&
        each.listener.bind === listener.bind &&
        each.listener.protocol === "HTTPS" &&
        proofOf(each.listener) !== proofOf(listener),
    )
    .flatMap((each) => each.listener.hosts.map(({ host }) => host))
    .filter((host) => !own.includes(host) && own.some((wide) => hostMatches(wide, host)));
}

function proofOf({ tls }: GatewayListener): string {
  return JSON.stringify([tls?.mode, tls?.mode === "TERMINATE" ? tls.clients : undefined]);
}

/** Whether a connection for the host would be a rival's: the narrowest name decides, as for server names. */
function isOfRival(host: string, { listener }: GatewayServer, rivals: readonly string[]): boolean {
  const own = listener.hosts.map((each) => each.host);
  const [narrowest = ""] = [...own, ...rivals]
    .filter((name) => hostMatches(name, host))
    .toSorted(bySpecificity);
  return rivals.includes(narrowest);
}

function misdirectedHost(host: string, port: number): VirtualHost {
  return {
    name: `misdirected:${host}:${port}`,
    domains: [host],
    routes: [{ match: { prefix: "/" }, directResponse: { status: 421 } }],
  };
}

/** Also for hosts that no rule speaks of: whoever asks in the clear is sent to HTTPS. */
function redirectHosts(hosts: Map<string, DraftHost>, listener: GatewayListener): void {
  for (const { host } of listener.hosts) {
    draftOf(hosts, host);
    for (const [each, draft] of hosts) if (hostMatches(host, each)) draft.redirectToHttps = true;
  }
}

function draftOf(hosts: Map<string, DraftHost>, host: string): DraftHost {
  const known = hosts.get(host);
  if (known) return known;
  const draft: DraftHost = { rules: new Map(), redirectToHttps: false, defaultEndpoint: undefined };
  hosts.set(host, draft);
  return draft;
}

/** Several sets of rules may share a host: a route that takes everything comes after all others, the oldest one first. */
function catchAllsLast(routes: readonly Route[]): readonly Route[] {
  const isLast = ({ match }: Route) => match !== undefined && matchesEverything(match);
  return [...routes.filter((route) => !isLast(route)), ...routes.filter(isLast)];
}
