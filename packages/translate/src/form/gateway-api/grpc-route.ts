/** The Gateway API's GRPCRoute in the intermediate form: gRPC calls are requests for `/package.Service/Method`. */
import {
  backendFilterProblem,
  type GatewayApi,
  type GatewayApiReader,
  type MeshObject,
  routeFilterProblem,
} from "@heddle/model";
import type { ClientMatch, HttpDestination, HttpMatch, HttpRule } from "../rule-set.ts";
import { resolveBackends, resolveOne } from "./backends.ts";
import { headersOf, mirrorsOf } from "./filters.ts";
import { valueMatches } from "./http-route.ts";
import type { Rank, RankedRule } from "./ranked-rule.ts";
import { sessionOf } from "./session.ts";

/** A gRPC client reads it as UNAVAILABLE. */
const UNRESOLVED_STATUS = 503;

export function grpcRouteRules(
  read: GatewayApiReader,
  route: MeshObject<GatewayApi.GRPCRoute>,
  client: ClientMatch,
): readonly RankedRule[] {
  const { namespace, name } = route.metadata;
  const origin = { kind: "GRPCRoute", namespace, name };
  return (route.spec.rules ?? []).flatMap((rule) => {
    const matches = rule.matches?.length ? rule.matches : [{}];
    const made = action(read, route, rule);
    return matches.map((match) => ({
      rule: {
        ...(rule.name === undefined ? {} : { name: rule.name }),
        origin,
        matches: [{ ...grpcMatch(match), client }],
        ...made,
      },
      rank: rankOf(match),
    }));
  });
}

function action(
  read: GatewayApiReader,
  route: MeshObject<GatewayApi.GRPCRoute>,
  rule: GatewayApi.GRPCRouteRule,
): Omit<HttpRule, "matches"> {
  const { filters = [], backendRefs, sessionPersistence } = rule;
  const refused = {
    destinations: [],
    mirrors: [],
    directResponse: { status: UNRESOLVED_STATUS },
  };
  if (routeFilterProblem(filters)) return refused;
  const { resolved, brokenWeight } = resolveBackends(read, route, backendRefs);
  const usable = resolved.filter(
    ({ reference }) => !backendFilterProblem(reference.filters ?? [], backendRefs?.length ?? 0),
  );
  const unusable = resolved.filter((each) => !usable.includes(each));
  const lost = unusable.reduce((sum, { destination }) => sum + destination.weight, brokenWeight);
  const destinations = usable.map(({ reference, destination }): HttpDestination => {
    const own = headersOf(reference.filters ?? []);
    return { ...destination, ...(own ? { headers: own } : {}) };
  });
  if (destinations.every(({ weight }) => weight === 0)) return refused;
  const headers = headersOf(filters);
  const [only] = usable;
  const copies =
    backendRefs?.length === 1 && only ? [...filters, ...(only.reference.filters ?? [])] : filters;
  const { namespace, name } = route.metadata;
  const session = sessionOf(sessionPersistence, `${namespace}.${name}.${rule.name ?? ""}`);
  return {
    ...(headers ? { headers } : {}),
    destinations,
    ...(lost > 0 ? { unresolved: { weight: lost, status: UNRESOLVED_STATUS } } : {}),
    mirrors: mirrorsOf(copies, (reference) => resolveOne(read, route, reference)),
    ...(session ? { session } : {}),
  };
}

function grpcMatch({ method, headers }: GatewayApi.GRPCRouteMatch): Omit<HttpMatch, "client"> {
  return {
    ...(method ? methodMatch(method) : {}),
    ...valueMatches("headers", headers, (name) => name.toLowerCase()),
  };
}

function methodMatch({
  type = "Exact",
  service,
  method,
}: GatewayApi.GRPCMethodMatch): Omit<HttpMatch, "client"> {
  if (!service && !method) return {};
  if (type === "RegularExpression") {
    return { path: { regex: `/(?:${service || "[^/]+"})/(?:${method || "[^/]+"})` } };
  }
  const name = service?.replace(/^\./, "");
  if (name && method) return { path: { exact: `/${name}/${method}` } };
  if (name) return { path: { prefix: `/${name}/` } };
  return { path: { regex: `/[^/]+/${method}` } };
}

function rankOf({ method, headers }: GatewayApi.GRPCRouteMatch): Rank {
  const { type = "Exact", service = "", method: name = "" } = method ?? {};
  const asked = service !== "" || name !== "";
  return {
    pathKind: !asked ? 0 : type === "RegularExpression" ? 1 : service && name ? 3 : 2,
    pathLength: service.length,
    method: name.length,
    headers: new Set(headers?.map((each) => each.name.toLowerCase())).size,
    queryParams: 0,
  };
}
