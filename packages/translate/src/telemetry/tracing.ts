/** Spans: each proxy's part of a request, sent to the agent by OTLP. */
import type { HttpConnectionManager_Tracing } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import type { OpenTelemetryConfig } from "@heddle/envoy/config/trace/v3";
import { OTLP_CLUSTER } from "../names.ts";
import type { MeshSettings } from "../read.ts";
import { extension } from "../typed-config.ts";
import { serviceNameOf } from "./access-log.ts";
import { type Leg, reporterOf } from "./labels.ts";
import { METADATA_NAMESPACE, type Peer } from "./peer.ts";

/** Longer paths are cut in span tags: a span is not the place to keep what a stranger sent. */
const MAX_PATH_TAG_BYTES = 256;

export function tracing(leg: Leg, peer: Peer, mesh: MeshSettings): HttpConnectionManager_Tracing {
  const tags = {
    "mesh.name": mesh.name,
    "k8s.namespace.name": peer.namespace,
    "k8s.cluster.name": peer.cluster,
    "heddle.reporter": reporterOf(leg),
    "heddle.workload": peer.workload,
    "heddle.app": peer.app,
    "heddle.version": peer.version,
    "heddle.canonical_service": peer.canonicalService,
    "heddle.canonical_revision": peer.canonicalRevision,
  };
  return {
    provider: extension<OpenTelemetryConfig>(
      "envoy.tracers.opentelemetry",
      "envoy.config.trace.v3.OpenTelemetryConfig",
      {
        grpcService: { envoyGrpc: { clusterName: OTLP_CLUSTER }, timeout: "5s" },
        serviceName: serviceNameOf(peer),
      },
    ),
    // Whoever asks for a trace by header is not obeyed; what an earlier proxy decided is.
    clientSampling: { value: 0 },
    randomSampling: { value: mesh.traceSampling },
    overallSampling: { value: 100 },
    maxPathTagLength: MAX_PATH_TAG_BYTES,
    customTags: [
      ...Object.entries(tags)
        .filter(([, value]) => value !== "")
        .map(([tag, value]) => ({ tag, literal: { value } })),
      {
        tag: "destination.service",
        metadata: {
          kind: { cluster: {} },
          metadataKey: { key: METADATA_NAMESPACE, path: [{ key: "service" }] },
        },
      },
    ],
  };
}
