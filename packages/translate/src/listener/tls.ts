/** TLS at a listener: the mesh's own, mutual, and what a gateway offers to the world. */
import type { TransportSocket } from "@heddle/envoy/config/core/v3";
import type {
  CertificateValidationContext,
  CommonTlsContext,
  DownstreamTlsContext,
  TlsParameters,
} from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import { ADS_SECRETS } from "../ads.ts";
import type {
  CertificateSource,
  ClientValidation,
  ListenerTls,
  TlsParameters as FormParameters,
} from "../form/gateway-listener.ts";
import { identitiesIn } from "../identity-matchers.ts";
import {
  gatewayClientCaSecret,
  gatewaySecret,
  TRUST_BUNDLE_SECRET,
  WORKLOAD_SECRET,
} from "../names.ts";
import { extension } from "../typed-config.ts";

/** Envoy's own maximum for servers is 1.3 already; it is written down because upstream it is not. */
const MODERN: TlsParameters = {
  tlsMinimumProtocolVersion: "TLSv1_2",
  tlsMaximumProtocolVersion: "TLSv1_3",
};

/**
 * Mutual TLS between workloads: our certificate, and a peer's from any workload of the trust domains. `http` offers HTTP/2 and
 * HTTP/1.1; a TCP port offers what a client of the mesh asks for.
 */
export function meshTls(
  trustDomains: readonly string[],
  layer: "http" | "tcp",
  parameters?: FormParameters,
): TransportSocket {
  return socket({
    requireClientCertificate: true,
    commonTlsContext: {
      tlsParams: tlsParameters(parameters),
      tlsCertificateSdsSecretConfigs: [{ name: WORKLOAD_SECRET, sdsConfig: ADS_SECRETS }],
      combinedValidationContext: {
        defaultValidationContext: {
          matchTypedSubjectAltNames: identitiesIn(trustDomains),
        },
        validationContextSdsSecretConfig: { name: TRUST_BUNDLE_SECRET, sdsConfig: ADS_SECRETS },
      },
      alpnProtocols: layer === "http" ? ["h2", "http/1.1"] : ["istio-peer-exchange", "istio"],
    },
  });
}

/** Names of the secrets that `listenerTls` refers to. */
export function listenerSecrets(tls: ListenerTls, gatewayNamespace: string): readonly string[] {
  switch (tls.mode) {
    case "MESH":
      return [WORKLOAD_SECRET, TRUST_BUNDLE_SECRET];
    case "TERMINATE": {
      const bundle = bundleOf(tls.clients, gatewayNamespace);
      return [
        ...tls.certificates.flatMap((each) =>
          "credential" in each ? [gatewaySecret(gatewayNamespace, each.credential)] : [],
        ),
        ...(bundle === undefined ? [] : [bundle]),
      ];
    }
    default:
      return [];
  }
}

/** Undefined where TLS is passed on, or where there is no certificate to answer with. */
export function listenerTls(
  tls: ListenerTls,
  gatewayNamespace: string,
  trustDomains: readonly string[],
  layer: "http" | "tcp",
): TransportSocket | undefined {
  if (tls.mode === "MESH") return meshTls(trustDomains, layer, tls.parameters);
  if (tls.mode !== "TERMINATE" || tls.certificates.length === 0) return undefined;
  const { certificates, clients, parameters } = tls;
  return socket({
    requireClientCertificate: clients?.required === true,
    // Else a client that asks for a name which no certificate has gets the first one, whether it can take its key or not.
    ...(certificates.length > 1 ? { fullScanCertsOnSniMismatch: true } : {}),
    commonTlsContext: {
      tlsParams: tlsParameters(parameters),
      ...certificateSources(certificates, gatewayNamespace),
      ...(clients ? clientValidation(clients, gatewayNamespace) : {}),
      // Whoever is behind bytes may speak neither.
      ...(layer === "http" ? { alpnProtocols: ["h2", "http/1.1"] } : {}),
    },
  });
}

