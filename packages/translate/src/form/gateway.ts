/** Istio's Gateway in the intermediate form. */
import {
  type Gateway,
  type MeshObject,
  type Server,
  serverProtocol,
  type ServerTLSSettings,
  type TLSProtocol,
} from "@heddle/model";
import type {
  CertificateSource,
  ClientValidation,
  GatewayListener,
  ListenerHost,
  ListenerTls,
  TlsParameters,
} from "./gateway-listener.ts";

/** Servers whose protocol is not known are left out. */
export function gatewayListenersOf(object: MeshObject<Gateway>): readonly GatewayListener[] {
  const { namespace, name } = object.metadata;
  return (object.spec.servers ?? []).flatMap((server): readonly GatewayListener[] => {
    const protocol = protocolOf(server);
    if (protocol === undefined) return [];
    const secure = protocol === "HTTPS" || protocol === "TLS";
    return [
      {
        origin: { kind: "Gateway", namespace, name },
        gateway: `${namespace}/${name}`,
        ...(server.name ? { name: server.name } : {}),
        section: server.port.name,
        port: server.port.number,
        ...(server.bind ? { bind: server.bind } : {}),
        protocol,
        hosts: server.hosts.map((host) => listenerHost(host, namespace)),
        ...(secure ? { tls: istioTls(server.tls ?? {}) } : {}),
        ...(server.defaultEndpoint ? { defaultEndpoint: besides(server.defaultEndpoint) } : {}),
        httpsRedirect: protocol === "HTTP" && server.tls?.httpsRedirect === true,
      },
    ];
  });
}

/** HTTPS that is passed through is TLS: nobody sees the requests in it. */
function protocolOf(server: Server): GatewayListener["protocol"] | undefined {
  const protocol = serverProtocol(server);
  switch (protocol) {
    case "HTTP":
    case "HTTP2":
    case "GRPC":
    case "GRPC-WEB":
      return "HTTP";
    case "HTTPS":
      return passesThrough(server.tls?.mode) ? "TLS" : "HTTPS";
    case "TLS":
      return "TLS";
    case undefined:
      return undefined;
    default:
      return "TCP";
  }
}

/** A server's host is `host` or `namespace/host`, where the namespace of `./host` is the Gateway's own and `*` stands for any. */
function listenerHost(text: string, gatewayNamespace: string): ListenerHost {
  const slash = text.indexOf("/");
  const host = text.slice(slash + 1).toLowerCase();
  const namespace = slash < 0 ? "*" : text.slice(0, slash);
  if (namespace === "*") return { host };
  return { host, namespaces: [namespace === "." ? gatewayNamespace : namespace] };
}

/** Without an address, or with one that stands for all of them, loopback is meant. */
function besides(endpoint: string): string {
  if (endpoint.startsWith("unix://")) return endpoint;
  const colon = endpoint.lastIndexOf(":");
  const address = endpoint.slice(0, colon);
  const loopback = address.startsWith("[") ? "[::1]" : "127.0.0.1";
  return `${loopback}${endpoint.slice(colon)}`;
}

function passesThrough(mode: ServerTLSSettings["mode"]): boolean {
  return (mode ?? "PASSTHROUGH") === "PASSTHROUGH" || mode === "AUTO_PASSTHROUGH";
}

/** What Istio's settings of a server say of the TLS that clients speak. */
export function istioTls(tls: ServerTLSSettings): ListenerTls {
  const mode = tls.mode ?? "PASSTHROUGH";
  switch (mode) {
    case "PASSTHROUGH":
    case "AUTO_PASSTHROUGH":
      return { mode };
    case "ISTIO_MUTUAL":
      return { mode: "MESH", parameters: parametersOf(tls) };
    case "SIMPLE":
    case "MUTUAL":
    case "OPTIONAL_MUTUAL": {
      const certificates = certificatesOf(tls);
      const clients =
        mode === "SIMPLE"
          ? {}
          : { clients: clientValidation(tls, mode === "MUTUAL", certificates[0]) };
      return { mode: "TERMINATE", certificates, ...clients, parameters: parametersOf(tls) };
    }
  }
}

function certificatesOf(tls: ServerTLSSettings): readonly CertificateSource[] {
  if (tls.credentialNames?.length) {
    return tls.credentialNames.map((credential) => ({ credential }));
  }
  if (tls.credentialName) return [{ credential: tls.credentialName }];
  const files = tls.tlsCertificates?.length ? tls.tlsCertificates : [tls];
  return files.flatMap(({ serverCertificate, privateKey }) =>
    serverCertificate && privateKey
      ? [{ certificateFile: serverCertificate, keyFile: privateKey }]
      : [],
  );
}

function clientValidation(
  tls: ServerTLSSettings,
  required: boolean,
  certificate: CertificateSource | undefined,
): ClientValidation {
  return {
    required,
    ...authoritiesOf(tls, certificate),
    subjectAltNames: tls.subjectAltNames ?? [],
    spki: tls.verifyCertificateSpki ?? [],
    hashes: tls.verifyCertificateHash ?? [],
    acceptUntrusted: tls.insecureSkipVerify === true,
  };
}

function authoritiesOf(
  tls: ServerTLSSettings,
  certificate: CertificateSource | undefined,
): Pick<ClientValidation, "authorities"> {
  if (tls.caCertCredentialName) return { authorities: { bundle: tls.caCertCredentialName } };
  if (certificate && "credential" in certificate) {
    return { authorities: { credential: certificate.credential } };
  }
  const file =
    tls.caCertificates ?? tls.tlsCertificates?.find((each) => each.caCertificates)?.caCertificates;
  if (!file) return {};
  return { authorities: { file, ...(tls.caCrl ? { revocationFile: tls.caCrl } : {}) } };
}

function parametersOf(tls: ServerTLSSettings): TlsParameters {
  const minimum = versionOf(tls.minProtocolVersion);
  const maximum = versionOf(tls.maxProtocolVersion);
  return {
    ...(minimum ? { minimumVersion: minimum } : {}),
    ...(maximum ? { maximumVersion: maximum } : {}),
    cipherSuites: tls.cipherSuites ?? [],
    ecdhCurves: tls.ecdhCurves ?? [],
  };
}

function versionOf(version: TLSProtocol | undefined): TlsParameters["minimumVersion"] {
  return version === undefined || version === "TLS_AUTO" ? undefined : version;
}
