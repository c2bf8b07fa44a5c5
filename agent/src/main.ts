/** Runs an agent by itself, with options from the environment alone; `heddle agent` has flags for them. */
import { startAgent } from "./agent.ts";
import { AgentError } from "./agent-error.ts";
import { createLog } from "./log.ts";
import { parseAgentOptions } from "./options.ts";

const log = createLog();
try {
  const {
    HEDDLE_CONFIG_DIR: config,
    HEDDLE_STATE: state,
    HEDDLE_XDS: xds,
    HEDDLE_STANDALONE: standalone,
    HEDDLE_KUBERNETES: kubernetes,
  } = process.env;
  const flags = {
    ...{ config, state, xds, standalone: standalone === "true" },
    kubernetes: kubernetes === "true",
  };
  const agent = await startAgent(parseAgentOptions(flags, process.env), log);
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void agent.close().then(() => process.exit(0)));
} catch (error) {
  if (!(error instanceof AgentError)) throw error;
  log.error(`${error.code}: ${error.message}`, { remedy: error.remedy });
  process.exit(1);
}
