/** How long a request may take in all. */
import { protoDuration } from "@heddle/model";
import type { RouteFeature } from "./rule.ts";

/**
 * Envoy's own default would be 15 s; Istio's is none. `grpc-timeout` is left to the two ends: Envoy's old field for it is
 * deprecated, and the new one (`maxStreamDuration`) switches `timeout` itself off.
 */
export const NO_TIMEOUT = "0s";

export const timeout: RouteFeature = {
  name: "timeout",
  apply(route, rule) {
    if (rule.redirect || rule.directResponse) return route;
    const limit = rule.timeout ? protoDuration(rule.timeout) : NO_TIMEOUT;
    return { ...route, route: { ...route.route, timeout: limit } };
  },
};
