/** The profiles of the suite that are run: the core of each, and of what is claimed beyond it what belongs to them. */
export const PROFILES = ["GATEWAY-HTTP", "GATEWAY-GRPC", "GATEWAY-TLS"] as const;
