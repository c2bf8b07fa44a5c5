/** Route configurations of a gateway. */
import type { Route, RouteConfiguration, VirtualHost } from "@heddle/envoy/config/route/v3";
import { hostMatches } from "@heddle/model";
import { rulesOfGateway } from "../form/rules.ts";
import type { RuleSet } from "../form/rule-set.ts";
import { type ClientView, derivation } from "../read.ts";
import type { GatewayListener } from "../form/gateway-listener.ts";
import { admittedHosts } from "./gateway-hosts.ts";
import { type GatewayKey, gatewayServers } from "./gateway-servers.ts";
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
    const servers = read.get(gatewayServers, gateway).filter(({ routeName }) => routeName === name);
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
    const { port, protocol, misdirected = [] } = first.listener;
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
    const strays = misdirected.filter((host) => !hosts.has(host));
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