/** Files are read by the proxy; everything else comes from the control plane. */
function certificateSources(
  certificates: readonly CertificateSource[],
  gatewayNamespace: string,
): Pick<CommonTlsContext, "tlsCertificates" | "tlsCertificateSdsSecretConfigs"> {
  const secrets = certificates.flatMap((each) =>
    "credential" in each
      ? [{ name: gatewaySecret(gatewayNamespace, each.credential), sdsConfig: ADS_SECRETS }]
      : [],
  );
  const files = certificates.flatMap((each) =>
    "certificateFile" in each
      ? [
          {
            certificateChain: { filename: each.certificateFile },
            privateKey: { filename: each.keyFile },
          },
        ]
      : [],
  );
  return {
    ...(secrets.length > 0 ? { tlsCertificateSdsSecretConfigs: secrets } : {}),
    ...(files.length > 0 ? { tlsCertificates: files } : {}),
  };
}

function clientValidation(
  clients: ClientValidation,
  gatewayNamespace: string,
): Pick<CommonTlsContext, "combinedValidationContext" | "validationContext"> {
  const { authorities, subjectAltNames, spki, hashes } = clients;
  const sans = subjectAltNames.flatMap((exact) =>
    (["URI", "DNS", "EMAIL", "IP_ADDRESS"] as const).map((sanType) => ({
      sanType,
      matcher: { exact },
    })),
  );
  const context: CertificateValidationContext = {
    ...(sans.length > 0 ? { matchTypedSubjectAltNames: sans } : {}),
    ...(spki.length > 0 ? { verifyCertificateSpki: spki } : {}),
    ...(hashes.length > 0 ? { verifyCertificateHash: hashes } : {}),
    ...(clients.acceptUntrusted ? { trustChainVerification: "ACCEPT_UNTRUSTED" as const } : {}),
  };
  const bundle = bundleOf(clients, gatewayNamespace);
  if (bundle !== undefined) {
    return {
      combinedValidationContext: {
        defaultValidationContext: context,
        validationContextSdsSecretConfig: { name: bundle, sdsConfig: ADS_SECRETS },
      },
    };
  }
  if (authorities !== undefined && "inline" in authorities) {
    return {
      validationContext: { ...context, trustedCa: { inlineString: authorities.inline } },
    };
  }
  if (authorities === undefined || !("file" in authorities)) return { validationContext: context };
  const { file, revocationFile } = authorities;
  return {
    validationContext: {
      ...context,
      trustedCa: { filename: file },
      ...(revocationFile ? { crl: { filename: revocationFile } } : {}),
    },
  };
}

/** The secret with what clients are verified against; undefined where it is a file, or nothing. */
function bundleOf(
  clients: ClientValidation | undefined,
  gatewayNamespace: string,
): string | undefined {
  const authorities = clients?.authorities;
  if (authorities === undefined || "file" in authorities || "inline" in authorities) {
    return undefined;
  }
  return "bundle" in authorities
    ? gatewaySecret(gatewayNamespace, authorities.bundle)
    : gatewayClientCaSecret(gatewayNamespace, authorities.credential);
}

function tlsParameters(parameters: FormParameters | undefined): TlsParameters {
  if (parameters === undefined) return MODERN;
  const { minimumVersion, maximumVersion, cipherSuites, ecdhCurves } = parameters;
  return {
    tlsMinimumProtocolVersion: minimumVersion ? VERSIONS[minimumVersion] : "TLSv1_2",
    tlsMaximumProtocolVersion: maximumVersion ? VERSIONS[maximumVersion] : "TLSv1_3",
    ...(cipherSuites.length > 0 ? { cipherSuites } : {}),
    ...(ecdhCurves.length > 0 ? { ecdhCurves } : {}),
  };
}

const VERSIONS = {
  TLSV1_0: "TLSv1_0",
  TLSV1_1: "TLSv1_1",
  TLSV1_2: "TLSv1_2",
  TLSV1_3: "TLSv1_3",
} as const;

function socket(context: DownstreamTlsContext): TransportSocket {
  return extension<DownstreamTlsContext>(
    "envoy.transport_sockets.tls",
    "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
    context,
  );
}
