/** Where a cluster's endpoints come from: EDS, DNS, or the address that the application connects to. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import { isHttp, type ServiceModel, type ServicePort } from "@heddle/model";
import { ADS } from "../ads.ts";
import type { Reach } from "../proxy.ts";
import type { ClusterFeature, Discovery } from "./feature.ts";
import type { EffectivePolicy } from "./policy.ts";

/**
 * Clients of a headless service choose a pod by DNS, and Envoy leaves them their choice where it can see it; so do those
 * whose rule says PASSTHROUGH. A gateway, or a proxy that traffic is not led to by interception, sees no original
 * destination and balances over the endpoints instead.
 */
export function discoveryOf(
  service: ServiceModel,
  policy: EffectivePolicy,
  reach: Reach,
): Discovery {
  if (service.externalName !== undefined) return "STRICT_DNS";
  const chosenByClient = service.headless || policy.loadBalancer?.simple === "PASSTHROUGH";
  return chosenByClient && reach === "intercepted" ? "ORIGINAL_DST" : "EDS";
}

export const discovery: ClusterFeature = {
  name: "discovery",
  apply(cluster, { discovery: kind, service, port }) {
    switch (kind) {
      case "EDS":
        return {
          ...cluster,
          type: "EDS",
          edsClusterConfig: { edsConfig: ADS, serviceName: cluster.name },
        };
      case "STRICT_DNS":
        return { ...cluster, ...dns(service.externalName ?? service.host, port, cluster.name) };
      case "ORIGINAL_DST":
        return { ...cluster, type: "ORIGINAL_DST" };
    }
  },
};

/** A name outside of the mesh: every address that it resolves to is an endpoint. */
function dns(name: string, port: ServicePort, clusterName: string | undefined): Cluster {
  const address = { socketAddress: { address: name, portValue: port.port } };
  return {
    type: "STRICT_DNS",
    dnsLookupFamily: "V4_PREFERRED",
    loadAssignment: {
      clusterName,
      endpoints: [
        {
          lbEndpoints: [
            // HTTP requests carry the mesh's name for the host; the one outside is what its TLS and logs know.
            { endpoint: isHttp(port.protocol) ? { address, hostname: name } : { address } },
          ],
        },
      ],
    },
  };
}
