/** Overload protection: filters that let through what can be served, and refuse the rest at once. */
import type { AdaptiveConcurrency as Concurrency } from "@heddle/envoy/extensions/filters/http/adaptive_concurrency/v3";
import type { AdmissionControl as Admission } from "@heddle/envoy/extensions/filters/http/admission_control/v3";
import type { HttpFilter } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import { type AdaptiveConcurrency, type AdmissionControl, protoDuration } from "@heddle/model";
import { extension } from "../typed-config.ts";
import type { HttpFeature } from "./http-feature.ts";
import { ADAPTIVE_CONCURRENCY_FILTER, ADMISSION_CONTROL_FILTER } from "./names.ts";

export const overload: HttpFeature = {
  name: "overload",
  filters({ guards }) {
    const { concurrency, admission } = guards.overload?.spec ?? {};
    return [
      // Before concurrency: what admission refuses takes nobody's place.
      ...(admission ? [admissionControl(admission)] : []),
      ...(concurrency ? [adaptiveConcurrency(concurrency)] : []),
    ];
  },
};

/** Requests that the best latency is measured by. */
const SAMPLES = 50;

function adaptiveConcurrency(wanted: AdaptiveConcurrency): HttpFilter {
  const { max = 1000, min = 3, percentile = 90, every = "100ms", recalibrate = "60s" } = wanted;
  return extension<Concurrency>(
    ADAPTIVE_CONCURRENCY_FILTER,
    "envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency",
    {
      enabled: { defaultValue: true },
      gradientControllerConfig: {
        sampleAggregatePercentile: { value: percentile },
        concurrencyLimitParams: {
          maxConcurrencyLimit: max,
          minConcurrencyLimit: min,
          concurrencyUpdateInterval: protoDuration(every),
        },
        minRttCalcParams: {
          interval: protoDuration(recalibrate),
          requestCount: SAMPLES,
          minConcurrency: min,
          // So that not all proxies measure, and refuse, at the same time.
          jitter: { value: 10 },
        },
      },
    },
  );
}

function admissionControl(wanted: AdmissionControl): HttpFilter {
  const { successRate = 95, window = "30s", minimumRate = 0 } = wanted;
  const { maxRefused = 80, aggression = 1 } = wanted;
  return extension<Admission>(
    ADMISSION_CONTROL_FILTER,
    "envoy.extensions.filters.http.admission_control.v3.AdmissionControl",
    {
      enabled: { defaultValue: true },
      successCriteria: { httpCriteria: { httpSuccessStatus: SUCCESS } },
      samplingWindow: protoDuration(window),
      srThreshold: { defaultValue: { value: successRate }, runtimeKey: "" },
      rpsThreshold: { defaultValue: minimumRate, runtimeKey: "" },
      maxRejectionProbability: { defaultValue: { value: maxRefused }, runtimeKey: "" },
      aggression: { defaultValue: aggression, runtimeKey: "" },
    },
  );
}

/** What a client did wrong says nothing of how the server is. */
const SUCCESS = [{ start: 100, end: 500 }];
