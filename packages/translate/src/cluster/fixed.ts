/** Clusters that stand for no service: where traffic goes that no service claims. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import { BLACK_HOLE_CLUSTER, INBOUND_PASSTHROUGH_CLUSTER, PASSTHROUGH_CLUSTER } from "../names.ts";
import { type Families, familiesOf } from "../families.ts";
import type { ProxyDescription } from "../proxy.ts";
import { strangerMetadata } from "../telemetry/peer.ts";

/**
 * The source address by which iptables knows a connection that the proxy makes to its own pod, so that it is not led back
 * to the proxy.
 */
const INBOUND_BIND_ADDRESS = "127.0.0.6";
const INBOUND_BIND_ADDRESS_V6 = "::6";

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** What reaches here was not understood: it is passed on in the protocol that it came in. */
const AS_CLIENT: Pick<Cluster, "typedExtensionProtocolOptions"> = {
  typedExtensionProtocolOptions: {
    [HTTP_OPTIONS]: {
      "@type": `type.googleapis.com/${HTTP_OPTIONS}`,
      useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
    },
  },
};

const BLACK_HOLE: Cluster = {
  name: BLACK_HOLE_CLUSTER,
  type: "STATIC",
  connectTimeout: "10s",
  metadata: strangerMetadata(BLACK_HOLE_CLUSTER),
};

const PASSTHROUGH: Cluster = {
  name: PASSTHROUGH_CLUSTER,
  metadata: strangerMetadata(PASSTHROUGH_CLUSTER),
  type: "ORIGINAL_DST",
  connectTimeout: "10s",
  lbPolicy: "CLUSTER_PROVIDED",
  ...AS_CLIENT,
};

const INBOUND_PASSTHROUGH: Cluster = {
  name: INBOUND_PASSTHROUGH_CLUSTER,
  metadata: strangerMetadata(INBOUND_PASSTHROUGH_CLUSTER),
  type: "ORIGINAL_DST",
  connectTimeout: "10s",
  lbPolicy: "CLUSTER_PROVIDED",
  upstreamBindConfig: bindTo(INBOUND_BIND_ADDRESS),
  ...AS_CLIENT,
};

function bindTo(address: string): NonNullable<Cluster["upstreamBindConfig"]> {
  return { sourceAddress: { address, portValue: 0 } };
}

function inboundPassthrough(families: Families): Cluster {
  if (families === "v4") return INBOUND_PASSTHROUGH;
  if (families === "v6") {
    return { ...INBOUND_PASSTHROUGH, upstreamBindConfig: bindTo(INBOUND_BIND_ADDRESS_V6) };
  }
  const v6 = { address: { address: INBOUND_BIND_ADDRESS_V6, portValue: 0 } };
  return {
    ...INBOUND_PASSTHROUGH,
    upstreamBindConfig: { ...bindTo(INBOUND_BIND_ADDRESS), extraSourceAddresses: [v6] },
  };
}

/** The same for every proxy of a kind; a gateway has nothing to pass through to. */
export function fixedClusters({
  type,
  interception,
  addresses,
}: ProxyDescription): readonly Cluster[] {
  if (type === "router") return [BLACK_HOLE];
  if (interception === "NONE") return [BLACK_HOLE, PASSTHROUGH];
  return [BLACK_HOLE, PASSTHROUGH, inboundPassthrough(familiesOf(addresses))];
}
