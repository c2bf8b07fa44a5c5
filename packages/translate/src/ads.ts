/** Where resources come from that other resources name: the one stream that everything comes by. */
import type { ConfigSource } from "@heddle/envoy/config/core/v3";

/** A listener waits for its routes, whatever it takes: without them it could only answer 404. */
export const ADS: ConfigSource = { ads: {}, resourceApiVersion: "V3", initialFetchTimeout: "0s" };

/**
 * After Envoy's usual 15 s a listener goes on without a certificate and refuses the connections that need it, so that one
 * missing secret does not hold up the others.
 */
export const SECRETS: ConfigSource = { ads: {}, resourceApiVersion: "V3" };
