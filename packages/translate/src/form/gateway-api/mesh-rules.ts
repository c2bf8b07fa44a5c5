/** Rules of routes whose parent is a Service of the mesh, or a ServiceEntry. */
import { ofMeshRoutes, parentState, type RouteObject } from "@heddle/model";
import { derivation, type ModelReader } from "../../read.ts";
import type { RuleSet, TcpRule, TlsRule } from "../rule-set.ts";
import { meshRoutes } from "./mesh-parents.ts";
import { byRank } from "./ranked-rule.ts";
import { rulesOfRoute } from "./section-rules.ts";
import { destinationsOf, originOf } from "./stream-rules.ts";

/** Undefined where no route speaks for the host to clients of the namespace. */
export function meshRules(read: ModelReader, host: string, namespace: string): RuleSet | undefined {
  if (meshRoutes(read.gatewayApi, host).length === 0) return undefined;
  const scope = read.routeScope(host, namespace);
  return read.get(serviceRules, { host, namespace: scope });
}

/** `namespace` is empty for clients whose namespace has no routes of its own for the host. */
const serviceRules = derivation<
  { readonly host: string; readonly namespace: string },
  RuleSet | undefined
>(
  "form/gateway-api-mesh",
  ({ host, namespace }) => `${host}|${namespace}`,
  (read, { host, namespace }) => {
    const gatewayApi = ofMeshRoutes(read.gatewayApi);
    const own = read.service(host)?.namespace;
    const all = meshRoutes(read.gatewayApi, host);
    const consumers = all.filter(
      ({ metadata }) => metadata.namespace === namespace && namespace !== own,
    );
    const routes =
      consumers.length > 0 ? consumers : all.filter(({ metadata }) => metadata.namespace === own);
    const placed = routes.flatMap((route) =>
      portsOf(read, route, host).map((port) => ({ route, port })),
    );
    const [first] = placed;
    if (!first) return undefined;
    const http = placed
      .flatMap(({ route, port }) =>
        rulesOfRoute(gatewayApi, route, "*", port === undefined ? {} : { port }),
      )
      .toSorted(byRank)
      .map(({ rule }) => rule);
    const everyPort = placed.some(({ port }) => port === undefined);
    return {
      origin: originOf(first.route),
      hosts: [host],
      ...(everyPort ? {} : { ports: placed.flatMap(({ port }) => port ?? []) }),
      http,
      tls: placed.flatMap(({ route, port }): TlsRule[] => {
        const destinations = route.kind === "TLSRoute" ? destinationsOf(gatewayApi, route) : [];
        if (destinations.length === 0) return [];
        const { hostnames } = route.spec;
        const serverNames = hostnames?.length ? hostnames : ["*"];
        return [{ matches: [{ serverNames, client: clientOf(port) }], destinations }];
      }),
      tcp: placed.flatMap(({ route, port }): TcpRule[] => {
        const destinations = route.kind === "TCPRoute" ? destinationsOf(gatewayApi, route) : [];
        if (destinations.length === 0) return [];
        return [{ matches: [{ client: clientOf(port) }], destinations }];
      }),
    };
  },
);

/** Ports that the route's parents name; `undefined` for all of them. */
function portsOf(
  read: ModelReader,
  route: RouteObject,
  host: string,
): readonly (number | undefined)[] {
  return (route.spec.parentRefs ?? []).flatMap((parent) => {
    const found = parentState(read.gatewayApi, route, parent);
    return found.state === "mesh" && found.hosts.includes(host) ? [found.port] : [];
  });
}

function clientOf(port: number | undefined) {
  return port === undefined ? {} : { port };
}
