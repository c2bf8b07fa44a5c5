/** The one route from a sidecar to its own application. */
import type { RouteConfiguration } from "@heddle/envoy/config/route/v3";
import { INBOUND_PASSTHROUGH_CLUSTER, inboundCluster } from "../names.ts";
import { NO_TIMEOUT } from "./timeout.ts";

export function inboundRoute(
  host: string,
  servicePort: number,
  targetPort: number,
): RouteConfiguration {
  return routeTo(inboundCluster(targetPort), servicePort, `${host}:${servicePort}/*`);
}

/** To the port that was asked for, of those that no service leads to. */
export const PASSTHROUGH_ROUTE: RouteConfiguration = routeTo(
  INBOUND_PASSTHROUGH_CLUSTER,
  0,
  `${INBOUND_PASSTHROUGH_CLUSTER}/*`,
);

/** `operation` is what spans of its requests are named. */
function routeTo(cluster: string, servicePort: number, operation: string): RouteConfiguration {
  return {
    name: cluster,
    virtualHosts: [
      {
        name: `inbound|http|${servicePort}`,
        domains: ["*"],
        routes: [
          {
            name: "default",
            match: { prefix: "/" },
            route: {
              cluster,
              timeout: NO_TIMEOUT,
              // Only what the application cannot have seen: an idle connection that it closed as the request came.
              retryPolicy: { retryOn: "reset-before-request", numRetries: 2 },
            },
            decorator: { operation },
          },
        ],
      },
    ],
    validateClusters: false,
  };
}
