/** The Gateway API's HTTPRoute in the intermediate form. */
import {
  backendFilterProblem,
  type GatewayApi,
  type GatewayApiReader,
  type HTTPRetry,
  type MeshObject,
  routeFilterProblem,
  type StringMatch,
} from "@heddle/model";
import type { ClientMatch, HttpDestination, HttpMatch, HttpRule } from "../rule-set.ts";
import { resolveBackends, resolveOne } from "./backends.ts";
import {
  authorizationOf,
  corsOf,
  headersOf,
  mirrorsOf,
  redirectOf,
  rewriteOf,
  withoutSlash,
} from "./filters.ts";
import type { Rank, RankedRule } from "./ranked-rule.ts";
import { sessionOf } from "./session.ts";

/** What HTTPRoute and GRPCRoute answer requests with whose backend is not there. */
const UNRESOLVED_STATUS = 500;

/** One rule for each match. `host` is the one that they are for, and `client` what else must hold of a request. */
export function httpRouteRules(
  read: GatewayApiReader,
  route: MeshObject<GatewayApi.HTTPRoute>,
  host: string,
  client: ClientMatch,
): readonly RankedRule[] {
  const { namespace, name } = route.metadata;
  const origin = { kind: "HTTPRoute", namespace, name };
  return (route.spec.rules ?? [{}]).flatMap((rule) => {
    const matches = rule.matches?.length ? rule.matches : [{}];
    return matches.map((match) => ({
      rule: {
        ...(rule.name === undefined ? {} : { name: rule.name }),
        origin,
        matches: [{ ...httpMatch(match), client }],
        ...action(read, route, rule, { host, prefix: prefixOf(match.path) }),
      },
      rank: rankOf(match),
    }));
  });
}

function action(
  read: GatewayApiReader,
  route: MeshObject<GatewayApi.HTTPRoute>,
  rule: GatewayApi.HTTPRouteRule,
  { host, prefix }: { readonly host: string; readonly prefix: string | undefined },
): Omit<HttpRule, "matches"> {
  const { filters = [], backendRefs } = rule;
  const none = { destinations: [], mirrors: [] };
  // A filter that cannot be applied is never passed over.
  if (routeFilterProblem(filters)) {
    return { ...none, directResponse: { status: UNRESOLVED_STATUS } };
  }
  const cors = corsOf(filters);
  const headers = headersOf(filters.filter((each) => !each.urlRewrite));
  const authorization = authorizationOf(filters, (reference) => resolveOne(read, route, reference));
  // Nobody is let in without the permission that the rule asks for.
  if (authorization === "broken") {
    return { ...none, directResponse: { status: UNRESOLVED_STATUS } };
  }
  const shared = {
    ...(cors ? { cors } : {}),
    ...(headers ? { headers } : {}),
    ...(authorization ? { authorization } : {}),
  };
  const redirect = redirectOf(filters, prefix, host);
  if (redirect) return { ...none, ...shared, redirect };

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
  if (destinations.every(({ weight }) => weight === 0)) {
    return { ...none, ...shared, directResponse: { status: UNRESOLVED_STATUS } };
  }
  const [only] = usable;
  const copies =
    backendRefs?.length === 1 && only ? [...filters, ...(only.reference.filters ?? [])] : filters;
  const rewrite = rewriteOf(filters, prefix);
  const authority = filters.find((each) => each.urlRewrite)?.urlRewrite?.hostname;
  const retries = retriesOf(rule);
  const timeout = timeoutOf(rule);
  const session = sessionOf(rule.sessionPersistence, originText(route, rule));
  return {
    ...shared,
    destinations,
    ...(lost > 0 ? { unresolved: { weight: lost, status: UNRESOLVED_STATUS } } : {}),
    mirrors: mirrorsOf(copies, (reference) => resolveOne(read, route, reference)),
    ...(rewrite || authority
      ? { rewrite: { ...rewrite, ...(authority ? { authority } : {}) } }
      : {}),
    ...(timeout ? { timeout } : {}),
    ...(retries ? { retries } : {}),
    ...(session ? { session } : {}),
  };
}

