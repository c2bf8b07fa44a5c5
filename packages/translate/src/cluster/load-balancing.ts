/** How requests are spread over a cluster's endpoints. */
import type { Cluster, Cluster_SlowStartConfig } from "@heddle/envoy/config/cluster/v3";
import { type ConsistentHash, type LoadBalancerSettings, protoDuration } from "@heddle/model";
import type { ClusterFeature } from "./feature.ts";

/** What Istio asks for where a rule says nothing; Envoy's own default, 1024, is the same and written out. */
const MINIMUM_RING_SIZE = 1024;

/** Envoy takes no larger ring, and gRPC refuses one. */
const MAXIMUM_RING_SIZE = 8 * 1024 * 1024;

const ROUND_ROBIN: Cluster = { lbPolicy: "ROUND_ROBIN" };

export const loadBalancing: ClusterFeature = {
  name: "load balancing",
  apply(cluster, { policy, discovery, reach }) {
    // The connection or the request has chosen already.
    if (discovery === "ORIGINAL_DST" || discovery === "DYNAMIC_DNS")
      return { ...cluster, lbPolicy: "CLUSTER_PROVIDED" };
    const { loadBalancer = {} } = policy;
    const { consistentHash } = loadBalancer;
    // gRPC's own clients refuse a cluster whose policy they do not have; they all have these two.
    if (reach === "proxyless") {
      return { ...cluster, ...(consistentHash ? ring(consistentHash) : ROUND_ROBIN) };
    }
    if (consistentHash) return { ...cluster, ...hashing(consistentHash) };
    return { ...cluster, ...simple(loadBalancer) };
  },
};

/** Requests to the endpoint with fewer of them under way, unless a rule says otherwise: as Istio has it. */
function simple(settings: LoadBalancerSettings): Cluster {
  const slowStartConfig = warmupOf(settings);
  const slow = slowStartConfig === undefined ? {} : { slowStartConfig };
  switch (settings.simple) {
    case "RANDOM":
      return { lbPolicy: "RANDOM" };
    case "ROUND_ROBIN":
      return {
        lbPolicy: "ROUND_ROBIN",
        ...(slowStartConfig === undefined ? {} : { roundRobinLbConfig: slow }),
      };
    default:
      return {
        lbPolicy: "LEAST_REQUEST",
        ...(slowStartConfig === undefined ? {} : { leastRequestLbConfig: slow }),
      };
  }
}

/** What is hashed is the route's business (`route/hash-policy.ts`); here is only the table. */
function hashing(hash: ConsistentHash): Cluster {
  if (hash.maglev) {
    const { tableSize } = hash.maglev;
    return {
      lbPolicy: "MAGLEV",
      ...(tableSize ? { maglevLbConfig: { tableSize } } : {}),
    };
  }
  return ring(hash);
}

function ring({ ringHash, minimumRingSize: older }: ConsistentHash): Cluster {
  const wanted = ringHash?.minimumRingSize || older || MINIMUM_RING_SIZE;
  const minimumRingSize = Math.min(Number(wanted), MAXIMUM_RING_SIZE);
  return { lbPolicy: "RING_HASH", ringHashLbConfig: { minimumRingSize } };
}

/** Undefined where new endpoints get their full share at once. */
export function warmupOf({
  warmup,
  warmupDurationSecs,
}: LoadBalancerSettings): Cluster_SlowStartConfig | undefined {
  const duration = warmup?.duration ?? warmupDurationSecs;
  if (duration === undefined) return undefined;
  const { minimumPercent, aggression } = warmup ?? {};
  return {
    slowStartWindow: protoDuration(duration),
    ...(minimumPercent === undefined ? {} : { minWeightPercent: { value: minimumPercent } }),
    ...(aggression === undefined
      ? {}
      : { aggression: { defaultValue: aggression, runtimeKey: "slow_start.aggression" } }),
  };
}
