/** Small Envoy resources for tests. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { ClusterLoadAssignment } from "@heddle/envoy/config/endpoint/v3";
import type { Listener } from "@heddle/envoy/config/listener/v3";
import type { RouteConfiguration } from "@heddle/envoy/config/route/v3";
import type { HttpConnectionManager } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";

const ads = { ads: {}, resourceApiVersion: "V3" } as const;

const FAULT_FILTER = "envoy.filters.http.fault";
const FAULT = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";

const delayed = (fixedDelay: string) => ({
  [FAULT_FILTER]: {
    "@type": FAULT,
    delay: { fixedDelay, percentage: { numerator: 100 } },
  },
});

/** A cluster whose endpoints come by EDS; `variant` changes its bytes and nothing else that matters. */
export function cluster(name: string, variant = 0): Cluster {
  return {
    name,
    type: "EDS",
    edsClusterConfig: { edsConfig: ads },
    connectTimeout: `${1 + variant}s`,
  };
}

export function endpoints(clusterName: string, port: number): ClusterLoadAssignment {
  const address = { socketAddress: { address: "127.0.0.1", portValue: port } };
  return { clusterName, endpoints: [{ lbEndpoints: [{ endpoint: { address } }] }] };
}

/** An HTTP listener on 127.0.0.1 that asks for its routes by RDS. */
export function listener(name: string, port: number, routeConfigName: string): Listener {
  const manager: HttpConnectionManager = {
    statPrefix: name,
    rds: { routeConfigName, configSource: ads },
    httpFilters: [
      { name: FAULT_FILTER, typedConfig: { "@type": FAULT } },
      {
        name: "envoy.filters.http.router",
        typedConfig: {
          "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
        },
      },
    ],
  };
  return {
    name,
    address: { socketAddress: { address: "127.0.0.1", portValue: port } },
    filterChains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typedConfig: {
              "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
              ...manager,
            },
          },
        ],
      },
    ],
  };
}

/** Routes everything to clusters by weight, after a delay where one is named. */
export function route(
  name: string,
  weights: Readonly<Record<string, number>>,
  delay?: string,
): RouteConfiguration {
  const clusters = Object.entries(weights).map(([cluster, weight]) => ({ name: cluster, weight }));
  return {
    name,
    virtualHosts: [
      {
        name: "all",
        domains: ["*"],
        routes: [
          {
            match: { prefix: "/" },
            route: { weightedClusters: { clusters } },
            ...(delay === undefined ? {} : { typedPerFilterConfig: delayed(delay) }),
          },
        ],
      },
    ],
  };
}
