/** The traffic policy of one port of a service or subset, merged from the levels of a DestinationRule. */
import type { DestinationRule, PortPolicy, Subset, TrafficPolicy } from "@heddle/model";

/** What holds in the end; there are no levels below it. */
export type EffectivePolicy = PortPolicy & Pick<TrafficPolicy, "proxyProtocol" | "retryBudget">;

/**
 * The subset's policy goes over the rule's, field by field. Settings for a port take the place of everything that their
 * level says of load balancing, connections, outliers and TLS: Istio does not let them inherit.
 */
export function policyFor(
  rule: DestinationRule | undefined,
  subset: Subset | undefined,
  port: number,
): EffectivePolicy {
  return levelOver(levelOver({}, rule?.trafficPolicy, port), subset?.trafficPolicy, port);
}

function levelOver(
  outer: EffectivePolicy,
  level: TrafficPolicy | undefined,
  port: number,
): EffectivePolicy {
  if (level === undefined) return outer;
  const { portLevelSettings, tunnel: _tunnel, ...own } = level;
  const merged: EffectivePolicy = { ...outer, ...own };
  const settings = portLevelSettings?.find((each) => each.port?.number === port);
  if (settings === undefined) return merged;
  const { proxyProtocol, retryBudget } = merged;
  const { port: _port, ...ofPort } = settings;
  return {
    ...ofPort,
    ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
    ...(retryBudget === undefined ? {} : { retryBudget }),
  };
}
