/** Tells the next proxy who is calling, and learns from the previous one: one header, inside mutual TLS only. */
import type { HttpFilter } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import type { HeaderMutation } from "@heddle/envoy/extensions/filters/http/header_mutation/v3";
import type { Config as HeaderToMetadata } from "@heddle/envoy/extensions/filters/http/header_to_metadata/v3";
import { DOWNSTREAM_PEER_KEY } from "../telemetry/labels.ts";
import { knownOf, METADATA_NAMESPACE, type Peer } from "../telemetry/peer.ts";
import { extension } from "../typed-config.ts";
import type { HttpFeature } from "./http-feature.ts";
import { PEER_METADATA_FILTER } from "./names.ts";
import { PEER_HEADER } from "./peer-header.ts";
import { protobufStructValue } from "./protobuf-value.ts";

/**
 * Outbound overwrites what an application may have put there. Inbound takes it off before the application sees it, and
 * believes it only where a certificate vouches for the peer.
 */
export const peerMetadata: HttpFeature = {
  name: "peer metadata",
  filters({ leg, peer }) {
    switch (leg) {
      case "outbound":
        return [send(peer)];
      case "mutual_tls":
        return [RECEIVE];
      case "plaintext":
        return [STRIP];
    }
  },
};

function send(peer: Peer): HttpFilter {
  return mutation({
    append: {
      header: { key: PEER_HEADER, value: protobufStructValue(knownOf(peer)) },
      appendAction: "OVERWRITE_IF_EXISTS_OR_ADD",
    },
  });
}

const RECEIVE: HttpFilter = extension<HeaderToMetadata>(
  PEER_METADATA_FILTER,
  "envoy.extensions.filters.http.header_to_metadata.v3.Config",
  {
    requestRules: [
      {
        header: PEER_HEADER,
        onHeaderPresent: {
          metadataNamespace: METADATA_NAMESPACE,
          key: DOWNSTREAM_PEER_KEY,
          type: "PROTOBUF_VALUE",
          encode: "BASE64",
        },
        remove: true,
      },
    ],
  },
);

type Mutation = NonNullable<NonNullable<HeaderMutation["mutations"]>["requestMutations"]>[number];

function mutation(requestMutation: Mutation): HttpFilter {
  return extension<HeaderMutation>(
    PEER_METADATA_FILTER,
    "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
    { mutations: { requestMutations: [requestMutation] } },
  );
}

const STRIP = mutation({ remove: PEER_HEADER });
