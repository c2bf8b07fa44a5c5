/** Every cluster feature, in the order in which they are applied. */
import { backendUtilization } from "./backend-utilization.ts";
import { connectionPool } from "./connection-pool.ts";
import { connectInTime } from "./connect-in-time.ts";
import { discovery } from "./discovery.ts";
import type { ClusterFeature } from "./feature.ts";
import { httpProtocol } from "./http-protocol.ts";
import { loadBalancing } from "./load-balancing.ts";
import { locality } from "./locality.ts";
import { metadata } from "./metadata.ts";
import { outlierDetection } from "./outlier-detection.ts";
import { podHosts } from "./pod-hosts.ts";
import { proxyProtocol } from "./proxy-protocol.ts";
import { tls } from "./tls.ts";

export const CLUSTER_FEATURES: readonly ClusterFeature[] = [
  discovery,
  loadBalancing,
  connectionPool,
  // Shortens the time that the pool's settings give.
  connectInTime,
  httpProtocol,
  outlierDetection,
  locality,
  podHosts,
  // Takes over what those before it say of places and pods.
  backendUtilization,
  metadata,
  tls,
  // Wraps the transport socket that TLS made: the header goes in front of the handshake.
  proxyProtocol,
];
