/** TLS towards endpoints: the mesh's own, or what a DestinationRule asks for. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { TransportSocket } from "@heddle/envoy/config/core/v3";
import type { ClientTLSSettings } from "@heddle/model";
import { marked } from "../revocation.ts";
import { takesMeshTls } from "../endpoint/takes-mesh-tls.ts";
import type { ClusterContext, ClusterFeature } from "./feature.ts";
import { backendTls } from "./backend-tls.ts";
import { grpcTls } from "./grpc-tls.ts";
import { meshTls } from "./mesh-tls.ts";
import { originatedTls } from "./originated-tls.ts";
import { originates } from "./originates.ts";
import { TLS_MODE, TLS_MODE_ISTIO } from "./tls-mode.ts";

export const RAW_BUFFER: TransportSocket = {
  name: "envoy.transport_sockets.raw_buffer",
  typedConfig: {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
  },
};

const TAKES_MESH_TLS = { [TLS_MODE]: TLS_MODE_ISTIO };
const PLAIN_TEXT = { name: "tlsMode-disabled", match: {}, transportSocket: RAW_BUFFER };

export const tls: ClusterFeature = {
  name: "tls",
  apply(cluster, context) {
    if (context.reach === "proxyless") return { ...cluster, ...grpcTls(context) };
    const settings = context.policy.tls;
    const mode = modeOf(settings);
    if (settings === undefined || mode === undefined) {
      return context.backendTls
        ? { ...cluster, transportSocket: backendTls(context, context.backendTls) }
        : automatic(cluster, context);
    }
    switch (mode) {
      case "DISABLE":
        return cluster;
      case "ISTIO_MUTUAL":
        return marked(context.read, { ...cluster, transportSocket: meshTls(context, settings) });
      default:
        if (!originates(context, settings)) return cluster;
        return { ...cluster, transportSocket: originatedTls(context, settings) };
    }
  },
};

/** Istio reads TLS settings without a mode as DISABLE. */
function modeOf(settings: ClientTLSSettings | undefined): ClientTLSSettings["mode"] {
  return settings === undefined ? undefined : (settings.mode ?? "DISABLE");
}

/**
 * Without a rule each endpoint decides: those behind a proxy of the mesh are reached by mutual TLS, others in plain text,
 * and so is everything outside of the mesh.
 * An original destination has no metadata to go by: mutual TLS is used there once every endpoint that is known takes it.
 */
function automatic(cluster: Cluster, context: ClusterContext): Cluster {
  const { discovery, read, service, port } = context;
  if (service.external || service.externalName !== undefined) return cluster;
  if (discovery === "DYNAMIC_DNS") return cluster;
  if (discovery === "ORIGINAL_DST") {
    const endpoints = read.endpoints(service, port.port);
    const all = endpoints.length > 0 && endpoints.every((each) => takesMeshTls(context, each));
    return all ? marked(read, { ...cluster, transportSocket: meshTls(context, {}) }) : cluster;
  }
  return marked(read, {
    ...cluster,
    transportSocketMatches: [
      {
        name: "tlsMode-istio",
        match: TAKES_MESH_TLS,
        transportSocket: meshTls(context, {}),
      },
      PLAIN_TEXT,
    ],
  });
}
