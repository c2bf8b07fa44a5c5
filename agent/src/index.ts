/** The agent, as `heddle agent` and tests start it. */
export { startAgent, type RunningAgent } from "./agent.ts";
export { AgentError, agentCodes, type AgentCode } from "./agent-error.ts";
export { createLog, type AgentLog } from "./log.ts";
export { parseAgentOptions, type AgentOptions } from "./options.ts";
