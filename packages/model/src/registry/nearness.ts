/** How near its clients a service wants to be served, by Kubernetes' field or Istio's annotation. */
import type { Nearness } from "./types.ts";

const ANNOTATION = "networking.istio.io/traffic-distribution";

const MEANING: Readonly<Record<string, Nearness>> = {
  PreferClose: "zone",
  PreferSameZone: "zone",
  PreferSameNode: "node",
};

/** The field goes first; a value that is not known asks for nothing. The annotation's case does not matter. */
export function nearnessOf(
  field: string | undefined,
  annotations: Readonly<Record<string, string>>,
): Nearness | undefined {
  if (field !== undefined) return Object.hasOwn(MEANING, field) ? MEANING[field] : undefined;
  const told = annotations[ANNOTATION]?.toLowerCase();
  const name = Object.keys(MEANING).find((each) => each.toLowerCase() === told);
  return name === undefined ? undefined : MEANING[name];
}
