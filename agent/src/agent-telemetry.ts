/** What an agent's telemetry is started with: addresses of its options, and who the proxies and senders are. */
import { AgentError } from "./agent-error.ts";
import type { AgentLog } from "./log.ts";
import type { AgentOptions } from "./options.ts";
import type { Membership } from "./state/enrollment.ts";
import { type RunningTelemetry, startTelemetry, type TelemetryOptions } from "./telemetry/index.ts";

export interface TelemetrySources {
  readonly targets: () => { name: string; address: string }[];
  readonly redaction: NonNullable<TelemetryOptions["redaction"]>;
  readonly ownMetrics: () => string;
  readonly whoHas: NonNullable<TelemetryOptions["whoHas"]>;
  readonly tls: TelemetryOptions["tls"];
}

/** Undefined where telemetry is none of its roles. Rejects with `AgentError` HDL7204 where an address is taken. */
export async function startAgentTelemetry(
  options: AgentOptions,
  membership: Membership | undefined,
  log: AgentLog,
  sources: TelemetrySources,
): Promise<RunningTelemetry | undefined> {
  if (!options.roles.includes("telemetry")) return undefined;
  const started = startTelemetry({
    otlpAddress: options.otlpAddress,
    otlpTlsAddress: sources.tls && options.otlpTlsAddress,
    // Its own address is on the loopback: the agent's HTTP server hands on what it says.
    metricsAddress: options.metricsAddress === undefined ? undefined : "127.0.0.1:0",
    plane: membership?.plane,
    token: membership?.token,
    mesh: membership?.mesh.id,
    spoolDir: `${options.stateDir}/telemetry`,
    scrapeIntervalMs: options.scrapeInterval,
    proxies: () => sources.targets().filter(({ address }) => address !== ""),
    redaction: sources.redaction,
    ownMetrics: sources.ownMetrics,
    whoHas: sources.whoHas,
    tls: sources.tls,
    log: (level, message, fields) => log[level](`telemetry: ${message}`, fields),
  });
  return started.catch((error: unknown) => {
    if (!/\bHDL5202\b/.test(String(error))) throw error;
    const message = `Telemetry cannot be received: ${String(error)}`;
    throw new AgentError("HDL7204", message, error);
  });
}
