/** Gateway of networking.istio.io: which ports and hosts a mesh's edge proxies listen for. */

export interface Gateway {
  readonly servers?: readonly Server[];
  /** Labels of the gateway's pods. */
  readonly selector?: Readonly<Record<string, string>>;
}

export interface Server {
  readonly port: GatewayPort;
  readonly bind?: string;
  /** `host` or `namespace/host`, where the namespace may be `*` or `.`. */
  readonly hosts: readonly string[];
  readonly tls?: ServerTLSSettings;
  readonly defaultEndpoint?: string;
  readonly name?: string;
}

export interface GatewayPort {
  readonly number: number;
  /** HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, TCP or TLS. */
  readonly protocol: string;
  readonly name: string;
  /** Deprecated: the gateway's Service has it. */
  readonly targetPort?: number;
}

export type ServerTLSMode =
  | "PASSTHROUGH"
  | "SIMPLE"
  | "MUTUAL"
  | "AUTO_PASSTHROUGH"
  | "ISTIO_MUTUAL"
  | "OPTIONAL_MUTUAL";

export type TLSProtocol = "TLS_AUTO" | "TLSV1_0" | "TLSV1_1" | "TLSV1_2" | "TLSV1_3";

export interface ServerTLSSettings {
  readonly httpsRedirect?: boolean;
  /** PASSTHROUGH where it is left out. */
  readonly mode?: ServerTLSMode;
  readonly serverCertificate?: string;
  readonly privateKey?: string;
  readonly caCertificates?: string;
  readonly caCrl?: string;
  readonly credentialName?: string;
  readonly credentialNames?: readonly string[];
  readonly caCertCredentialName?: string;
  readonly tlsCertificates?: readonly TLSCertificate[];
  readonly subjectAltNames?: readonly string[];
  readonly verifyCertificateSpki?: readonly string[];
  readonly verifyCertificateHash?: readonly string[];
  readonly minProtocolVersion?: TLSProtocol;
  readonly maxProtocolVersion?: TLSProtocol;
  readonly cipherSuites?: readonly string[];
  readonly ecdhCurves?: readonly string[];
  readonly insecureSkipVerify?: boolean;
}

export interface TLSCertificate {
  readonly serverCertificate?: string;
  readonly privateKey?: string;
  readonly caCertificates?: string;
}
