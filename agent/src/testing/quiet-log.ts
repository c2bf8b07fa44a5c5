/** For tests: a log that says nothing but what went wrong. */
import type { AgentLog } from "../log.ts";

export const quiet: AgentLog = {
  info() {},
  warn() {},
  error: (message, fields) => console.error(message, fields),
};
