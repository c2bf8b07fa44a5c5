/** One HTTP route of a VirtualService: which actions may stand together, and their values. */
import type {
  CorsPolicy,
  HTTPFaultInjection,
  HTTPMatchRequest,
  HTTPRedirect,
  HTTPRetry,
  HTTPRewrite,
  HTTPRoute,
} from "../kinds/virtual-service.ts";
import { parseDuration } from "../duration.ts";
import { checkDestination, checkWeights } from "./destination.ts";
import { checkHeaders, isAuthority, isHeaderName } from "./header.ts";
import { checkHttpMatch, checkPort, checkRegex } from "./match.ts";
import { joinPath } from "./report.ts";
import type { Report } from "./report.ts";
import { GRPC_STATUS, HTTP_METHODS, isRetryCondition } from "./words.ts";

/** `inDelegate`: the rule has no hosts and is a part that others delegate to. */
export function checkHttpRoute(
  route: HTTPRoute,
  path: string,
  inDelegate: boolean,
  report: Report,
): void {
  checkActions(route, path, inDelegate, report);
  for (const [index, match] of (route.match ?? []).entries()) {
    checkHttpMatch(match, `${path}.match[${index}]`, report);
  }
  for (const [index, { destination, headers }] of (route.route ?? []).entries()) {
    checkDestination(destination, `${path}.route[${index}].destination`, report);
    checkHeaders(headers, `${path}.route[${index}].headers`, report);
  }
  checkWeights(route.route ?? [], `${path}.route`, report);
  checkHeaders(route.headers, `${path}.headers`, report);
  checkMirrors(route, path, report);
  if (route.redirect) checkRedirect(route.redirect, route.match ?? [], `${path}.redirect`, report);
  if (route.directResponse) checkDirectResponse(route.directResponse, path, report);
  if (route.rewrite) checkRewrite(route.rewrite, path, report);
  checkAuthority(route, path, report);
  if (route.retries) checkRetries(route.retries, `${path}.retries`, report);
  if (route.fault) checkFault(route.fault, `${path}.fault`, report);
  if (route.corsPolicy) checkCors(route.corsPolicy, `${path}.corsPolicy`, report);
}

/** A route does one thing: forwards, redirects, answers by itself, or delegates. */
function checkActions(route: HTTPRoute, path: string, inDelegate: boolean, report: Report): void {
  const forbid = (field: keyof HTTPRoute, action: keyof HTTPRoute) => {
    const value = route[field];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return;
    report({
      code: "HDL0022",
      path: `${path}.${field}`,
      message: `a route cannot have both ${field} and ${action}`,
      remedy: `Keep one of them, or make two routes.`,
    });
  };
  if (route.delegate !== undefined) {
    if (inDelegate) {
      report({
        code: "HDL0022",
        path: `${path}.delegate`,
        message: "a delegate cannot delegate further",
      });
    }
    if (!route.delegate.name) {
      report({
        code: "HDL0023",
        path: `${path}.delegate.name`,
        message: "a delegate has no name",
        remedy: "Name the VirtualService.",
      });
    }
    for (const field of ["redirect", "route"] as const) forbid(field, "delegate");
    if (route.directResponse !== undefined) {
      report({
        code: "HDL0032",
        path: `${path}.directResponse`,
        message:
          "the delegate's destinations have no effect beside directResponse, which answers in their place",
        remedy: "Keep one of them.",
      });
    }
  } else if (route.redirect !== undefined) {
    for (const field of ["route", "fault", "rewrite", "directResponse"] as const) {
      forbid(field, "redirect");
    }
  } else if (route.directResponse !== undefined) {
    for (const field of ["route", "fault", "rewrite"] as const) forbid(field, "directResponse");
  } else if ((route.route ?? []).length === 0) {
    report({
      code: "HDL0023",
      path,
      message: "a route leads nowhere",
      remedy: "Add route, redirect or directResponse.",
    });
  }
}

function checkMirrors(route: HTTPRoute, path: string, report: Report): void {
  const { mirror, mirrors = [], mirrorPercent } = route;
  if (mirror) checkDestination(mirror, `${path}.mirror`, report);
  for (const [index, { destination }] of mirrors.entries()) {
    checkDestination(destination, `${path}.mirrors[${index}].destination`, report);
  }
  if (mirror && mirrors.length > 0) {
    report({
      code: "HDL0022",
      path: `${path}.mirror`,
      message: "a route cannot have both mirror and mirrors",
      remedy: "Move mirror into mirrors.",
    });
  }
  if (mirrorPercent !== undefined) {
    const at = `${path}.mirrorPercent`;
    if (mirrorPercent > 100) {
      report({ code: "HDL0027", path: at, message: `${mirrorPercent} is no percentage` });
    }
    deprecated(at, "mirrorPercent", "mirrorPercentage", report);
  }
}

