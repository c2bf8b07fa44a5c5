/** How one Envoy of the local cluster is started. */
import type { ProcessSpec } from "./processes.ts";

/**
 * The command line for an Envoy with a bootstrap given as a value. Hot restart is off, since it would need a shared memory
 * segment per process; one worker thread is enough for a demo.
 */
export function envoyProcess(envoy: string, name: string, bootstrap: unknown): ProcessSpec {
  return {
    name: `envoy-${name}`,
    command: envoy,
    args: [
      "--config-yaml",
      JSON.stringify(bootstrap),
      "--disable-hot-restart",
      "--concurrency",
      "1",
      "--log-level",
      "warning",
      "--drain-time-s",
      "2",
      "--drain-strategy",
      "immediate",
    ],
  };
}
