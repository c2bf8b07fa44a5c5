/** The network filters that carry a connection to a cluster. */
import type { Filter } from "@heddle/envoy/config/listener/v3";
import type { TcpProxy } from "@heddle/envoy/extensions/filters/network/tcp_proxy/v3";
import type { ModelReader } from "../read.ts";
import type { Leg } from "../telemetry/labels.ts";
import type { Peer } from "../telemetry/peer.ts";
import { reportingOptions } from "../telemetry/tcp-metrics.ts";
import { settingsFor, tcpLogs } from "../telemetry/telemetry.ts";
import { extension } from "../typed-config.ts";
import type { ConnectionTarget } from "../route/connection-routes.ts";
import { authorizationOf } from "./guards.ts";
import { sniForwardProxy } from "./sni-forward-proxy.ts";
import { peerFromCertificate } from "./peer-from-certificate.ts";

/**
 * As requests are by default, connections are tried twice more where one cannot be made: an endpoint may have just gone, or be one of
 * a new account that the cluster is only about to learn of.
 */
const CONNECT_ATTEMPTS = 3;

/** Where connections are carried on, and what they pass before. */
export interface ConnectionPlace {
  readonly leg: Leg;
  readonly peer: Peer;
  /** From `guardKeys`; none where connections leave. */
  readonly guards?: readonly string[];
}

/** To one cluster, on its own terms. */
export function tcpProxy(
  read: ModelReader,
  place: ConnectionPlace,
  cluster: string,
): readonly Filter[] {
  return proxyTo(read, place, { statPrefix: cluster, cluster });
}

/** To where a rule leads, by weight if there are several places. */
export function routedTcpProxy(
  read: ModelReader,
  place: ConnectionPlace,
  { statPrefix, clusters, policy, anyServerAt }: ConnectionTarget,
): readonly Filter[] {
  const [only] = clusters;
  const specifier: Partial<TcpProxy> =
    clusters.length === 1 && only
      ? { cluster: only.name }
      : { weightedClusters: { clusters: clusters.map(({ name, weight }) => ({ name, weight })) } };
  const proxy = proxyTo(read, place, {
    statPrefix,
    ...specifier,
    maxConnectAttempts: CONNECT_ATTEMPTS,
    ...policy,
  });
  return anyServerAt === undefined ? proxy : proxy.toSpliced(-1, 0, sniForwardProxy(anyServerAt));
}

function proxyTo(
  read: ModelReader,
  { leg, peer, guards = [] }: ConnectionPlace,
  target: TcpProxy,
): readonly Filter[] {
  const { tcp, told } = authorizationOf(read, guards);
  const config: TcpProxy = {
    ...target,
    ...(leg === "mutual_tls" ? WHEN_PEER_IS_KNOWN : {}),
    accessLog: read.get(tcpLogs, { leg, peer, told }),
    accessLogOptions: {
      // Without it a connection would be written down only when it ends, and never as opened.
      flushAccessLogOnConnected: true,
      ...reportingOptions(settingsFor(read, leg, peer)),
    },
  };
  const proxy = extension<TcpProxy>(
    "envoy.filters.network.tcp_proxy",
    "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
    config,
  );
  return [
    // First, so that what is refused is still counted for the peer that asked.
    ...(leg === "mutual_tls" ? [peerFromCertificate] : []),
    ...tcp.asked,
    ...tcp.judged,
    proxy,
  ];
}

/**
 * Connects when the client has proven who it is: one that cannot never reaches the application, and a connection is written down as
 * opened by the peer that it is of. Until then nothing of the application's is read, so nothing is to be kept.
 */
const WHEN_PEER_IS_KNOWN: Partial<TcpProxy> = {
  upstreamConnectMode: "ON_DOWNSTREAM_TLS_HANDSHAKE",
  maxEarlyDataBytes: 0,
};

/** Accepts connections and closes them: for what would otherwise go round in circles. */
export function blackHole(cluster: string): Filter {
  return extension<TcpProxy>(
    "envoy.filters.network.tcp_proxy",
    "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
    { statPrefix: cluster, cluster },
  );
}
