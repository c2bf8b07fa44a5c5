/** Mutual TLS of the mesh as gRPC's own xDS clients have it: gRPC A29. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import { takesMeshTls } from "../endpoint/takes-mesh-tls.ts";
import type { ClusterContext } from "./feature.ts";
import { identitiesOf } from "./mesh-tls.ts";
import { upstreamTls } from "./upstream-tls.ts";

/**
 * They refuse a cluster whose endpoints choose their TLS one by one, and certificates that come by SDS: theirs come from a
 * provider in their own bootstrap, whose name they tell in their node. Plain text without one.
 *
 * Where no rule asks for it, only what takes nothing else is reached by mutual TLS: a PERMISSIVE sidecar tells the mesh's TLS
 * from an application's own by the protocol `istio`, which gRPC does not offer.
 */
export function grpcTls(context: ClusterContext): Pick<Cluster, "transportSocket"> {
  const { client, policy } = context;
  const instance = client.certificate && { instanceName: client.certificate };
  const mode = policy.tls === undefined ? undefined : (policy.tls.mode ?? "DISABLE");
  if (!instance || !(mode === undefined ? isStrict(context) : mode === "ISTIO_MUTUAL")) return {};
  const named = policy.tls?.subjectAltNames ?? [];
  const names = named.length > 0 ? named : identitiesOf(context);
  return {
    transportSocket: upstreamTls({
      commonTlsContext: {
        tlsCertificateProviderInstance: instance,
        validationContext: {
          caCertificateProviderInstance: instance,
          ...(names.length > 0 ? { matchSubjectAltNames: names.map((exact) => ({ exact })) } : {}),
        },
      },
    }),
  };
}

function isStrict(context: ClusterContext): boolean {
  const { read, service, port } = context;
  const endpoints = read.endpoints(service, port.port);
  return (
    endpoints.length > 0 &&
    endpoints.every(
      (endpoint) =>
        takesMeshTls(context, endpoint) &&
        read.peerAuthentication(endpoint.namespace, endpoint.labels, endpoint.port) === "STRICT",
    )
  );
}
