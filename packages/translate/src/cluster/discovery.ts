/** Where a cluster's endpoints come from: EDS, DNS, or the address that the application connects to. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import { isHttp, isTls, isWildcard, type ServiceModel, type ServicePort } from "@heddle/model";
import { ADS } from "../ads.ts";
import { assignmentOf } from "../endpoint/assignment.ts";
import type { Reach } from "../proxy.ts";
import { DYNAMIC_FORWARD_PROXY } from "./dynamic-forward-proxy.ts";
import type { ClusterContext, ClusterFeature, Discovery } from "./feature.ts";
import type { EffectivePolicy } from "./policy.ts";

/**
 * Clients of a headless service choose a pod by DNS, and Envoy leaves them their choice where it can see it; so do those
 * whose rule says PASSTHROUGH, and those of an entry that resolves nothing. A gateway, or a proxy that traffic is not led to
 * by interception, sees no original destination: it balances over the endpoints instead, and resolves an entry's hosts.
 */
export function discoveryOf(
  service: ServiceModel,
  port: ServicePort,
  policy: EffectivePolicy,
  reach: Reach,
): Discovery {
  const chosenByClient =
    service.headless ||
    service.resolution === "NONE" ||
    policy.loadBalancer?.simple === "PASSTHROUGH";
  if (chosenByClient && reach === "intercepted" && service.externalName === undefined) {
    return "ORIGINAL_DST";
  }
  switch (service.resolution) {
    case "ENDPOINTS":
      return "EDS";
    case "NONE":
      return isWildcard(service.host) ? byRequest(port, reach) : byName(reach);
    case "DNS":
      return byName(reach);
    case "DNS_ROUND_ROBIN":
      return "LOGICAL_DNS";
    case "DYNAMIC_DNS":
      return byRequest(port, reach);
  }
}

/** Whether clusters of a service may hold names, and their endpoints with them. */
export function resolvesNames({ resolution }: ServiceModel): boolean {
  return resolution !== "ENDPOINTS";
}

export const discovery: ClusterFeature = {
  name: "discovery",
  apply(cluster, context) {
    switch (context.discovery) {
      case "EDS":
        return {
          ...cluster,
          type: "EDS",
          edsClusterConfig: { edsConfig: ADS, serviceName: cluster.name },
        };
      case "STRICT_DNS":
      case "LOGICAL_DNS":
        return {
          ...cluster,
          type: context.discovery,
          dnsLookupFamily: LOOKUPS[context.client.families ?? "v4"],
          loadAssignment: assignmentOf(context),
        };
      case "DYNAMIC_DNS":
        return { ...cluster, ...DYNAMIC_FORWARD_PROXY };
      case "ORIGINAL_DST":
        return { ...cluster, type: "ORIGINAL_DST", ...otherPort(context) };
    }
  },
};

/** What of a name's addresses the client can reach; one with both families tries both. */
const LOOKUPS = { v4: "V4_PREFERRED", v6: "V6_ONLY", both: "ALL" } as const;

/** gRPC's own clients know names of one address at a time only. */
function byName(reach: Reach): Discovery {
  return reach === "proxyless" ? "LOGICAL_DNS" : "STRICT_DNS";
}

/** The request has to name its host: by its authority, or by the server name of its TLS. */
function byRequest({ protocol }: ServicePort, reach: Reach): Discovery {
  const named = isHttp(protocol) || isTls(protocol);
  return named && reach !== "proxyless" ? "DYNAMIC_DNS" : "EDS";
}

/** An entry may say that whoever connects to its port is to be connected to another one. */
function otherPort({
  service: { resolution },
  port: { port, targetPort },
}: ClusterContext): Pick<Cluster, "originalDstLbConfig"> {
  if (resolution !== "NONE" || typeof targetPort !== "number" || targetPort === port) return {};
  return { originalDstLbConfig: { upstreamPortOverride: targetPort } };
}
