/** Names that are resolved when a request asks for them: one cache of addresses for the clusters and filters of a proxy. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { ClusterConfig } from "@heddle/envoy/extensions/clusters/dynamic_forward_proxy/v3";
import type { DnsCacheConfig } from "@heddle/envoy/extensions/common/dynamic_forward_proxy/v3";
import { extension } from "../typed-config.ts";

/** Envoy finds a cache by its name, and wants the same settings wherever it is named. */
export const DNS_CACHE: DnsCacheConfig = {
  name: "heddle",
  dnsLookupFamily: "V4_PREFERRED",
};

export const DYNAMIC_FORWARD_PROXY: Cluster = {
  clusterType: extension<ClusterConfig>(
    "envoy.clusters.dynamic_forward_proxy",
    "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig",
    {
      dnsCacheConfig: DNS_CACHE,
      // Plain text has no name to check; where a rule asks for TLS, `http-protocol.ts` has the name checked.
      allowInsecureClusterOptions: true,
    },
  ),
};
