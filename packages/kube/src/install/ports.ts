/** Where the agent listens in its pod. */
export const XDS_PORT = 15010;
export const XDS_TLS_PORT = 15012;
export const METRICS_PORT = 15014;
export const WEBHOOK_PORT = 15017;
export const OTLP_PORT = 4317;
export const OTLP_TLS_PORT = 15013;

interface Listening {
  /** The same in the pod and in the Service. */
  readonly name: string;
  readonly port: number;
  /** What the Service's port is, where it is another. */
  readonly servicePort?: number;
}

export function listening(plaintext: boolean): Listening[] {
  return [
    ...(plaintext
      ? [
          { name: "grpc-xds", port: XDS_PORT },
          { name: "otlp-grpc", port: OTLP_PORT },
        ]
      : []),
    { name: "grpc-xds-tls", port: XDS_TLS_PORT },
    { name: "otlp-grpc-tls", port: OTLP_TLS_PORT },
    { name: "http-metrics", port: METRICS_PORT },
    { name: "https-webhook", port: WEBHOOK_PORT, servicePort: 443 },
  ];
}
