/** Metadata by which an endpoint says that it takes the mesh's TLS. */

/** The key under `envoy.transport_socket_match`. */
export const TLS_MODE = "tlsMode";
export const TLS_MODE_ISTIO = "istio";
