/** Takes who the peer is from its certificate, for connections that carry no header to say it. */
import type { Filter } from "@heddle/envoy/config/listener/v3";
import type { Config } from "@heddle/envoy/extensions/filters/network/set_filter_state/v3";
import { PEER_NAMESPACE_STATE, PEER_WORKLOAD_STATE, UNKNOWN } from "../telemetry/labels.ts";
import { extension } from "../typed-config.ts";

type Value = NonNullable<Config["onDownstreamTlsHandshake"]>[number];

const URI = "connection.uri_san_peer_certificate";
const DNS = "connection.dns_san_peer_certificate";

/** The fifth part of `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`. */
const NAMESPACE = `${URI}.split('/')[4]`;
const TRUST_DOMAIN = `${URI}.split('/')[2]`;

/**
 * The first part of `<workload>.<namespace>.workload.<trust domain>`. The same certificate has to be of that namespace and trust
 * domain: whoever signs for others of its own could say anything.
 */
const OWN_ZONE = `'.' + ${NAMESPACE} + '.workload.' + ${TRUST_DOMAIN}`;
const WORKLOAD = `has(${DNS}) && ${DNS}.endsWith(${OWN_ZONE}) ? ${DNS}.split('.')[0] : '${UNKNOWN}'`;

export const peerFromCertificate: Filter = extension<Config>(
  "envoy.filters.network.set_filter_state",
  "envoy.extensions.filters.network.set_filter_state.v3.Config",
  {
    onDownstreamTlsHandshake: [
      kept(PEER_NAMESPACE_STATE, NAMESPACE),
      kept(PEER_WORKLOAD_STATE, WORKLOAD),
    ],
  },
);

function kept(objectKey: string, expression: string): Value {
  return {
    objectKey,
    factoryKey: "envoy.string",
    formatString: {
      textFormatSource: { inlineString: `%CEL(${expression})%` },
      formatters: [
        extension("envoy.formatter.cel", "envoy.extensions.formatter.cel.v3.Cel", {
          celConfig: { enableStringConcat: true, enableStringFunctions: true },
        }),
      ],
    },
  };
}
