/** All that a listener writes down of requests and of connections. */
import type { AccessLog } from "@heddle/envoy/config/accesslog/v3";
import { httpAccessLog, tcpAccessLog } from "./access-log.ts";
import type { Leg } from "./labels.ts";
import { derivation } from "../read.ts";
import type { Peer } from "./peer.ts";
import { httpMetrics, tcpMetrics } from "./stats-logger.ts";

interface LogKey {
  readonly leg: Leg;
  readonly peer: Peer;
}

/** Shared by all listeners of a workload: the larger part of a listener is what it writes down. */
export const httpLogs = derivation<LogKey, readonly AccessLog[]>(
  "telemetry/http",
  keyOf,
  (read, { leg, peer }) => [
    ...httpMetrics(leg, peer),
    ...(read.mesh.accessLog ? [httpAccessLog(leg, peer)] : []),
  ],
);

export const tcpLogs = derivation<LogKey, readonly AccessLog[]>(
  "telemetry/tcp",
  keyOf,
  (read, { leg, peer }) => [
    ...tcpMetrics(leg, peer),
    ...(read.mesh.accessLog ? [tcpAccessLog(leg, peer)] : []),
  ],
);

export function peerKey(peer: Peer): string {
  return JSON.stringify(Object.values(peer));
}

function keyOf({ leg, peer }: LogKey): string {
  return `${leg}|${peerKey(peer)}`;
}
