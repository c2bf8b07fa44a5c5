/** How long a request may take in all. */
import { protoDuration } from "@heddle/model";
import type { RouteFeature } from "./rule.ts";

/** Envoy's own default would be 15 s; Istio's is none. */
export const NO_TIMEOUT = "0s";

export const timeout: RouteFeature = {
  name: "timeout",
  apply(route, rule) {
    if (rule.redirect || rule.directResponse) return route;
    const limit = rule.timeout ? protoDuration(rule.timeout) : NO_TIMEOUT;
    // The same bound on `grpc-timeout`: a client may ask for less, never for more.
    return { ...route, route: { ...route.route, timeout: limit, maxGrpcTimeout: limit } };
  },
};
