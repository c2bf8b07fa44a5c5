/** Which hosts of a set of rules a gateway's listener lets in. */
import { hostMatches } from "@heddle/model";
import type { ListenerHost } from "../form/gateway-listener.ts";
import type { RuleSet } from "../form/rule-set.ts";

/** Hosts that both name, the narrower of two that overlap, sorted. */
export function admittedHosts(
  listenerHosts: readonly ListenerHost[],
  { hosts, origin }: Pick<RuleSet, "hosts" | "origin">,
): readonly string[] {
  const admitted = new Set<string>();
  for (const { host: wanted, namespaces } of listenerHosts) {
    if (namespaces && !namespaces.includes(origin.namespace)) continue;
    for (const host of hosts) {
      const lower = host.toLowerCase();
      if (hostMatches(wanted, lower)) admitted.add(lower);
      else if (hostMatches(lower, wanted)) admitted.add(wanted);
    }
  }
  return [...admitted].toSorted();
}
