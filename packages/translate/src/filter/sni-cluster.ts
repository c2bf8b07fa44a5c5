/** Network filters that pass a connection on to the cluster that its server name stands for. */
import type { Filter } from "@heddle/envoy/config/listener/v3";
import type { RBAC } from "@heddle/envoy/extensions/filters/network/rbac/v3";
import type { SniCluster } from "@heddle/envoy/extensions/filters/network/sni_cluster/v3";
import { NETWORK_RBAC_FILTER } from "./names.ts";
import { extension } from "../typed-config.ts";

/**
 * In front of a TCP proxy, whose own cluster does not count then. A client names the cluster, so all other names than those of
 * services are closed: a proxy has clusters that are nobody's business, its control plane's among them.
 */
export const sniCluster: readonly Filter[] = [
  extension<RBAC>(NETWORK_RBAC_FILTER, "envoy.extensions.filters.network.rbac.v3.RBAC", {
    statPrefix: "auto_passthrough.",
    rules: {
      action: "ALLOW",
      policies: {
        services: {
          permissions: [{ requestedServerName: { prefix: "outbound_." } }],
          principals: [{ any: true }],
        },
      },
    },
  }),
  extension<SniCluster>(
    "envoy.filters.network.sni_cluster",
    "envoy.extensions.filters.network.sni_cluster.v3.SniCluster",
    {},
  ),
];
