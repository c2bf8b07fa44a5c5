/** The route of a service that no rule speaks of. */
import type { Route, RouteAction_HashPolicy } from "@heddle/envoy/config/route/v3";
import { outboundCluster } from "../names.ts";
import { retryPolicy } from "./retries.ts";
import { NO_TIMEOUT } from "./timeout.ts";

export function defaultRoute(
  host: string,
  port: number,
  hashPolicy: readonly RouteAction_HashPolicy[],
): Route {
  const policy = retryPolicy(undefined, hashPolicy.length > 0);
  return {
    name: "default",
    match: { prefix: "/" },
    route: {
      cluster: outboundCluster(host, port),
      timeout: NO_TIMEOUT,
      ...(policy ? { retryPolicy: policy } : {}),
      ...(hashPolicy.length > 0 ? { hashPolicy } : {}),
    },
    decorator: { operation: `${host}:${port}/*` },
  };
}
