/** Filters that a route asks for and that cannot be applied: its requests are refused, never passed on without them. */
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import type { BrokenReference } from "./references.ts";

/** Undefined where all filters can be applied. */
export function routeFilterProblem(
  filters: readonly GatewayApi.HTTPRouteFilter[],
): (BrokenReference<"InvalidKind" | "UnsupportedValue"> & { readonly index: number }) | undefined {
  for (const [index, { type, extensionRef }] of filters.entries()) {
    if (type === "ExtensionRef") {
      const { group, kind, name } = extensionRef ?? { group: "", kind: "", name: "" };
      return {
        index,
        reason: "InvalidKind",
        message: `filter ${kind} ${name} of ${group === "" ? "Kubernetes" : group} is of no kind that is known here`,
      };
    }
    if (type === "ExternalAuth") {
      return {
        index,
        reason: "UnsupportedValue",
        message: "filter ExternalAuth is not in effect here yet",
      };
    }
  }
  return undefined;
}

/** Of a backend's own filters: Envoy changes headers and the host by destination, and a copy needs the rule to itself. */
export function backendFilterProblem(
  filters: readonly GatewayApi.HTTPRouteFilter[],
  backends: number,
): ReturnType<typeof routeFilterProblem> {
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
