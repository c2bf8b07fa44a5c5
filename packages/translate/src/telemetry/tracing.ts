/** Spans: each proxy's part of a request, sent to the agent by OTLP. */
import type { CustomTag as TelemetryTag } from "@heddle/model";
import type { UuidRequestIdConfig } from "@heddle/envoy/extensions/request_id/uuid/v3";
import type { CustomTag } from "@heddle/envoy/type/tracing/v3";
import type {
  HttpConnectionManager,
  HttpConnectionManager_Tracing,
} from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import type { OpenTelemetryConfig } from "@heddle/envoy/config/trace/v3";
import { NOWHERE_CLUSTER, OTLP_CLUSTER } from "../names.ts";
import type { MeshSettings } from "../mesh-settings.ts";
import { extension, typedConfig } from "../typed-config.ts";
import { serviceNameOf } from "./access-log.ts";
import { type Leg, reporterOf } from "./labels.ts";
import { METADATA_NAMESPACE, type Peer } from "./peer.ts";
import type { TracingSettings } from "./settings.ts";

/** Longer paths are cut in span tags: a span is not the place to keep what a stranger sent. */
const MAX_PATH_TAG_BYTES = 256;

export function tracing(
  leg: Leg,
  peer: Peer,
  mesh: MeshSettings,
  settings: TracingSettings = {},
): HttpConnectionManager_Tracing {
  const tags = {
    ...(settings.istioTags === false ? {} : istioTags(peer, mesh)),
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
        // Silent: spans are made and passed on to the next proxy; a tracer must have somewhere to report to.
        grpcService: {
          envoyGrpc: { clusterName: settings.silent ? NOWHERE_CLUSTER : OTLP_CLUSTER },
          timeout: "5s",
        },
        serviceName: serviceNameOf(peer),
      },
    ),
    // Whoever asks for a trace by header is not obeyed; what an earlier proxy decided is.
    clientSampling: { value: 0 },
    randomSampling: { value: settings.sampling ?? mesh.traceSampling },
    overallSampling: { value: 100 },
    ...(settings.noPropagation ? { noContextPropagation: true } : {}),
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
      ...Object.entries(settings.tags ?? {}).map(([tag, custom]) => customTag(tag, custom)),
    ],
  };
}

/** As dashboards and queries for Istio's spans have them. */
function istioTags(peer: Peer, mesh: MeshSettings): Readonly<Record<string, string>> {
  return {
    "istio.mesh_id": mesh.name,
    "istio.cluster_id": peer.cluster,
    "istio.namespace": peer.namespace,
    "istio.canonical_service": peer.canonicalService,
    "istio.canonical_revision": peer.canonicalRevision,
  };
}

/** Whether a request is traced is decided by its id, the same at every proxy, unless a Telemetry asks for chance. */
export function requestIdExtension(
  settings: TracingSettings,
): Pick<HttpConnectionManager, "requestIdExtension"> {
  if (settings.byRequestId === undefined) return {};
  return {
    requestIdExtension: {
      typedConfig: typedConfig<UuidRequestIdConfig>(
        "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
        { useRequestIdForTraceSampling: settings.byRequestId },
      ),
    },
  };
}

function customTag(tag: string, custom: TelemetryTag): CustomTag {
  const { literal, environment, header, formatter } = custom;
  if (literal) return { tag, literal };
  if (environment) return { tag, environment };
  if (header) return { tag, requestHeader: header };
  return { tag, value: formatter?.value ?? "" };
}
