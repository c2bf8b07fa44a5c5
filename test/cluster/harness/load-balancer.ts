/**
 * Gives Services of type LoadBalancer addresses that the machine reaches: kube-proxy takes whatever stands in a Service's
 * status as an address of it, and the machine has a route for the range. A process of its own, since a cluster outlives
 * the command that starts it.
 */
import path from "node:path";
import type { Network } from "./network.ts";
import { kubeconfigOf } from "./control-plane.ts";
import type { Program } from "./recorded.ts";

export function loadBalancer(state: string, { loadBalancers }: Network): Program {
  return {
    name: "load-balancer",
    command: process.execPath,
    args: [
      "--disable-warning=ExperimentalWarning",
      path.join(import.meta.dirname, "load-balancer-main.ts"),
      kubeconfigOf(state),
      loadBalancers,
    ],
  };
}

/** What a Service says and has, as far as addresses are concerned. */
export interface Balanced {
  /** `namespace/name` */
  readonly name: string;
  /** Whether it is of type LoadBalancer. */
  readonly wants: boolean;
  /** The only address that it takes. */
  readonly asked: string | undefined;
  /** What its status has. */
  readonly has: readonly string[];
}

/**
 * The addresses that Services are to have, by name; only those that have others. An address that is asked for and is not in
 * the range, or another Service's, is given to nobody, and nothing instead.
 */
export function assign(
  services: readonly Balanced[],
  range: string,
): ReadonlyMap<string, readonly string[]> {
  const pool = addressesIn(range);
  const inPool = new Set(pool);
  const keeps = ({ wants, asked, has }: Balanced) =>
    wants && has.length === 1 && inPool.has(has[0] ?? "") && (asked ?? has[0]) === has[0];
  const taken = new Set<string>();
  const kept = new Set<string>();
  for (const service of services) {
    const [address = ""] = service.has;
    if (!keeps(service) || taken.has(address)) continue;
    taken.add(address);
    kept.add(service.name);
  }
  const given = new Map<string, readonly string[]>();
  const give = ({ name, has }: Balanced, address: string | undefined) => {
    if (address !== undefined) taken.add(address);
    const addresses = address === undefined ? [] : [address];
    if (addresses.join() !== has.join()) given.set(name, addresses);
  };
  const others = services.filter(({ name }) => !kept.has(name));
  // Who asks for one comes before those that take any.
  for (const service of others.filter(({ wants, asked }) => wants && asked !== undefined)) {
    const { asked = "" } = service;
    give(service, inPool.has(asked) && !taken.has(asked) ? asked : undefined);
  }
  for (const service of others.filter(({ wants, asked }) => !wants || asked === undefined)) {
    give(service, service.wants ? pool.find((each) => !taken.has(each)) : undefined);
  }
  return given;
}

/** Those of a /24 that are neither its network's nor for all. */
function addressesIn(range: string): readonly string[] {
  const prefix = range.replace(/\.0\/24$/, "");
  return Array.from({ length: 254 }, (_, index) => `${prefix}.${index + 1}`);
}