function checkRedirect(
  redirect: HTTPRedirect,
  matches: readonly HTTPMatchRequest[],
  path: string,
  report: Report,
): void {
  const { uri, prefixRewrite, authority, port, derivePort, scheme, redirectCode } = redirect;
  if (uri && prefixRewrite) {
    report({
      code: "HDL0022",
      path: `${path}.prefixRewrite`,
      message: "a redirect cannot have both uri and prefixRewrite",
    });
  }
  if (prefixRewrite && matches.some((match) => match.uri && match.uri.prefix === undefined)) {
    report({
      code: "HDL0032",
      level: "Error",
      path: `${path}.prefixRewrite`,
      message: "prefixRewrite needs every uri of the route to be matched by prefix",
    });
  }
  if (!uri && !prefixRewrite && !authority && !scheme && port === undefined && !derivePort) {
    report({
      code: "HDL0023",
      path,
      message: "a redirect changes nothing",
      remedy: "Give it uri, prefixRewrite, authority, scheme or port.",
    });
  }
  if (
    redirectCode !== undefined &&
    redirectCode !== 0 &&
    (redirectCode < 300 || redirectCode > 399)
  ) {
    const at = `${path}.redirectCode`;
    report({
      code: "HDL0028",
      path: at,
      message: `${redirectCode} is not a redirect's status (3xx)`,
    });
  }
  if (scheme && scheme !== "http" && scheme !== "https") {
    report({
      code: "HDL0013",
      path: `${path}.scheme`,
      message: `scheme "${scheme}" is neither http nor https`,
    });
  }
  if (port !== undefined && port !== 0) checkPort(port, `${path}.port`, report);
}

const MAX_BODY_BYTES = 1024 * 1024;
/** From here on Istio warns of what every proxy then has to hold. */
const LARGE_BODY_BYTES = 100 * 1024;

function checkDirectResponse(
  response: NonNullable<HTTPRoute["directResponse"]>,
  path: string,
  report: Report,
): void {
  checkStatus(response.status, `${path}.directResponse.status`, report);
  const { string = "", bytes = "" } = response.body ?? {};
  const size = bytes ? (bytes.length * 3) / 4 : new TextEncoder().encode(string).length;
  if (size > MAX_BODY_BYTES) {
    report({
      code: "HDL0014",
      path: `${path}.directResponse.body`,
      message: `the body has ${Math.round(size)} bytes (${MAX_BODY_BYTES} at most)`,
    });
  } else if (size > LARGE_BODY_BYTES) {
    report({
      code: "HDL0032",
      path: `${path}.directResponse.body`,
      message: `the body has ${Math.round(size)} bytes, which every proxy has to hold`,
      remedy: "Let a service answer.",
    });
  }
}

function checkRewrite(rewrite: HTTPRewrite, path: string, report: Report): void {
  const { uri, authority, uriRegexRewrite } = rewrite;
  const at = `${path}.rewrite`;
  if (uri && uriRegexRewrite) {
    report({
      code: "HDL0022",
      path: `${at}.uriRegexRewrite`,
      message: "a rewrite cannot have both uri and uriRegexRewrite",
    });
  }
  if (!uri && !authority && !uriRegexRewrite) {
    report({
      code: "HDL0023",
      path: at,
      message: "a rewrite changes nothing",
      remedy: "Give it uri, uriRegexRewrite or authority.",
    });
  }
  if (uriRegexRewrite) {
    const { match = "", rewrite: to = "" } = uriRegexRewrite;
    if (match === "" || to === "") {
      report({
        code: "HDL0012",
        path: `${at}.uriRegexRewrite`,
        message: "uriRegexRewrite needs both match and rewrite",
      });
    } else checkRegex(match, `${at}.uriRegexRewrite.match`, report);
  }
}

/** The authority can be changed in one place only: by a rewrite, or by one header. */
function checkAuthority({ rewrite, headers }: HTTPRoute, path: string, report: Report): void {
  const { set = {}, add = {} } = headers?.request ?? {};
  const places = [
    ...(rewrite?.authority ? [`${path}.rewrite.authority`] : []),
    ...authorities(set, `${path}.headers.request.set`),
    ...authorities(add, `${path}.headers.request.add`),
  ];
  if (places.length < 2) return;
  report({
    code: "HDL0022",
    path: places[0]!,
    message: `the authority is changed ${places.length === 2 ? "twice" : `${places.length} times`}: by ${places.join(" and ")}`,
    remedy: "Keep one of them.",
  });
}

function authorities(headers: Readonly<Record<string, string>>, path: string): string[] {
  return Object.entries(headers)
    .filter(([name, value]) => isAuthority(name) && value !== "")
    .map(([name]) => joinPath(path, name));
}

