/** Which of Envoy's own statistics a proxy keeps, and how finely it keeps Istio's histograms. */
import type { StatsConfig } from "@heddle/envoy/config/metrics/v3";
import { METRIC_PREFIX } from "./stats-logger.ts";

/** Label sets that were not used for so long are forgotten. */
export const STATS_EVICTION_INTERVAL = "600s";

/**
 * Envoy keeps some 130 statistics for each cluster and listener; in a mesh of a thousand services they cost more memory than
 * the configuration itself. What is kept: the service metrics, the proxy's own health, its control plane and its telemetry.
 */
const KEPT_PREFIXES = [
  `${METRIC_PREFIX}.`,
  "server.",
  "cluster_manager.",
  "listener_manager.",
  "control_plane.",
  "cluster.heddle-",
  "access_logs.",
  "tracing.",
  "overload.",
];

/** What routes count; requests and connections in and out, a few for each listener; what happened to TLS handshakes. */
const KEPT_PATTERNS = [
  // Only of routes that a rule asks it for by a statPrefix.
  String.raw`vhost\..*\.route\..*`,
  String.raw`http\.(inbound|outbound)_.*\.downstream_(rq_[1-5]xx|rq_active|cx_active|cx_total|rq_total)`,
  String.raw`listener\..*\.(ssl\.(handshake|connection_error|fail_verify_.*)|no_filter_chain_match)`,
  String.raw`.*\.sds\..*\.(update_(success|rejected)|key_rotation_failed)`,
];

/** Milliseconds; Istio's buckets without the ones beyond a minute. */
const DURATION_BUCKETS = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000,
];
const BYTE_BUCKETS = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000];

export function statsConfig(): StatsConfig {
  return {
    useAllDefaultTags: true,
    statsMatcher: {
      inclusionList: {
        patterns: [
          ...KEPT_PREFIXES.map((prefix) => ({ prefix })),
          ...KEPT_PATTERNS.map((regex) => ({ safeRegex: { regex } })),
        ],
      },
    },
    histogramBucketSettings: [
      { match: { suffix: "istio_request_duration_milliseconds" }, buckets: DURATION_BUCKETS },
      { match: { safeRegex: { regex: ".*istio_re(quest|sponse)_bytes" } }, buckets: BYTE_BUCKETS },
    ],
  };
}
