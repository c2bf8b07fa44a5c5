/** Lets the weights of places count, where a policy spreads traffic by place or says how it fails over to another. */
import type { LocalityLoadBalancer } from "@heddle/model";
import { zoneAwareOf } from "../endpoint/locality.ts";
import type { ClusterFeature } from "./feature.ts";

export const locality: ClusterFeature = {
  name: "locality",
  apply(cluster, { discovery, policy }) {
    const settings = policy.loadBalancer?.localityLbSetting;
    const listed = discovery === "EDS" || discovery === "STRICT_DNS";
    const failsOver = policy.alwaysFailsOver === true || policy.outlierDetection !== undefined;
    const weighed =
      zoneAwareOf(policy.loadBalancer) !== undefined ||
      (settings !== undefined && weighsPlaces(settings, failsOver));
    if (!listed || !weighed) return cluster;
    return {
      ...cluster,
      // Envoy ignores the weights of localities without it. Where nobody asks for places, it would only disturb the choice
      // of the endpoint with the fewest requests.
      commonLbConfig: { ...cluster.commonLbConfig, localityWeightedLbConfig: {} },
    };
  },
};

function weighsPlaces(
  { enabled, distribute = [], failover = [], failoverPriority = [] }: LocalityLoadBalancer,
  failsOver: boolean,
): boolean {
  if (enabled === false) return false;
  if (distribute.length > 0) return true;
  return failsOver && failover.length + failoverPriority.length > 0;
}
