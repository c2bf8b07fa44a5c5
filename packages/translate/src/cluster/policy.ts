/** The traffic policy of one port of a service or subset, merged from the levels of a DestinationRule. */
import type {
  DestinationRule,
  PortPolicy,
  ServiceModel,
  Subset,
  TrafficPolicy,
} from "@heddle/model";
import { zoneAwareOf } from "../endpoint/locality.ts";
import { nearnessLabels } from "../endpoint/topology.ts";

/** What holds in the end; there are no levels below it. */
export interface EffectivePolicy extends Omit<TrafficPolicy, "portLevelSettings"> {
  /** Endpoints have an order whether or not anybody detects outliers: those that are not ready are not there. */
  readonly alwaysFailsOver?: boolean;
}

/** With what the service itself asks for where its rule says nothing of places: near endpoints first. */
export function placedPolicy(policy: EffectivePolicy, service: ServiceModel): EffectivePolicy {
  const { loadBalancer = {} } = policy;
  const failoverPriority = nearnessLabels(service);
  const told = loadBalancer.localityLbSetting ?? zoneAwareOf(loadBalancer);
  if (failoverPriority.length === 0 || told !== undefined) return policy;
  return {
    ...policy,
    loadBalancer: { ...loadBalancer, localityLbSetting: { failoverPriority } },
    alwaysFailsOver: true,
  };
}

/**
 * The subset's policy goes over the rule's, field by field. Settings for a port take the place of everything else that
 * their level says: Istio does not let them inherit, not even what cannot be set for a port. Only the tunnel is the
 * level's alone, as it belongs to connections and not to a port.
 */
export function policyFor(
  rule: DestinationRule | undefined,
  subset: Subset | undefined,
  port: number,
): EffectivePolicy {
  const outer = rule?.trafficPolicy;
  const inner = subset?.trafficPolicy;
  const tunnel = inner?.tunnel ?? outer?.tunnel;
  return { ...merged(outer, inner, port), ...(tunnel === undefined ? {} : { tunnel }) };
}

function merged(
  outer: TrafficPolicy | undefined,
  inner: TrafficPolicy | undefined,
  port: number,
): EffectivePolicy {
  const below: EffectivePolicy =
    outer === undefined ? {} : (forPort(outer, port) ?? withoutPorts(outer));
  if (inner === undefined) return below;
  const ofPort = forPort(inner, port);
  if (ofPort === undefined) return { ...below, ...withoutPorts(inner) };
  const { proxyProtocol, retryBudget } = below;
  return {
    ...ofPort,
    ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
    ...(retryBudget === undefined ? {} : { retryBudget }),
  };
}

/** Undefined where the level has no settings for the port. */
function forPort(level: TrafficPolicy, port: number): PortPolicy | undefined {
  const settings = level.portLevelSettings?.find((each) => each.port?.number === port);
  if (settings === undefined) return undefined;
  const { port: _, ...policy } = settings;
  return policy;
}

function withoutPorts(level: TrafficPolicy): EffectivePolicy {
  const { portLevelSettings: _, ...policy } = level;
  return policy;
}
