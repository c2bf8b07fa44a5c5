/** The status of the cluster's objects, as the leader writes it. */
export { startStatusWriter } from "./status-writer.ts";
