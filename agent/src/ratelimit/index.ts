/** Global rate limits: what the rest of the agent uses of them. */
export { createRateLimitService } from "./rate-limit-service.ts";
export type { RateLimitAgents, RateLimitNumbers, RateLimitService } from "./rate-limit-service.ts";
