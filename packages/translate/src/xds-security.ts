/** How a stock Envoy speaks to the agent where neither trusts the network: TLS to a name, and a token that a file holds. */
import type { ConfigSource, TransportSocket } from "@heddle/envoy/config/core/v3";
import type { CredentialInjector } from "@heddle/envoy/extensions/filters/http/credential_injector/v3";
import type { Generic } from "@heddle/envoy/extensions/http/injected_credentials/generic/v3";
import type { Secret, UpstreamTlsContext } from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import { extension, typedConfig } from "./typed-config.ts";

export interface XdsSecurity {
  /** The DNS name that the agent's certificate must have; also what it is asked for by. */
  readonly serverName: string;
  /** Folder that is swapped as a whole when anything in it changes, as Kubernetes does with mounted volumes. */
  readonly folder: string;
}

/** Files in that folder. The two of SDS only lead to the others: Envoy reads a file anew when a secret names it, and not else. */
export const XDS_FILES = {
  roots: "root-cert.pem",
  token: "token",
  rootsSecret: "root-cert.sds.json",
  tokenSecret: "token.sds.json",
} as const;

const ROOTS = "agent-roots";
const TOKEN = "agent-token";

/** What the files of SDS say, by their names. */
export function xdsSecretFiles(folder: string): Readonly<Record<string, string>> {
  const watchedDirectory = { path: folder };
  const roots: Secret = {
    name: ROOTS,
    validationContext: {
      trustedCa: { filename: `${folder}/${XDS_FILES.roots}` },
      watchedDirectory,
    },
  };
  const token: Secret = {
    name: TOKEN,
    genericSecret: { secret: { filename: `${folder}/${XDS_FILES.token}` } },
  };
  return {
    [XDS_FILES.rootsSecret]: discovered(roots),
    [XDS_FILES.tokenSecret]: discovered(token),
  };
}

function discovered(secret: Secret): string {
  const type = "envoy.extensions.transport_sockets.tls.v3.Secret";
  return JSON.stringify({ resources: [typedConfig(type, secret)] });
}

/** A new root or token counts from the next connection or stream on; what runs goes on. */
function fromFile(folder: string, file: string): ConfigSource {
  return {
    pathConfigSource: { path: `${folder}/${file}`, watchedDirectory: { path: folder } },
    resourceApiVersion: "V3",
  };
}

export function agentTls({ serverName, folder }: XdsSecurity): TransportSocket {
  return extension<UpstreamTlsContext>(
    "envoy.transport_sockets.tls",
    "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    {
      sni: serverName,
      commonTlsContext: {
        alpnProtocols: ["h2"],
        // Without a maximum Envoy's clients stop at 1.2.
        tlsParams: { tlsMinimumProtocolVersion: "TLSv1_2", tlsMaximumProtocolVersion: "TLSv1_3" },
        combinedValidationContext: {
          defaultValidationContext: {
            matchTypedSubjectAltNames: [{ sanType: "DNS", matcher: { exact: serverName } }],
          },
          validationContextSdsSecretConfig: {
            name: ROOTS,
            sdsConfig: fromFile(folder, XDS_FILES.rootsSecret),
          },
        },
      },
    },
  );
}

/** Filters of the cluster: each stream begins with the token that the file holds then. Without one no stream is begun. */
export function tokenFilters({ folder }: XdsSecurity): readonly object[] {
  return [
    extension<CredentialInjector>(
      "envoy.filters.http.credential_injector",
      "envoy.extensions.filters.http.credential_injector.v3.CredentialInjector",
      {
        overwrite: true,
        credential: extension<Generic>(
          "envoy.http.injected_credentials.generic",
          "envoy.extensions.http.injected_credentials.generic.v3.Generic",
          {
            credential: { name: TOKEN, sdsConfig: fromFile(folder, XDS_FILES.tokenSecret) },
            header: "authorization",
            headerValuePrefix: "Bearer ",
          },
        ),
      },
    ),
    extension(
      "envoy.filters.http.upstream_codec",
      "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
      {},
    ),
  ];
}
