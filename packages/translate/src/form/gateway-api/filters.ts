/** Filters of HTTPRoute and GRPCRoute as parts of a rule. */
import type { CorsPolicy, GatewayApi, Headers, StringMatch } from "@heddle/model";
import type { ExternalAuthorization, HttpRedirect, HttpRule, Mirror } from "../rule-set.ts";

type Filter = GatewayApi.HTTPRouteFilter;

export function headersOf(filters: readonly Filter[]): Headers | undefined {
  const request = filters.find((each) => each.requestHeaderModifier)?.requestHeaderModifier;
  const response = filters.find((each) => each.responseHeaderModifier)?.responseHeaderModifier;
  const host = filters.find((each) => each.urlRewrite?.hostname)?.urlRewrite?.hostname;
  const asked = {
    ...(request ? operations(request) : {}),
  };
  const withHost = host ? { ...asked, set: { ...asked.set, ":authority": host } } : asked;
  const headers: Headers = {
    ...(Object.keys(withHost).length > 0 ? { request: withHost } : {}),
    ...(response ? { response: operations(response) } : {}),
  };
  return Object.keys(headers).length > 0 ? headers : undefined;
}

function operations({ set, add, remove }: GatewayApi.HTTPHeaderFilter) {
  const named = (headers: readonly GatewayApi.HTTPHeader[]) =>
    Object.fromEntries(headers.map(({ name, value }) => [name, value]));
  return {
    ...(set?.length ? { set: named(set) } : {}),
    ...(add?.length ? { add: named(add) } : {}),
    ...(remove?.length ? { remove } : {}),
  };
}

/** Mirrors of backends that are not there send no copies. */
export function mirrorsOf(
  filters: readonly Filter[],
  destinationOf: (
    reference: GatewayApi.BackendObjectReference,
  ) => Mirror["destination"] | undefined,
): readonly Mirror[] {
  return filters.flatMap(({ requestMirror }): Mirror[] => {
    const destination = requestMirror && destinationOf(requestMirror.backendRef);
    if (!destination) return [];
    const { percent, fraction } = requestMirror;
    const share = fraction
      ? (fraction.numerator / (fraction.denominator ?? 100)) * 100
      : (percent ?? 100);
    return [{ destination, percent: share }];
  });
}

/** Undefined where nobody is asked; `broken` where the server to ask is not there. */
export function authorizationOf(
  filters: readonly Filter[],
  destinationOf: (
    reference: GatewayApi.BackendObjectReference,
  ) => ExternalAuthorization["destination"] | undefined,
): ExternalAuthorization | "broken" | undefined {
  const wanted = filters.find((each) => each.externalAuth)?.externalAuth;
  if (!wanted) return undefined;
  const { protocol, backendRef, http = {}, grpc = {}, forwardBody } = wanted;
  const destination = destinationOf(backendRef);
  if (!destination) return "broken";
  const path = withoutSlash(http.path ?? "");
  return {
    protocol,
    destination,
    path: path === "" ? "" : absolute(path),
    requestHeaders: (protocol === "HTTP" ? http : grpc).allowedHeaders ?? [],
    responseHeaders: http.allowedResponseHeaders ?? [],
    maxBodyBytes: forwardBody?.maxSize ?? 0,
  };
}

/** `host` is the one host that requests come for, `*` or a wildcard where there are many. */
export function redirectOf(
  filters: readonly Filter[],
  prefix: string | undefined,
  host: string,
): HttpRedirect | undefined {
  const wanted = filters.find((each) => each.requestRedirect)?.requestRedirect;
  if (!wanted) return undefined;
  const { scheme, hostname, path, port, statusCode } = wanted;
  // Envoy would keep a port that the request's own authority names.
  const authority = hostname ?? (host.includes("*") ? undefined : host);
  return {
    redirectCode: statusCode ?? 302,
    ...(authority ? { authority } : {}),
    ...(scheme ? { scheme } : {}),
    ...(port === undefined ? {} : { port }),
    ...(port === undefined && scheme === undefined
      ? { derivePort: "FROM_REQUEST_PORT" as const }
      : {}),
    ...(path ? { pathRewrite: pathRewrite(path, prefix) } : {}),
  };
}

export function rewriteOf(
  filters: readonly Filter[],
  prefix: string | undefined,
): HttpRule["rewrite"] | undefined {
  const wanted = filters.find((each) => each.urlRewrite)?.urlRewrite;
  if (!wanted?.path) return undefined;
  const { match, rewrite } = pathRewrite(wanted.path, prefix);
  return { uriRegexRewrite: { match, rewrite } };
}

/** What becomes of a path, as a regular expression and what takes the place of what it matches. Queries stay. */
export function pathRewrite(
  { type, replaceFullPath = "", replacePrefixMatch = "" }: GatewayApi.HTTPPathModifier,
  prefix = "/",
): { match: string; rewrite: string } {
  if (type === "ReplaceFullPath") {
    return { match: "^.*$", rewrite: literal(absolute(replaceFullPath)) };
  }
  const matched = withoutSlash(prefix);
  const replacement = withoutSlash(replacePrefixMatch);
  // A slash behind the prefix stays one slash, and a path is never empty.
  if (replacement === "") return { match: `^${escaped(matched)}/*`, rewrite: "/" };
  if (matched === "") return { match: "^/", rewrite: `${literal(absolute(replacement))}/` };
  return { match: `^${escaped(matched)}`, rewrite: literal(absolute(replacement)) };
}

/** A prefix is meant by whole segments, so that a slash at its end means nothing. */
export function withoutSlash(path: string): string {
  return path.replace(/\/+$/, "");
}

function absolute(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** `\` introduces a group in a substitution. */
function literal(text: string): string {
  return text.replaceAll("\\", "\\\\");
}

/** Seconds, by the Gateway API. */
const DEFAULT_MAX_AGE = 5;

export function corsOf(filters: readonly Filter[]): CorsPolicy | undefined {
  const wanted = filters.find((each) => each.cors)?.cors;
  if (!wanted) return undefined;
  const { allowOrigins = [], allowMethods, allowHeaders, exposeHeaders, allowCredentials } = wanted;
  return {
    allowOrigins: allowOrigins.map(originMatch),
    // To a request with credentials a browser does not take `*` for "all": Envoy answers with what was asked for.
    ...(allowMethods?.length ? { allowMethods } : {}),
    ...(allowHeaders?.length ? { allowHeaders } : {}),
    ...(exposeHeaders?.length ? { exposeHeaders } : {}),
    ...(allowCredentials === undefined ? {} : { allowCredentials }),
    maxAge: `${wanted.maxAge ?? DEFAULT_MAX_AGE}s`,
    // What a browser asks for an origin that is not let in is none of the backend's business.
    unmatchedPreflights: "IGNORE",
  };
}

function originMatch(origin: string): StringMatch {
  if (origin === "*") return { regex: ".*" };
  if (!origin.includes("*")) return { exact: origin };
  return { regex: escaped(origin).replace("\\*", "[^/:]+") };
}
