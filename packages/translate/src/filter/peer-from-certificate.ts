/** Takes the peer's namespace from its certificate, for connections that carry no header to say it. */
import type { Filter } from "@heddle/envoy/config/listener/v3";
import type { Config } from "@heddle/envoy/extensions/filters/network/set_filter_state/v3";
import { PEER_NAMESPACE_STATE } from "../telemetry/labels.ts";
import { extension } from "../typed-config.ts";

/** The fifth part of `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`. */
const NAMESPACE = "%CEL(connection.uri_san_peer_certificate.split('/')[4])%";

export const peerFromCertificate: Filter = extension<Config>(
  "envoy.filters.network.set_filter_state",
  "envoy.extensions.filters.network.set_filter_state.v3.Config",
  {
    onDownstreamTlsHandshake: [
      {
        objectKey: PEER_NAMESPACE_STATE,
        factoryKey: "envoy.string",
        formatString: {
          textFormatSource: { inlineString: NAMESPACE },
          formatters: [
            extension("envoy.formatter.cel", "envoy.extensions.formatter.cel.v3.Cel", {
              celConfig: { enableStringFunctions: true },
            }),
          ],
        },
      },
    ],
  },
);
