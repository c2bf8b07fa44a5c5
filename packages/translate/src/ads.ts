/** Where resources come from that other resources name: the one stream that everything comes by. */
import type { ConfigSource } from "@heddle/envoy/config/core/v3";

/** A listener waits for its routes and a cluster for its endpoints, whatever it takes: without them they only fail. */
export const ADS: ConfigSource = { ads: {}, initialFetchTimeout: "0s", resourceApiVersion: "V3" };

/**
 * After Envoy's usual 15 s a listener goes on without a certificate and refuses the connections that need it, so that one
 * missing secret does not hold up the others.
 */
export const ADS_SECRETS: ConfigSource = { ads: {}, resourceApiVersion: "V3" };
