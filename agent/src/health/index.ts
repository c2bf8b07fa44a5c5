/** Probes of workloads that are no Pods: what the rest of the agent uses of them. */
export { createHealthService } from "./health-service.ts";
