/** Which service a cluster stands for: what metrics and logs of requests through it are counted under. */
import { clusterMetadata } from "../telemetry/peer.ts";
import type { ClusterFeature } from "./feature.ts";

export const metadata: ClusterFeature = {
  name: "metadata",
  apply(cluster, { service }) {
    return { ...cluster, metadata: clusterMetadata(service) };
  },
};
