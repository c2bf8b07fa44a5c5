/** Rules of a route's filters that the schema cannot say. */
import type {
  HTTPCORSFilter,
  HTTPExternalAuthFilter,
  HTTPHeaderFilter,
  HTTPPathModifier,
  HTTPRouteFilter,
} from "../../kinds/gateway-api/http-route.ts";
import { ONCE } from "../../gateway-api/filters.ts";
import type { Report } from "../report.ts";

/** The field that each type of filter has its settings in. */
const FIELD_OF = {
  RequestHeaderModifier: "requestHeaderModifier",
  ResponseHeaderModifier: "responseHeaderModifier",
  RequestMirror: "requestMirror",
  RequestRedirect: "requestRedirect",
  URLRewrite: "urlRewrite",
  ExtensionRef: "extensionRef",
  CORS: "cors",
  ExternalAuth: "externalAuth",
} as const;

export function checkFilters(
  filters: readonly HTTPRouteFilter[],
  path: string,
  report: Report,
): void {
  const types = new Set<string>();
  for (const [index, filter] of filters.entries()) {
    const at = `${path}[${index}]`;
    if (types.has(filter.type) && ONCE.has(filter.type)) {
      report({
        code: "HDL0029",
        path: at,
        message: `filter ${filter.type} stands twice`,
        remedy: "Join them into one.",
      });
    }
    types.add(filter.type);
    checkFilter(filter, at, report);
  }
  if (types.has("RequestRedirect") && types.has("URLRewrite")) {
    report({
      code: "HDL0022",
      path,
      message: "RequestRedirect and URLRewrite exclude each other",
      remedy: "Keep one of them.",
    });
  }
}

function checkFilter(filter: HTTPRouteFilter, path: string, report: Report): void {
  for (const [type, field] of Object.entries(FIELD_OF)) {
    const there = Object.hasOwn(filter, field);
    if (there && type !== filter.type) {
      report({
        code: "HDL0022",
        path: `${path}.${field}`,
        message: `${field} does not belong to a filter of type ${filter.type}`,
        remedy: `Make the type ${type}, or leave ${field} out.`,
      });
    } else if (!there && type === filter.type) {
      report({
        code: "HDL0012",
        path: `${path}.${field}`,
        message: `a filter of type ${type} needs ${field}`,
        remedy: `Add ${field}.`,
      });
    }
  }
  const { requestHeaderModifier, responseHeaderModifier, requestMirror, cors, externalAuth } =
    filter;
  if (requestHeaderModifier) {
    checkHeaders(requestHeaderModifier, `${path}.requestHeaderModifier`, report);
  }
  if (responseHeaderModifier) {
    checkHeaders(responseHeaderModifier, `${path}.responseHeaderModifier`, report);
  }
  for (const field of ["requestRedirect", "urlRewrite"] as const) {
    const modifier = filter[field]?.path;
    if (modifier) checkModifier(modifier, `${path}.${field}.path`, report);
  }
  if (requestMirror) {
    const { percent, fraction } = requestMirror;
    if (percent !== undefined && fraction !== undefined) {
      report({
        code: "HDL0022",
        path: `${path}.requestMirror`,
        message: "percent and fraction exclude each other",
        remedy: "Keep one of them.",
      });
    }
    if (fraction && fraction.numerator > (fraction.denominator ?? 100)) {
      report({
        code: "HDL0014",
        path: `${path}.requestMirror.fraction.numerator`,
        message: `numerator ${fraction.numerator} is above the denominator ${fraction.denominator ?? 100}`,
      });
    }
  }
  if (cors) checkCors(cors, `${path}.cors`, report);
  if (externalAuth) checkExternalAuth(externalAuth, `${path}.externalAuth`, report);
}

/** Names of headers are the keys of their lists, whatever their case. */
function checkHeaders(modifier: HTTPHeaderFilter, path: string, report: Report): void {
  for (const field of ["set", "add"] as const) {
    const names = (modifier[field] ?? []).map(({ name }) => name);
    reportTwice(names, `${path}.${field}`, report);
  }
  reportTwice(modifier.remove ?? [], `${path}.remove`, report);
}

function checkModifier(modifier: HTTPPathModifier, path: string, report: Report): void {
  const fields = {
    ReplaceFullPath: "replaceFullPath",
    ReplacePrefixMatch: "replacePrefixMatch",
  } as const;
  for (const [type, field] of Object.entries(fields)) {
    const there = modifier[field] !== undefined;
    if (there === (type === modifier.type)) continue;
    report({
      code: there ? "HDL0022" : "HDL0012",
      path: `${path}.${field}`,
      message: there
        ? `${field} does not belong to type ${modifier.type}`
        : `type ${type} needs ${field}`,
    });
  }
}

function checkCors(cors: HTTPCORSFilter, path: string, report: Report): void {
  for (const field of ["allowOrigins", "allowMethods", "allowHeaders"] as const) {
    const values: readonly string[] = cors[field] ?? [];
    if (values.includes("*") && values.length > 1) {
      report({
        code: "HDL0022",
        path: `${path}.${field}`,
        message: `${field} has * beside others`,
        remedy: "Keep * alone, or leave it out.",
      });
    }
    reportTwice(values, `${path}.${field}`, report);
  }
  reportTwice(cors.exposeHeaders ?? [], `${path}.exposeHeaders`, report);
}

function checkExternalAuth(auth: HTTPExternalAuthFilter, path: string, report: Report): void {
  for (const [protocol, field] of [
    ["GRPC", "grpc"],
    ["HTTP", "http"],
  ] as const) {
    const there = auth[field] !== undefined;
    if (there === (auth.protocol === protocol)) continue;
    report({
      code: there ? "HDL0022" : "HDL0012",
      path: `${path}.${field}`,
      message: there
        ? `${field} does not belong to protocol ${auth.protocol}`
        : `protocol ${protocol} needs ${field}`,
    });
  }
}

function reportTwice(values: readonly string[], path: string, report: Report): void {
  const seen = new Set<string>();
  for (const [index, value] of values.entries()) {
    const lower = value.toLowerCase();
    if (seen.has(lower)) {
      report({
        code: "HDL0029",
        path: `${path}[${index}]`,
        message: `${value} stands twice`,
        remedy: "Keep one of them.",
      });
    }
    seen.add(lower);
  }
}
