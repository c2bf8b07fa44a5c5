/** The ports of the mesh whose rules change. */

/** Of the servers. */
export const PORTS = { http: 9080, grpc: 9070, tcp: 9090, tls: 9443 } as const;
/** The same as `http`, by another name. */
export const MORE_PORT = 9081;
/** Where the client's sidecar takes connections for the servers. */
export const EGRESS_TCP_PORT = PORTS.tcp;
export const GATEWAY_PORTS = { http: 8080, https: 8443, tcp: 8090, api: 8085, tls: 8444 } as const;
/** The servers' address of their own. */
export const SERVER_IP = "10.96.0.10";