function checkRetries(retries: HTTPRetry, path: string, report: Report): void {
  const { attempts = 0, perTryTimeout, retryOn, retryRemoteLocalities } = retries;
  if (attempts < 0) {
    report({
      code: "HDL0014",
      path: `${path}.attempts`,
      message: `attempts ${attempts} is negative`,
    });
  }
  if (attempts === 0 && (perTryTimeout || retryOn || retryRemoteLocalities !== undefined)) {
    report({
      code: "HDL0032",
      level: "Error",
      path,
      message: "retries are set up in detail, but attempts is 0, which turns them off",
      remedy: "Set attempts, or keep attempts: 0 alone.",
    });
  }
  for (const word of retryOn ? retryOn.split(",") : []) {
    if (isRetryCondition(word)) continue;
    report({
      code: "HDL0028",
      path: `${path}.retryOn`,
      message: `"${word}" is not a condition to retry on`,
      remedy: "Give conditions such as 5xx, reset, connect-failure, or status codes, with commas.",
    });
  }
}

function checkFault(fault: HTTPFaultInjection, path: string, report: Report): void {
  const { delay, abort } = fault;
  if (!delay && !abort) {
    report({ code: "HDL0023", path, message: "a fault has neither delay nor abort" });
  }
  if (abort) {
    const { httpStatus, grpcStatus, http2Error } = abort;
    if (httpStatus !== undefined) checkStatus(httpStatus, `${path}.abort.httpStatus`, report);
    if (grpcStatus !== undefined && !GRPC_STATUS.has(grpcStatus)) {
      report({
        code: "HDL0028",
        path: `${path}.abort.grpcStatus`,
        message: `"${grpcStatus}" is not a gRPC status`,
        remedy: "Give a name such as UNAVAILABLE or NOT_FOUND.",
      });
    }
    if (http2Error !== undefined) unsupported(`${path}.abort.http2Error`, "http2Error", report);
    if (httpStatus === undefined && grpcStatus === undefined && http2Error === undefined) {
      report({
        code: "HDL0032",
        path: `${path}.abort`,
        message: "an abort has no status, so it does nothing",
        remedy: "Give httpStatus or grpcStatus.",
      });
    }
  }
  if (delay?.exponentialDelay !== undefined) {
    unsupported(`${path}.delay.exponentialDelay`, "exponentialDelay", report);
  }
  if (delay?.percent !== undefined) {
    const at = `${path}.delay.percent`;
    if (delay.percent < 0 || delay.percent > 100) {
      report({ code: "HDL0027", path: at, message: `${delay.percent} is no percentage` });
    }
    deprecated(at, "percent", "percentage", report);
  }
}

function checkCors(cors: CorsPolicy, path: string, report: Report): void {
  for (const [index, origin] of (cors.allowOrigins ?? []).entries()) {
    const at = `${path}.allowOrigins[${index}]`;
    if (origin.exact === "" || origin.prefix === "") {
      report({ code: "HDL0023", path: at, message: "an allowed origin is empty" });
    }
    if (origin.regex !== undefined) checkRegex(origin.regex, `${at}.regex`, report);
  }
  for (const [index, method] of (cors.allowMethods ?? []).entries()) {
    if (HTTP_METHODS.has(method)) continue;
    const at = `${path}.allowMethods[${index}]`;
    report({ code: "HDL0013", path: at, message: `"${method}" is not an HTTP method` });
  }
  for (const field of ["allowHeaders", "exposeHeaders"] as const) {
    for (const [index, name] of (cors[field] ?? []).entries()) {
      if (isHeaderName(name)) continue;
      const at = `${path}.${field}[${index}]`;
      report({ code: "HDL0026", path: at, message: `"${name}" is not a header's name` });
    }
  }
  if (cors.maxAge !== undefined && parseDuration(cors.maxAge) % 1000 !== 0) {
    const at = `${path}.maxAge`;
    report({ code: "HDL0015", path: at, message: `maxAge ${cors.maxAge} is not in whole seconds` });
  }
  if (cors.allowOrigin !== undefined) {
    deprecated(`${path}.allowOrigin`, "allowOrigin", "allowOrigins", report);
  }
}

function checkStatus(status: number, path: string, report: Report): void {
  if (status >= 200 && status <= 599) return;
  report({
    code: "HDL0028",
    path,
    message: `HTTP status ${status} is not in the range 200 to 599`,
  });
}

function deprecated(path: string, field: string, instead: string, report: Report): void {
  report({
    code: "HDL0031",
    path,
    message: `${field} is deprecated`,
    remedy: `Use ${instead} instead.`,
  });
}

function unsupported(path: string, field: string, report: Report): void {
  report({
    code: "HDL0013",
    path,
    message: `${field} is in the API, but Istio does not support it, and neither does Envoy`,
    remedy: "Leave it out.",
  });
}
