/** Rules of the routes that are attached to one listener of the Gateway API, host by host, in order of precedence. */
import {
  bySpecificity,
  type GatewayApi,
  type GatewayApiReader,
  hostMatches,
  type ListenerEntry,
  type MeshObject,
  objectKey,
  type RouteObject,
} from "@heddle/model";
import { derivation, type ModelReader } from "../../read.ts";
import type { RuleSet } from "../rule-set.ts";
import { grpcRouteRules } from "./grpc-route.ts";
import { httpRouteRules } from "./http-route.ts";
import { byRank, type RankedRule } from "./ranked-rule.ts";
import { hostedRoutes } from "./attached-routes.ts";
import { connectionRules, terminatedRules } from "./stream-rules.ts";

/** `namespace/name#Kind/namespace/name/listener`, with `@host` behind it for one of a listener's hosts. */
export function sectionReference(
  { gateway, owner, listener }: Pick<ListenerEntry, "gateway" | "owner" | "listener">,
  host?: string,
): string {
  const { namespace, name } = owner.metadata;
  const of = `${gateway}#${owner.kind}/${namespace}/${name}/${listener.name}`;
  return host === undefined ? of : `${of}@${host}`;
}

export function isSectionReference(gateway: string): boolean {
  return gateway.includes("#");
}

export function rulesOfSection(read: ModelReader, section: string): readonly RuleSet[] {
  return read.get(sectionRules, section);
}

const sectionRules = derivation<string, readonly RuleSet[]>(
  "form/gateway-api-rules",
  (section) => section,
  (read, section) => {
    const [reference = "", host] = section.split("@");
    const entries = read.gatewayApi.listeners(reference.slice(0, reference.indexOf("#")));
    const entry = entries.find((each) => sectionReference(each) === reference);
    if (!entry?.served) return [];
    switch (entry.protocol) {
      case "HTTP":
      case "HTTPS":
        return requestRules(read, entry, entries);
      default:
        return host === undefined
          ? connectionRules(read, entry, entries)
          : terminatedRules(read, entry, entries, host);
    }
  },
);

function requestRules(
  read: ModelReader,
  entry: ListenerEntry,
  entries: readonly ListenerEntry[],
): readonly RuleSet[] {
  const hosted = hostedRoutes(read.gatewayApi, entry, entries);
  const byHost = new Map<string, { own: string; route: RouteObject }[]>();
  for (const host of hosted.flatMap(({ hosts }) => hosts)) byHost.set(host, []);
  for (const { route, hosts } of hosted) {
    for (const own of hosts) {
      if (!own.startsWith("*")) byHost.get(own)?.push({ own, route });
      else {
        for (const [host, routes] of byHost)
          if (hostMatches(own, host)) routes.push({ own, route });
      }
    }
  }
  const sets = [...byHost].flatMap(([host, routes]) => hostRules(read, host, routes));
  // A listener's host is its own even where no route speaks for it: wider listeners of the port do not get its requests.
  const { hostname } = entry.listener;
  const { kind, metadata } = entry.owner;
  const origin = { kind, namespace: metadata.namespace, name: metadata.name };
  return hostname === undefined || sets.some(({ hosts }) => hosts.includes(hostname.toLowerCase()))
    ? sets
    : [...sets, { origin, hosts: [hostname], http: [], tls: [], tcp: [] }];
}

/** Routes for a more specific name first, then by their matches; ties keep the order of age. */
function hostRules(
  read: ModelReader,
  host: string,
  routes: readonly { readonly own: string; readonly route: RouteObject }[],
): readonly RuleSet[] {
  const seen = new Set<RouteObject>();
  const rules = routes
    .toSorted((a, b) => bySpecificity(a.own, b.own))
    .filter(({ route }) => !seen.has(route) && seen.add(route))
    .map(({ own, route }) => ({
      own,
      rules: read.get(routeRules, { key: objectKey(route), host }),
    }));
  const http = [...Map.groupBy(rules, ({ own }) => own).values()].flatMap((level) =>
    level.flatMap((each) => each.rules).toSorted(byRank),
  );
  const [first] = http;
  const origin = first?.rule.origin;
  if (origin === undefined) return [];
  return [{ origin, hosts: [host], http: http.map(({ rule }) => rule), tls: [], tcp: [] }];
}

const routeRules = derivation<
  { readonly key: string; readonly host: string },
  readonly RankedRule[]
>(
  "form/gateway-api-route",
  ({ key, host }) => `${key}|${host}`,
  (read, { key, host }) => {
    const route = read.object<never>(key);
    return route ? rulesOfRoute(read.gatewayApi, route, host, {}) : [];
  },
);

/** Of an HTTPRoute or a GRPCRoute; none of another kind. */
export function rulesOfRoute(
  read: GatewayApiReader,
  route: MeshObject,
  host: string,
  client: { readonly port?: number },
): readonly RankedRule[] {
  switch (route.kind) {
    case "HTTPRoute":
      return httpRouteRules(read, route as MeshObject<GatewayApi.HTTPRoute>, host, client);
    case "GRPCRoute":
      return grpcRouteRules(read, route as MeshObject<GatewayApi.GRPCRoute>, client);
    default:
      return [];
  }
}
