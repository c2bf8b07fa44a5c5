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
