/** The plane's log: one JSON document a line on standard error. */
import type { Logger } from "../deps.ts";

const LEVELS = ["info", "warn", "error"] as const;

/** Writes what is at or above `least`. */
export function createLogger(least: (typeof LEVELS)[number] = "warn"): Logger {
  const write =
    (level: (typeof LEVELS)[number]) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
      process.stderr.write(
        `${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`,
      );
    };
  return { info: write("info"), warn: write("warn"), error: write("error") };
}
