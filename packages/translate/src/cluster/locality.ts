/** Lets the weights of places count, where a policy spreads traffic by place or may fail over to another. */
import { localityMatters } from "../endpoint/locality.ts";
import type { ClusterFeature } from "./feature.ts";

export const locality: ClusterFeature = {
  name: "locality",
  apply(cluster, { discovery, policy }) {
    if (discovery !== "EDS" || !localityMatters(policy)) return cluster;
    return {
      ...cluster,
      // Envoy ignores the weights of localities without it.
      commonLbConfig: { ...cluster.commonLbConfig, localityWeightedLbConfig: {} },
    };
  },
};
