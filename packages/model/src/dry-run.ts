/** Policies that only tell what they would do: Istio's annotation for it. */
import type { ObjectMetadata } from "./object.ts";

export const DRY_RUN = "istio.io/dry-run";

/** Go's words for a boolean, and which of them mean yes. */
const BOOLEAN = /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/;
const YES = /^(?:1|t|T|TRUE|true|True)$/;

export function isBoolean(text: string): boolean {
  return BOOLEAN.test(text);
}

/** Nothing is denied by it, nor let in; what would be is told in telemetry. */
export function isDryRun({ annotations }: Pick<ObjectMetadata, "annotations">): boolean {
  return YES.test(annotations[DRY_RUN] ?? "");
}
