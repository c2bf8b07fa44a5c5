/** The two listeners that every proxy has for those who watch over it; each lets one path of the admin interface through. */
import type { Listener } from "@heddle/envoy/config/listener/v3";
import type { HttpConnectionManager } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import type { BootstrapOptions, HostPort } from "../bootstrap.ts";
import { routerFilter } from "../filter/router.ts";
import { extension } from "../typed-config.ts";
import { socketAddress } from "./address.ts";

export const ADMIN_CLUSTER = "heddle-admin";

export function adminListeners({ prometheus, health }: BootstrapOptions): readonly Listener[] {
  return [
    ...(prometheus
      ? [
          listener("prometheus", prometheus, {
            "/stats/prometheus": "/stats/prometheus?usedonly",
            "/metrics": "/stats/prometheus?usedonly",
          }),
        ]
      : []),
    ...(health ? [listener("health", health, { "/healthz/ready": "/ready" })] : []),
  ];
}

function listener(
  name: string,
  { address, port }: HostPort,
  paths: Readonly<Record<string, string>>,
): Listener {
  return {
    name,
    address: socketAddress(address, port),
    // Being watched does not count as being used.
    ignoreGlobalConnLimit: true,
    filterChains: [
      {
        filters: [
          extension<HttpConnectionManager>(
            "envoy.filters.network.http_connection_manager",
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            {
              statPrefix: name,
              routeConfig: {
                virtualHosts: [
                  {
                    name,
                    domains: ["*"],
                    routes: Object.entries(paths).map(([path, to]) => ({
                      match: { path },
                      route: { cluster: ADMIN_CLUSTER, prefixRewrite: to },
                    })),
                  },
                ],
              },
              httpFilters: routerFilter.filters(),
            },
          ),
        ],
      },
    ],
  };
}
