/**
 * Which clusters a sidecar holds that asks for its virtual hosts: those to which something leads that it holds. What leads nowhere
 * outbound, such as the clusters of its own workload, it holds anyway.
 */
import { isOutboundCluster, outboundClustersIn } from "@heddle/translate";

/** A resource, `<type>/<name>`, that may lead to clusters. */
type Holder = string;

export class DemandedClusters {
  readonly #leads = new Map<Holder, readonly string[]>();
  readonly #counts = new Map<string, number>();
  readonly #valueOf: (cluster: string) => unknown;

  /** `valueOf` is a cluster as the model has it now: one cluster may lead to others. */
  constructor(valueOf: (cluster: string) => unknown) {
    this.#valueOf = valueOf;
  }

  has(cluster: string): boolean {
    return this.#counts.has(cluster) || !isOutboundCluster(cluster);
  }

  /** A resource is this now, undefined for gone. Answers with the clusters that are demanded since, or no longer. */
  set(holder: Holder, value: unknown): ReadonlySet<string> {
    const changed = new Set<string>();
    this.#lead(holder, clustersIn(value), changed);
    return changed;
  }

  /** A cluster may lead to others now. */
  clusterChanged(cluster: string): ReadonlySet<string> {
    const changed = new Set<string>();
    if (this.#counts.has(cluster)) this.#follow(cluster, true, changed);
    return changed;
  }

  /** Anything outbound is demanded. */
  get any(): boolean {
    return this.#counts.size > 0;
  }

  #lead(holder: Holder, to: readonly string[], changed: Set<string>): void {
    const before = this.#leads.get(holder) ?? [];
    if (to.length > 0) this.#leads.set(holder, to);
    else this.#leads.delete(holder);
    for (const cluster of to) this.#count(cluster, 1, changed);
    for (const cluster of before) this.#count(cluster, -1, changed);
  }

  #count(cluster: string, by: 1 | -1, changed: Set<string>): void {
    const before = this.#counts.get(cluster) ?? 0;
    const after = before + by;
    if (after > 0) this.#counts.set(cluster, after);
    else this.#counts.delete(cluster);
    if (before > 0 && after > 0) return;
    changed.add(cluster);
    this.#follow(cluster, after > 0, changed);
  }

  /** One that stands in for another, or for several, leads to these. */
  #follow(cluster: string, demanded: boolean, changed: Set<string>): void {
    const others = demanded
      ? clustersIn(this.#valueOf(cluster)).filter((each) => each !== cluster)
      : [];
    this.#lead(`cluster/${cluster}`, others, changed);
  }
}

/** Whether a resource leads to anything that is called. */
export function leadsOutbound(value: unknown): boolean {
  return clustersIn(value).length > 0;
}

const known = new WeakMap<object, readonly string[]>();

/** Every outbound cluster that is named anywhere in a resource, once for each value. */
function clustersIn(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [];
  const found = known.get(value);
  if (found) return found;
  const clusters = new Set<string>();
  collect(value, clusters);
  const made = [...clusters];
  known.set(value, made);
  return made;
}

function collect(value: unknown, into: Set<string>): void {
  if (typeof value === "string") {
    for (const cluster of outboundClustersIn(value)) into.add(cluster);
  } else if (typeof value === "object" && value !== null) {
    for (const each of Object.values(value)) collect(each, into);
  }
}
