/** A listener as it is written down: the network filters that speak HTTP are the same everywhere but for their routes. */
import type { Listener } from "@heddle/envoy/config/listener/v3";

const HTTP = "envoy.filters.network.http_connection_manager";

export function compactListener(value: unknown): unknown {
  const listener = value as Listener;
  return {
    ...listener,
    ...(listener.filterChains
      ? {
          filterChains: listener.filterChains.map((chain) => ({
            ...chain,
            filters: (chain.filters ?? []).map(({ name, typedConfig }) => {
              const config = typedConfig as Record<string, unknown>;
              if (name === HTTP) {
                return {
                  name,
                  routes: (config["rds"] as { routeConfigName?: string }).routeConfigName,
                };
              }
              const { accessLog: _accessLog, ...rest } = config;
              return { name, typedConfig: rest };
            }),
          })),
        }
      : {}),
  };
}
