/** An agent's telemetry: what proxies count, log and trace, to Prometheus and to the plane. */

export { startTelemetry, type RunningTelemetry, type TelemetryOptions } from "./start-telemetry.ts";
