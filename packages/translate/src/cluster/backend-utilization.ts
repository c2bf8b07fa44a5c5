/**
 * Requests by the load that endpoints report of themselves, in the header `endpoint-load-metrics` of their answers (ORCA;
 * gRFC A58). Envoy has it as an extension, which takes the place of the cluster's own policy and of what belongs to that.
 */
import type { Cluster, LoadBalancingPolicy } from "@heddle/envoy/config/cluster/v3";
import type { ClientSideWeightedRoundRobin } from "@heddle/envoy/extensions/load_balancing_policies/client_side_weighted_round_robin/v3";
import type { Subset } from "@heddle/envoy/extensions/load_balancing_policies/subset/v3";
import type { WrrLocality } from "@heddle/envoy/extensions/load_balancing_policies/wrr_locality/v3";
import { type BackendUtilization, protoDuration } from "@heddle/model";
import { extension } from "../typed-config.ts";
import type { ClusterFeature } from "./feature.ts";
import { warmupOf } from "./load-balancing.ts";

export const backendUtilization: ClusterFeature = {
  name: "backend utilization",
  apply(cluster, { policy, reach }) {
    const settings = policy.loadBalancer?.backendUtilization;
    // gRPC's own clients are given what all of them have.
    if (settings === undefined || reach === "proxyless") return cluster;
    if (cluster.lbPolicy === "CLUSTER_PROVIDED") return cluster;
    const {
      lbPolicy: _p,
      leastRequestLbConfig: _l,
      commonLbConfig,
      lbSubsetConfig,
      ...rest
    } = cluster;
    const { localityWeightedLbConfig, ...common } = commonLbConfig ?? {};
    const slow = warmupOf(policy.loadBalancer ?? {});
    let made = policyOf<ClientSideWeightedRoundRobin>(
      "client_side_weighted_round_robin",
      "ClientSideWeightedRoundRobin",
      {
        ...weighting(settings),
        ...(slow === undefined ? {} : { slowStartConfig: slow }),
      },
    );
    if (localityWeightedLbConfig !== undefined)
      made = policyOf<WrrLocality>("wrr_locality", "WrrLocality", { endpointPickingPolicy: made });
    if (lbSubsetConfig !== undefined)
      made = policyOf<Subset>("subset", "Subset", {
        ...(lbSubsetConfig as Subset),
        subsetLbPolicy: made,
      });
    return {
      ...rest,
      ...(Object.keys(common).length > 0 ? { commonLbConfig: common } : {}),
      loadBalancingPolicy: made,
    } satisfies Cluster;
  },
};

/** What is not said stays at Envoy's default, which is Istio's. */
function weighting(settings: BackendUtilization): ClientSideWeightedRoundRobin {
  const {
    weightStabilizationPeriod: blackoutPeriod,
    weightExpirationPeriod,
    weightUpdatePeriod,
    errorUtilizationPenaltyPercent: percent,
    metricNamesForComputingUtilization: names,
  } = settings;
  const periods = { blackoutPeriod, weightExpirationPeriod, weightUpdatePeriod };
  return {
    ...Object.fromEntries(
      Object.entries(periods).flatMap(([name, period]) =>
        period === undefined ? [] : [[name, protoDuration(period)]],
      ),
    ),
    ...(percent === undefined ? {} : { errorUtilizationPenalty: percent / 100 }),
    ...(names === undefined ? {} : { metricNamesForComputingUtilization: names }),
  };
}

function policyOf<T extends object>(name: string, message: string, fields: T): LoadBalancingPolicy {
  return {
    policies: [
      {
        typedExtensionConfig: extension(
          `envoy.load_balancing_policies.${name}`,
          `envoy.extensions.load_balancing_policies.${name}.v3.${message}`,
          fields,
        ),
      },
    ],
  };
}
