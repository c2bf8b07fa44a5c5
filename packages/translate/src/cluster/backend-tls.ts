/** TLS that a BackendTLSPolicy asks for towards the backends of a Service. */
import type { TransportSocket } from "@heddle/envoy/config/core/v3";
import type {
  CertificateValidationContext,
  CommonTlsContext,
  SubjectAltNameMatcher,
} from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import type { BackendTls } from "@heddle/model";
import { ADS_SECRETS } from "../ads.ts";
import { SYSTEM_ROOTS_SECRET } from "../names.ts";
import type { ClusterContext } from "./feature.ts";
import { upstreamHttp } from "./http-protocol.ts";
import { TLS_VERSIONS, upstreamTls } from "./upstream-tls.ts";

/** No certificate has this hash: without authorities nobody is trusted, and requests fail. */
const NOBODY = "0".repeat(64);

export function backendTls(
  context: ClusterContext,
  { hostname, subjectAltNames, authorities }: BackendTls,
): TransportSocket {
  const { certificate } = context.client;
  const names = subjectAltNames.map(({ type, hostname: name, uri }): SubjectAltNameMatcher =>
    type === "URI"
      ? { sanType: "URI", matcher: { exact: uri ?? "" } }
      : { sanType: "DNS", matcher: { exact: name ?? "" } },
  );
  const checks: CertificateValidationContext = {
    matchTypedSubjectAltNames:
      names.length > 0 ? names : [{ sanType: "DNS", matcher: { exact: hostname } }],
  };
  return upstreamTls({
    commonTlsContext: {
      tlsParams: TLS_VERSIONS,
      ...(upstreamHttp(context) === "http2" ? { alpnProtocols: ["h2"] } : {}),
      ...(certificate === undefined
        ? {}
        : { tlsCertificateSdsSecretConfigs: [{ name: certificate, sdsConfig: ADS_SECRETS }] }),
      ...validation(authorities, checks),
    },
    sni: hostname,
  });
}

function validation(
  authorities: BackendTls["authorities"],
  checks: CertificateValidationContext,
): CommonTlsContext {
  if (authorities === "system") {
    return {
      combinedValidationContext: {
        defaultValidationContext: checks,
        validationContextSdsSecretConfig: { name: SYSTEM_ROOTS_SECRET, sdsConfig: ADS_SECRETS },
      },
    };
  }
  // Envoy refuses a cluster that verifies names without authorities.
  if (authorities === "invalid") return { validationContext: { verifyCertificateHash: [NOBODY] } };
  return { validationContext: { trustedCa: { inlineString: authorities.pem }, ...checks } };
}
