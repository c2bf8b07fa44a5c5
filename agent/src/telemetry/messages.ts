/** What the control process and the telemetry process say to each other. */

import type {
  LogLevel,
  ScrapeTarget,
  TelemetryPorts,
  TelemetrySettings,
} from "./telemetry-options.ts";

export type ToTelemetry =
  | { type: "start"; settings: TelemetrySettings; targets: readonly ScrapeTarget[] }
  | { type: "targets"; targets: readonly ScrapeTarget[] }
  /** The answer to `ask`. */
  | { type: "state"; id: number; metrics: string; ready: boolean }
  | { type: "close" };

export type FromTelemetry =
  | { type: "started"; ports: TelemetryPorts }
  | { type: "failed"; message: string }
  /** Asks for the control process' own metrics and readiness. */
  | { type: "ask"; id: number }
  | { type: "log"; level: LogLevel; message: string; fields: Readonly<Record<string, unknown>> }
  | { type: "closed" };
