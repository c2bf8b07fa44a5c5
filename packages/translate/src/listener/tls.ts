/** TLS at a listener: the mesh's own, mutual, and what a gateway offers to the world. */
import type { TransportSocket } from "@heddle/envoy/config/core/v3";
import type {
  DownstreamTlsContext,
  TlsParameters,
} from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import type { Gateway } from "@heddle/model";
import { ADS_SECRETS } from "../ads.ts";
import {
  gatewayClientCaSecret,
  gatewaySecret,
  TRUST_BUNDLE_SECRET,
  WORKLOAD_SECRET,
} from "../names.ts";
import { extension } from "../typed-config.ts";

type ServerTls = NonNullable<NonNullable<Gateway["servers"]>[number]["tls"]>;

/** Envoy's own maximum for servers is 1.3 already; it is written down because upstream it is not. */
const MODERN: TlsParameters = {
  tlsMinimumProtocolVersion: "TLSv1_2",
  tlsMaximumProtocolVersion: "TLSv1_3",
};

/**
 * Mutual TLS between workloads: our certificate, and a peer's from any workload of the trust domain. `http` offers HTTP/2 and
 * HTTP/1.1; a TCP port offers what a client of the mesh asks for.
 */
export function meshTls(trustDomain: string, layer: "http" | "tcp"): TransportSocket {
  return socket({
    requireClientCertificate: true,
    commonTlsContext: {
      tlsParams: MODERN,
      tlsCertificateSdsSecretConfigs: [{ name: WORKLOAD_SECRET, sdsConfig: ADS_SECRETS }],
      combinedValidationContext: {
        defaultValidationContext: {
          matchTypedSubjectAltNames: [
            { sanType: "URI", matcher: { prefix: `spiffe://${trustDomain}/` } },
          ],
        },
        validationContextSdsSecretConfig: { name: TRUST_BUNDLE_SECRET, sdsConfig: ADS_SECRETS },
      },
      alpnProtocols: layer === "http" ? ["h2", "http/1.1"] : ["istio-peer-exchange", "istio"],
    },
  });
}

/** Names of the secrets that `gatewayTls` refers to. */
export function gatewaySecrets(tls: ServerTls, gatewayNamespace: string): readonly string[] {
  if (tls.mode === "ISTIO_MUTUAL") return [WORKLOAD_SECRET, TRUST_BUNDLE_SECRET];
  const names = credentialNames(tls).map((name) => gatewaySecret(gatewayNamespace, name));
  return asksForClientCertificate(tls) ? [...names, clientCa(tls, gatewayNamespace)] : names;
}

/** Undefined if the server names no certificate: it could only refuse. */
export function gatewayTls(
  tls: ServerTls,
  gatewayNamespace: string,
  trustDomain: string,
): TransportSocket | undefined {
  if (tls.mode === "ISTIO_MUTUAL") return meshTls(trustDomain, "http");
  const names = credentialNames(tls);
  if (names.length === 0) return undefined;
  const client = asksForClientCertificate(tls);
  const sans = (tls.subjectAltNames ?? []).flatMap((exact) =>
    (["URI", "DNS"] as const).map((sanType) => ({ sanType, matcher: { exact } })),
  );
  return socket({
    requireClientCertificate: tls.mode === "MUTUAL",
    commonTlsContext: {
      tlsParams: {
        tlsMinimumProtocolVersion: version(tls.minProtocolVersion) ?? "TLSv1_2",
        tlsMaximumProtocolVersion: version(tls.maxProtocolVersion) ?? "TLSv1_3",
        ...(tls.cipherSuites?.length ? { cipherSuites: tls.cipherSuites } : {}),
      },
      tlsCertificateSdsSecretConfigs: names.map((name) => ({
        name: gatewaySecret(gatewayNamespace, name),
        sdsConfig: ADS_SECRETS,
      })),
      ...(client
        ? {
            combinedValidationContext: {
              defaultValidationContext: sans.length > 0 ? { matchTypedSubjectAltNames: sans } : {},
              validationContextSdsSecretConfig: {
                name: clientCa(tls, gatewayNamespace),
                sdsConfig: ADS_SECRETS,
              },
            },
          }
        : {}),
      alpnProtocols: ["h2", "http/1.1"],
    },
  });
}

function credentialNames(tls: ServerTls): readonly string[] {
  if (tls.credentialNames?.length) return tls.credentialNames;
  return tls.credentialName ? [tls.credentialName] : [];
}

function asksForClientCertificate(tls: ServerTls): boolean {
  return tls.mode === "MUTUAL" || tls.mode === "OPTIONAL_MUTUAL";
}

function clientCa(tls: ServerTls, gatewayNamespace: string): string {
  return tls.caCertCredentialName
    ? gatewaySecret(gatewayNamespace, tls.caCertCredentialName)
    : gatewayClientCaSecret(gatewayNamespace, credentialNames(tls)[0] ?? "");
}

function version(
  name: ServerTls["minProtocolVersion"],
): TlsParameters["tlsMinimumProtocolVersion"] {
  switch (name) {
    case "TLSV1_0":
      return "TLSv1_0";
    case "TLSV1_1":
      return "TLSv1_1";
    case "TLSV1_2":
      return "TLSv1_2";
    case "TLSV1_3":
      return "TLSv1_3";
    default:
      return undefined;
  }
}

function socket(context: DownstreamTlsContext): TransportSocket {
  return extension<DownstreamTlsContext>(
    "envoy.transport_sockets.tls",
    "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
    context,
  );
}
