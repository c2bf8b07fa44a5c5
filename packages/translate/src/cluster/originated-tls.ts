/** TLS that a DestinationRule asks the proxy to originate, SIMPLE or MUTUAL, with certificates of the user's own. */
import type { TransportSocket } from "@heddle/envoy/config/core/v3";
import type {
  CertificateValidationContext,
  CommonTlsContext,
} from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import type { ClientTLSSettings } from "@heddle/model";
import { ADS_SECRETS } from "../ads.ts";
import { gatewayClientCaSecret, gatewaySecret } from "../names.ts";
import type { ClusterContext } from "./feature.ts";
import { upstreamHttp } from "./http-protocol.ts";
import { expectedNames, sanMatchers, TLS_VERSIONS, upstreamTls } from "./upstream-tls.ts";

export function originatedTls(
  context: ClusterContext,
  settings: ClientTLSSettings,
): TransportSocket {
  return upstreamTls({
    commonTlsContext: {
      tlsParams: TLS_VERSIONS,
      ...(upstreamHttp(context) === "http2" ? { alpnProtocols: ["h2"] } : {}),
      ...clientCertificate(context, settings),
      ...validation(context, settings),
    },
    ...(settings.sni ? { sni: settings.sni } : {}),
  });
}

/** Names of the Secrets that a policy's TLS refers to, as SDS has them. */
export function secretsOf(context: ClusterContext): readonly string[] {
  const { tls } = context.policy;
  if (!tls?.credentialName || (tls.mode !== "SIMPLE" && tls.mode !== "MUTUAL")) return [];
  const { policyNamespace } = context;
  const names: string[] = [];
  if (tls.mode === "MUTUAL") names.push(gatewaySecret(policyNamespace, tls.credentialName));
  if (tls.insecureSkipVerify !== true) {
    names.push(gatewayClientCaSecret(policyNamespace, tls.credentialName));
  }
  return names;
}

function clientCertificate(
  { policyNamespace }: ClusterContext,
  { mode, credentialName, clientCertificate: chain, privateKey }: ClientTLSSettings,
): CommonTlsContext {
  if (mode !== "MUTUAL") return {};
  if (credentialName) {
    const name = gatewaySecret(policyNamespace, credentialName);
    return { tlsCertificateSdsSecretConfigs: [{ name, sdsConfig: ADS_SECRETS }] };
  }
  if (!chain || !privateKey) return {};
  return {
    tlsCertificates: [
      { certificateChain: { filename: chain }, privateKey: { filename: privateKey } },
    ],
  };
}

/** Without any roots of the rule's own the system's decide, as a browser would have it. */
function validation(context: ClusterContext, settings: ClientTLSSettings): CommonTlsContext {
  const { policyNamespace } = context;
  const { credentialName, caCertificates, caCrl, insecureSkipVerify } = settings;
  if (insecureSkipVerify === true) {
    return { validationContext: { trustChainVerification: "ACCEPT_UNTRUSTED" } };
  }
  const checks: CertificateValidationContext = {
    ...sanMatchers(expectedNames(context)),
    ...(caCrl ? { crl: { filename: caCrl } } : {}),
  };
  if (credentialName) {
    const name = gatewayClientCaSecret(policyNamespace, credentialName);
    return {
      combinedValidationContext: {
        defaultValidationContext: checks,
        validationContextSdsSecretConfig: { name, sdsConfig: ADS_SECRETS },
      },
    };
  }
  const roots = caCertificates
    ? { trustedCa: { filename: caCertificates } }
    : { systemRootCerts: {} };
  return { validationContext: { ...roots, ...checks } };
}
