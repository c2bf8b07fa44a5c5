/** Filters that a route asks for and that cannot be applied: its requests are refused, never passed on without them. */
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import type { BrokenReference } from "./references.ts";

export interface FilterProblem extends BrokenReference<
  "InvalidKind" | "UnsupportedValue" | "IncompatibleFilters"
> {
  readonly index: number;
}

/** Types of which a rule has one filter at most. */
export const ONCE: ReadonlySet<string> = new Set([
  "RequestHeaderModifier",
  "ResponseHeaderModifier",
  "RequestRedirect",
  "URLRewrite",
  "CORS",
  "ExternalAuth",
]);

/** Undefined where all filters can be applied. */
export function routeFilterProblem(
  filters: readonly GatewayApi.HTTPRouteFilter[],
): FilterProblem | undefined {
  for (const [index, { type, extensionRef }] of filters.entries()) {
    if (type === "ExtensionRef") {
      const { group, kind, name } = extensionRef ?? { group: "", kind: "", name: "" };
      return {
        index,
        reason: "InvalidKind",
        message: `filter ${kind} ${name} of ${group === "" ? "Kubernetes" : group} is of no kind that is known here`,
      };
    }
  }
  return incompatible(filters);
}

/** Two filters of one rule that cannot both have their way. */
function incompatible(filters: readonly GatewayApi.HTTPRouteFilter[]): FilterProblem | undefined {
  const types = filters.map(({ type }) => type);
  const twice = types.findIndex((type, at) => ONCE.has(type) && types.indexOf(type) < at);
  if (twice >= 0) {
    return {
      index: twice,
      reason: "IncompatibleFilters",
      message: `filter ${types[twice] ?? ""} stands twice, and nothing says which of them counts`,
    };
  }
  const rewrite = types.indexOf("URLRewrite");
  if (rewrite < 0 || !types.includes("RequestRedirect")) return undefined;
  return {
    index: rewrite,
    reason: "IncompatibleFilters",
    message: "RequestRedirect and URLRewrite exclude each other",
  };
}

/** Of a backend's own filters: Envoy changes headers and the host by destination, and a copy needs the rule to itself. */
export function backendFilterProblem(
  filters: readonly GatewayApi.HTTPRouteFilter[],
  backends: number,
): FilterProblem | undefined {
  const own = routeFilterProblem(filters);
  if (own) return own;
  const index = filters.findIndex(
    ({ type, urlRewrite }) =>
      !(
        type === "RequestHeaderModifier" ||
        type === "ResponseHeaderModifier" ||
        (type === "URLRewrite" && urlRewrite?.path === undefined) ||
        (type === "RequestMirror" && backends === 1)
      ),
  );
  if (index < 0) return undefined;
  return {
    index,
    reason: "UnsupportedValue",
    message: `filter ${filters[index]?.type ?? ""} cannot be applied to one of several backends`,
  };
}