export function httpMatch({
  path,
  headers,
  queryParams,
  method,
}: GatewayApi.HTTPRouteMatch): Omit<HttpMatch, "client"> {
  return {
    ...pathMatch(path),
    ...(method ? { method: { exact: method } } : {}),
    ...valueMatches("headers", headers, (name) => name.toLowerCase()),
    ...valueMatches("queryParams", queryParams, (name) => name),
  };
}

function pathMatch(path: GatewayApi.HTTPPathMatch | undefined): Omit<HttpMatch, "client"> {
  const { type = "PathPrefix", value = "/" } = path ?? {};
  switch (type) {
    case "Exact":
      return { path: { exact: value } };
    case "RegularExpression":
      return { path: { regex: value } };
    case "PathPrefix": {
      const prefix = withoutSlash(value);
      return prefix === "" ? {} : { pathPrefix: prefix };
    }
  }
}

/** Of several matches for one name the first counts. */
export function valueMatches<Field extends "headers" | "queryParams">(
  field: Field,
  matches: readonly GatewayApi.ValueMatch[] | undefined,
  keyOf: (name: string) => string,
): Partial<Record<Field, Readonly<Record<string, StringMatch>>>> {
  if (!matches?.length) return {};
  const found = new Map<string, StringMatch>();
  for (const { name, type = "Exact", value } of matches) {
    const key = keyOf(name);
    if (!found.has(key)) found.set(key, type === "Exact" ? { exact: value } : { regex: value });
  }
  return { [field]: Object.fromEntries(found) } as Record<
    Field,
    Readonly<Record<string, StringMatch>>
  >;
}

function prefixOf(path: GatewayApi.HTTPPathMatch | undefined): string | undefined {
  const { type = "PathPrefix", value = "/" } = path ?? {};
  return type === "PathPrefix" ? value : undefined;
}

function rankOf({ path, headers, queryParams, method }: GatewayApi.HTTPRouteMatch): Rank {
  const { type = "PathPrefix", value = "/" } = path ?? {};
  const everyPath = type === "PathPrefix" && withoutSlash(value) === "";
  return {
    pathKind: everyPath ? 0 : type === "Exact" ? 3 : type === "PathPrefix" ? 2 : 1,
    pathLength: everyPath ? 0 : type === "PathPrefix" ? withoutSlash(value).length : value.length,
    method: method ? 1 : 0,
    headers: new Set(headers?.map(({ name }) => name.toLowerCase())).size,
    queryParams: new Set(queryParams?.map(({ name }) => name)).size,
  };
}

/** What is worth another attempt where a route does not say: no answer at all. */
const CONNECTION_FAILURES = "connect-failure,refused-stream,reset";
const DEFAULT_ATTEMPTS = 2;

function retriesOf({ retry, timeouts }: GatewayApi.HTTPRouteRule): HTTPRetry | undefined {
  const limit = timeouts?.backendRequest;
  const perTryTimeout = limit && !isZero(limit) ? { perTryTimeout: limit } : {};
  if (!retry) return undefined;
  const codes = retry.codes?.length ? `,${retry.codes.join(",")}` : "";
  return {
    attempts: retry.attempts ?? DEFAULT_ATTEMPTS,
    retryOn: `${CONNECTION_FAILURES}${codes}`,
    ...(retry.backoff ? { backoff: retry.backoff } : {}),
    ...perTryTimeout,
  };
}

/** Without retries the one attempt has the whole time of the request. */
function timeoutOf({ retry, timeouts }: GatewayApi.HTTPRouteRule): string | undefined {
  const whole = [timeouts?.request, retry ? undefined : timeouts?.backendRequest].filter(
    (each) => each !== undefined && !isZero(each),
  );
  return whole.at(-1);
}

function isZero(duration: string): boolean {
  return /^(?:0+(?:h|m|s|ms))+$/.test(duration);
}

function originText({ metadata }: MeshObject, { name = "" }: GatewayApi.HTTPRouteRule): string {
  return `${metadata.namespace}.${metadata.name}.${name}`;
}
