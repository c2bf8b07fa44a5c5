/** TLS that a DestinationRule asks the proxy to originate, SIMPLE or MUTUAL, with certificates of the user's own. */
import type { TransportSocket } from "@heddle/envoy/config/core/v3";
import type {
  CertificateValidationContext,
  CommonTlsContext,
} from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import type { ClientTLSSettings } from "@heddle/model";
import { ADS_SECRETS } from "../ads.ts";
import { clientSecret, serverCaSecret, SYSTEM_ROOTS_SECRET } from "../names.ts";
import type { ClusterContext } from "./feature.ts";
import { upstreamHttp } from "./http-protocol.ts";
import { originates } from "./originates.ts";
import { expectedNames, sanMatchers, TLS_VERSIONS, upstreamTls } from "./upstream-tls.ts";

export function originatedTls(
  context: ClusterContext,
  settings: ClientTLSSettings,
): TransportSocket {
  return upstreamTls({
    commonTlsContext: {
      tlsParams: TLS_VERSIONS,
      ...(upstreamHttp(context) === "http2" ? { alpnProtocols: ["h2"] } : {}),
      ...clientCertificate(settings),
      ...validation(context, settings),
    },
    ...(settings.sni ? { sni: settings.sni } : {}),
  });
}

/** Names of the secrets that a cluster's TLS refers to, as SDS has them. */
export function secretsOf(context: ClusterContext): readonly string[] {
  const { tls } = context.policy;
  if (context.reach === "proxyless") return [];
  if (tls === undefined) {
    const { backendTls, client } = context;
    if (backendTls === undefined) return [];
    return [
      ...(client.certificate === undefined ? [] : [client.certificate]),
      ...(backendTls.authorities === "system" ? [SYSTEM_ROOTS_SECRET] : []),
    ];
  }
  if (!originates(context, tls)) return [];
  const { credentialName } = tls;
  const names: string[] = [];
  if (credentialName && tls.mode === "MUTUAL") names.push(clientSecret(credentialName));
  const roots = rootsOf(tls);
  if (roots !== undefined) names.push(roots);
  return names;
}

function clientCertificate({
  mode,
  credentialName,
  clientCertificate: chain,
  privateKey,
}: ClientTLSSettings): CommonTlsContext {
  if (mode !== "MUTUAL") return {};
  if (credentialName) {
    const name = clientSecret(credentialName);
    return { tlsCertificateSdsSecretConfigs: [{ name, sdsConfig: ADS_SECRETS }] };
  }
  if (!chain || !privateKey) return {};
  return {
    tlsCertificates: [
      { certificateChain: { filename: chain }, privateKey: { filename: privateKey } },
    ],
  };
}

/** The SDS name of the roots to trust; undefined where a file has them, or nobody asks. */
function rootsOf(settings: ClientTLSSettings): string | undefined {
  const { credentialName, caCertificates, insecureSkipVerify } = settings;
  if (insecureSkipVerify === true) return undefined;
  if (credentialName) return serverCaSecret(credentialName);
  return caCertificates && caCertificates !== "system" ? undefined : SYSTEM_ROOTS_SECRET;
}

/**
 * Without any roots of the rule's own the system's decide, as a browser would have it. They come from the agent: Envoy's
 * own `system_root_certs` is there for gRPC alone, and an Envoy that is given it verifies nothing.
 */
function validation(context: ClusterContext, settings: ClientTLSSettings): CommonTlsContext {
  const { caCertificates, caCrl, insecureSkipVerify } = settings;
  if (insecureSkipVerify === true) {
    return { validationContext: { trustChainVerification: "ACCEPT_UNTRUSTED" } };
  }
  const checks: CertificateValidationContext = {
    ...sanMatchers(expectedNames(context)),
    ...(caCrl ? { crl: { filename: caCrl } } : {}),
  };
  const roots = rootsOf(settings);
  if (roots === undefined) {
    return { validationContext: { trustedCa: { filename: caCertificates ?? "" }, ...checks } };
  }
  return {
    combinedValidationContext: {
      defaultValidationContext: checks,
      validationContextSdsSecretConfig: { name: roots, sdsConfig: ADS_SECRETS },
    },
  };
}
