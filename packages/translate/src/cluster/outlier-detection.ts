/** When an endpoint that fails is left alone for a while. */
import type { OutlierDetection as EnvoyOutlierDetection } from "@heddle/envoy/config/cluster/v3";
import { type OutlierDetection, protoDuration } from "@heddle/model";
import type { ClusterFeature } from "./feature.ts";

export const outlierDetection: ClusterFeature = {
  name: "outlier detection",
  apply(cluster, { policy, discovery }) {
    const settings = policy.outlierDetection;
    if (settings === undefined || discovery === "ORIGINAL_DST") return cluster;
    return {
      ...cluster,
      outlierDetection: convert(settings),
      commonLbConfig: {
        ...cluster.commonLbConfig,
        // Envoy's 50 % makes a service of few pods ignore ejections; Istio's default is never to.
        healthyPanicThreshold: { value: settings.minHealthPercent ?? 0 },
      },
    };
  },
};

/** Only consecutive errors eject: success rates and failure percentages are not Istio's. */
function convert(settings: OutlierDetection): EnvoyOutlierDetection {
  const { interval, baseEjectionTime, maxEjectionPercent, consecutive5xxErrors } = settings;
  const gateway = settings.consecutiveGatewayErrors ?? settings.consecutiveErrors;
  return {
    enforcingSuccessRate: 0,
    ...(consecutive5xxErrors === undefined
      ? {}
      : {
          consecutive5xx: consecutive5xxErrors,
          enforcingConsecutive5xx: enforcing(consecutive5xxErrors),
        }),
    ...(gateway === undefined
      ? {}
      : {
          consecutiveGatewayFailure: gateway,
          enforcingConsecutiveGatewayFailure: enforcing(gateway),
        }),
    ...(interval === undefined ? {} : { interval: protoDuration(interval) }),
    ...(baseEjectionTime === undefined
      ? {}
      : { baseEjectionTime: protoDuration(baseEjectionTime) }),
    ...(maxEjectionPercent ? { maxEjectionPercent } : {}),
    ...localOrigin(settings),
  };
}

/** 0 turns a detector off; its threshold of 0 alone would not. */
function enforcing(threshold: number): number {
  return threshold > 0 ? 100 : 0;
}

function localOrigin(settings: OutlierDetection): EnvoyOutlierDetection {
  if (settings.splitExternalLocalOriginErrors !== true) return {};
  const failures = settings.consecutiveLocalOriginFailures ?? 0;
  return {
    splitExternalLocalOriginErrors: true,
    enforcingLocalOriginSuccessRate: 0,
    ...(failures > 0
      ? {
          consecutiveLocalOriginFailure: failures,
          enforcingConsecutiveLocalOriginFailure: 100,
        }
      : {}),
  };
}
