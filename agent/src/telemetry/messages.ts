/** What the control process and the telemetry process say to each other. */

import type { CallerCode } from "../callers/caller-refused.ts";
import type { ShownCertificate } from "../identity/shown-certificate.ts";
import type { AddressOwner, Sender } from "@heddle/telemetry";
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
  /** What the TLS port shows from now on. */
  | { type: "certificate"; certificate: ShownCertificate }
  /** The answer to `prove`. */
  | { type: "proven"; id: number; sender: Sender }
  | { type: "refused"; id: number; code: CallerCode; message: string }
  /** The answer to `who`. */
  | { type: "owner"; id: number; owner: AddressOwner | undefined }
  | { type: "close" };

export type FromTelemetry =
  | { type: "started"; ports: TelemetryPorts }
  | { type: "failed"; message: string }
  /** Asks for the control process' own metrics and readiness. */
  | { type: "ask"; id: number }
  /** Asks whose token it is. */
  | { type: "prove"; id: number; token: string }
  /** Asks who has an address. */
  | { type: "who"; id: number; address: string }
  | { type: "log"; level: LogLevel; message: string; fields: Readonly<Record<string, unknown>> }
  | { type: "closed" };
