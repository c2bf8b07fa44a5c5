/** What logs and spans do not say outside of the cluster: rules on records, pure. */
export { MASK } from "./form.ts";
export type { Hash } from "./form.ts";
export type { RedactionTally } from "./redact.ts";
export * from "./redactor.ts";
