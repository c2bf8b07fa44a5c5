/** The one route from a sidecar to its own application. */
import type { RouteConfiguration } from "@heddle/envoy/config/route/v3";
import { inboundCluster } from "../names.ts";
import { NO_TIMEOUT } from "./timeout.ts";

export function inboundRoute(
  host: string,
  servicePort: number,
  targetPort: number,
): RouteConfiguration {
  const cluster = inboundCluster(targetPort);
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
            decorator: { operation: `${host}:${servicePort}/*` },
          },
        ],
      },
    ],
    validateClusters: false,
  };
}
