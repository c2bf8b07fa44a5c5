/** Hosts that a listener and a route have in common. */
import { hostMatches } from "../host.ts";

/** Those that both name, the narrower of two that overlap, sorted; no names stand for every host. */
export function commonHosts(
  listener: string | undefined,
  route: readonly string[] | undefined,
): readonly string[] {
  const wanted = (listener ?? "*").toLowerCase();
  if (route === undefined || route.length === 0) return [wanted];
  const common = new Set<string>();
  for (const name of route) {
    const lower = name.toLowerCase();
    if (hostMatches(wanted, lower)) common.add(lower);
    else if (hostMatches(lower, wanted)) common.add(wanted);
  }
  return [...common].toSorted();
}
