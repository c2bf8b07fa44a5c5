/** Parts that every TLS connection to an endpoint shares. */
import type { TransportSocket } from "@heddle/envoy/config/core/v3";
import type {
  CertificateValidationContext,
  SubjectAltNameMatcher,
  TlsParameters,
  UpstreamTlsContext,
} from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import type { ClusterContext } from "./feature.ts";

/** As a client Envoy stops at TLS 1.2 unless it is told. */
export const TLS_VERSIONS: TlsParameters = {
  tlsMinimumProtocolVersion: "TLSv1_2",
  tlsMaximumProtocolVersion: "TLSv1_3",
};

const TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

export function upstreamTls(context: UpstreamTlsContext): TransportSocket {
  return { name: "envoy.transport_sockets.tls", typedConfig: { "@type": TYPE, ...context } };
}

/** Names that a server outside may prove: the rule's, else those of the host's ServiceEntry; none for any. */
export function expectedNames({
  service,
  policy,
}: Pick<ClusterContext, "service" | "policy">): readonly string[] {
  const names = policy.tls?.subjectAltNames ?? [];
  if (names.length > 0 || service.origin !== "ServiceEntry") return names;
  return service.subjectAltNames;
}

/** A certificate passes when one of its names is one of these; no names, no check. */
export function sanMatchers(names: readonly string[]): CertificateValidationContext {
  if (names.length === 0) return {};
  return { matchTypedSubjectAltNames: names.map(matcherOf) };
}

function matcherOf(name: string): SubjectAltNameMatcher {
  return { sanType: sanTypeOf(name), matcher: { exact: name } };
}

function sanTypeOf(name: string): NonNullable<SubjectAltNameMatcher["sanType"]> {
  if (name.includes("://")) return "URI";
  if (name.includes("@")) return "EMAIL";
  return /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]*)$/i.test(name) ? "IP_ADDRESS" : "DNS";
}
