/** TLS that a BackendTLSPolicy asks for towards the backends of a Service. */
import type { TransportSocket } from "@heddle/envoy/config/core/v3";
import type {
  CertificateValidationContext,
  SubjectAltNameMatcher,
} from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import type { BackendTls } from "@heddle/model";
import type { ClusterContext } from "./feature.ts";
import { upstreamHttp } from "./http-protocol.ts";
import { TLS_VERSIONS, upstreamTls } from "./upstream-tls.ts";

/** No certificate has this hash: without authorities nobody is trusted, and requests fail. */
const NOBODY = "0".repeat(64);

export function backendTls(
  context: ClusterContext,
  { hostname, subjectAltNames, authorities }: BackendTls,
): TransportSocket {
  const names = subjectAltNames.map(({ type, hostname: name, uri }): SubjectAltNameMatcher =>
    type === "URI"
      ? { sanType: "URI", matcher: { exact: uri ?? "" } }
      : { sanType: "DNS", matcher: { exact: name ?? "" } },
  );
  const validationContext: CertificateValidationContext = {
    ...(authorities === "system"
      ? { systemRootCerts: {} }
      : authorities === "invalid"
        ? { verifyCertificateHash: [NOBODY] }
        : { trustedCa: { inlineString: authorities.pem } }),
    matchTypedSubjectAltNames:
      names.length > 0 ? names : [{ sanType: "DNS", matcher: { exact: hostname } }],
  };
  return upstreamTls({
    commonTlsContext: {
      tlsParams: TLS_VERSIONS,
      ...(upstreamHttp(context) === "http2" ? { alpnProtocols: ["h2"] } : {}),
      validationContext,
    },
    sni: hostname,
  });
}
