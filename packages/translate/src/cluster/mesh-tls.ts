/** Mutual TLS between workloads of the mesh: certificates by SDS, the peer's identity checked by its SPIFFE id. */
import type { TransportSocket } from "@heddle/envoy/config/core/v3";
import type { CertificateValidationContext } from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import type { ClientTLSSettings } from "@heddle/model";
import { ADS_SECRETS } from "../ads.ts";
import { identitiesIn } from "../identity-matchers.ts";
import { clientAlpn, serverNameOfCluster, TRUST_BUNDLE_SECRET, WORKLOAD_SECRET } from "../names.ts";
import { trustDomainsOf, underAliases } from "../trust-domains.ts";
import type { ClusterContext } from "./feature.ts";
import { upstreamHttp } from "./http-protocol.ts";
import { sanMatchers, TLS_VERSIONS, upstreamTls } from "./upstream-tls.ts";

const OWN_CERTIFICATE = [{ name: WORKLOAD_SECRET, sdsConfig: ADS_SECRETS }];
const TRUST_BUNDLE = { name: TRUST_BUNDLE_SECRET, sdsConfig: ADS_SECRETS };

/**
 * ALPN names `istio` so that a server which takes both TLS of the mesh and of applications on one port (PERMISSIVE) can
 * tell the two apart; Istio's servers match on it as ours do. The protocol inside follows where it is fixed. Where each
 * request may choose, it is left out, since a server that negotiated `h2` would not take HTTP/1.1. Istio's clients also
 * offer `istio-peer-exchange`: it announces a preface on TCP connections that stock Envoy cannot write.
 */
function alpnOf(context: ClusterContext): readonly string[] {
  const kind = upstreamHttp(context);
  // Gateways send HTTP/1.1 to ports that do not say what they are, and other bytes too, where a rule of TCP leads there.
  const fixed = kind === "http2" || (kind === "http1" && context.port.protocol !== "AUTO");
  return clientAlpn(fixed ? kind : "tcp");
}

/** `settings` may name the identities to accept and the server's name; both follow from the service otherwise. */
export function meshTls(
  context: ClusterContext,
  { subjectAltNames, sni }: Pick<ClientTLSSettings, "subjectAltNames" | "sni">,
): TransportSocket {
  const { service, port, subset } = context;
  const names = subjectAltNames?.length ? subjectAltNames : identitiesOf(context);
  return upstreamTls({
    commonTlsContext: {
      tlsParams: TLS_VERSIONS,
      alpnProtocols: alpnOf(context),
      tlsCertificateSdsSecretConfigs: OWN_CERTIFICATE,
      combinedValidationContext: {
        defaultValidationContext: names.length > 0 ? sanMatchers(names) : anyOfOurs(context),
        validationContextSdsSecretConfig: TRUST_BUNDLE,
      },
    },
    sni: sni || serverNameOfCluster(service.host, port.port, subset?.name),
  });
}

/** The trust bundle vouches for others, too, where the mesh federates with them: they have to be named. */
function anyOfOurs({ read }: ClusterContext): CertificateValidationContext {
  if (!read.mesh.federatedTrustDomains?.length) return {};
  return { matchTypedSubjectAltNames: identitiesIn(trustDomainsOf(read.mesh)) };
}

/** SPIFFE ids of the accounts that the endpoints run under; none known: anyone of the mesh. */
export function identitiesOf({ read, service, port }: ClusterContext): readonly string[] {
  const ids = read.serviceAccounts(service, port.port).map((account) => {
    const slash = account.indexOf("/");
    const [namespace, name] = [account.slice(0, slash), account.slice(slash + 1)];
    return `spiffe://${read.mesh.trustDomain}/ns/${namespace}/sa/${name}`;
  });
  return [...new Set(underAliases([...ids, ...service.subjectAltNames], read.mesh))].toSorted();
}
