/** All that a listener writes down of requests and of connections. */
import type { AccessLog } from "@heddle/envoy/config/accesslog/v3";
import {
  filtered,
  httpAccessLog,
  HTTP_TEXT_LOG,
  TCP_TEXT_LOG,
  tcpAccessLog,
} from "./access-log.ts";
import type { Told } from "../authorization/filters.ts";
import type { Leg } from "./labels.ts";
import { derivation, type ModelReader } from "../read.ts";
import type { Peer } from "./peer.ts";
import {
  type LogSettings,
  type LogTarget,
  type SideSettings,
  sideOf,
  telemetrySettings,
} from "./settings.ts";
import { httpMetrics } from "./stats-logger.ts";
import type { ValidationTold } from "../validation/filters.ts";
import { tcpMetrics } from "./tcp-metrics.ts";

interface LogKey {
  readonly leg: Leg;
  readonly peer: Peer;
  /** What of authorization is told of requests that it let in. */
  readonly told: Told;
  /** What a RequestValidation tells of requests. */
  readonly validation?: ValidationTold;
}

/** Shared by all listeners of a workload: the larger part of a listener is what it writes down. */
export const httpLogs = derivation<LogKey, readonly AccessLog[]>(
  "telemetry/http",
  keyOf,
  (read, { leg, peer, told, validation }) => {
    const { metrics, log } = settingsFor(read, leg, peer);
    return [
      ...httpMetrics(leg, peer, metrics),
      ...logged(read, log, httpAccessLog(leg, peer, told, validation), HTTP_TEXT_LOG),
    ];
  },
);

export const tcpLogs = derivation<LogKey, readonly AccessLog[]>(
  "telemetry/tcp",
  keyOf,
  (read, { leg, peer, told }) => {
    const settings = settingsFor(read, leg, peer);
    const { log } = settings;
    return [
      ...tcpMetrics(leg, peer, settings),
      ...logged(read, log, tcpAccessLog(leg, peer, told), TCP_TEXT_LOG),
    ];
  },
);

export function settingsFor(read: ModelReader, leg: Leg, peer: Peer): SideSettings {
  return read.get(telemetrySettings, peer.telemetry ?? "")[sideOf(leg)];
}

function logged(
  read: ModelReader,
  { to, filter }: LogSettings,
  records: AccessLog,
  text: AccessLog,
): readonly AccessLog[] {
  const targets: readonly LogTarget[] =
    to !== "default" ? to : read.mesh.accessLog ? ["agent"] : [];
  return targets.map((target) => {
    const log = target === "agent" ? records : text;
    return filter === undefined ? log : filtered(log, filter);
  });
}

export function peerKey(peer: Peer): string {
  return JSON.stringify(Object.values(peer));
}

function keyOf({ leg, peer, told, validation }: LogKey): string {
  return `${leg}|${JSON.stringify([told, validation])}|${peerKey(peer)}`;
}
