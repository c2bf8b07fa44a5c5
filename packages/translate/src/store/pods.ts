/** Pods by name, by address, and by the labels that somebody picks them by. */
import { byAge, labelsMatch, type MeshObject, type Pod } from "@heddle/model";
import { Multimap } from "./multimap.ts";

type PodObject = MeshObject<Pod>;
type Labels = Readonly<Record<string, string>>;

/** Plain data. Pods are named `namespace/name`. */
export class Pods {
  readonly #pods = new Map<string, PodObject>();
  /** An address that was one pod's may be another's before the first is known to be gone: the youngest has it. */
  readonly #byAddress = new Multimap<PodObject>(byAge);
  /** Only pairs that a selector begins with: most pods are picked by nobody but Kubernetes itself. */
  readonly #byPair = new Map<string, Set<PodObject>>();
  readonly #wanted = new Map<string, number>();

  get(name: string): PodObject | undefined {
    return this.#pods.get(name);
  }

  at(address: string): PodObject | undefined {
    return this.#byAddress.get(address).at(-1);
  }

  /** Somebody begins (1) or stops (-1) to pick pods of a namespace by these labels. */
  want(namespace: string, selector: Labels, step: 1 | -1): void {
    const pair = pairOf(namespace, selector);
    const count = (this.#wanted.get(pair) ?? 0) + step;
    if (count > 0) this.#wanted.set(pair, count);
    else {
      this.#wanted.delete(pair);
      this.#byPair.delete(pair);
    }
  }

  /** Pods of a namespace that carry these labels, which somebody wants; by name. */
  selected(namespace: string, selector: Labels): readonly PodObject[] {
    const pair = pairOf(namespace, selector);
    let pods = this.#byPair.get(pair);
    if (pods === undefined) {
      pods = new Set([...this.#pods.values()].filter((pod) => pairsOf(pod).includes(pair)));
      if (this.#wanted.has(pair)) this.#byPair.set(pair, pods);
    }
    return [...pods]
      .filter(({ metadata }) => labelsMatch(selector, metadata.labels))
      .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  change(before: PodObject | undefined, after: PodObject | undefined): void {
    const { namespace, name } = (after ?? (before as PodObject)).metadata;
    if (after === undefined) this.#pods.delete(`${namespace}/${name}`);
    else this.#pods.set(`${namespace}/${name}`, after);
    for (const [pod, verb] of [
      [before, "remove"],
      [after, "add"],
    ] as const) {
      if (pod === undefined) continue;
      for (const address of addressesOf(pod)) this.#byAddress[verb](address, pod);
      if (this.#byPair.size === 0) continue;
      for (const pair of pairsOf(pod)) {
        const pods = this.#byPair.get(pair);
        if (verb === "add") pods?.add(pod);
        else pods?.delete(pod);
      }
    }
  }
}

/**
 * A pod on its node's network shares the node's address with others, and the address of a pod that has ended may be
 * another's by now: neither stands for an address.
 */
export function addressesOf(pod: PodObject | undefined): string[] {
  if (pod === undefined || pod.spec.hostNetwork === true || hasEnded(pod)) return [];
  const { podIP, podIPs = [] } = pod.spec.status ?? {};
  return [...new Set([...(podIP === undefined ? [] : [podIP]), ...podIPs.map(({ ip }) => ip)])];
}

export function hasEnded({ spec }: PodObject): boolean {
  return spec.status?.phase === "Succeeded" || spec.status?.phase === "Failed";
}

function pairOf(namespace: string, selector: Labels): string {
  const [first] = Object.entries(selector).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return first === undefined ? namespace : `${namespace}|${first[0]}=${first[1]}`;
}

function pairsOf({ metadata: { namespace, labels } }: PodObject): string[] {
  return [
    namespace,
    ...Object.entries(labels).map(([key, value]) => `${namespace}|${key}=${value}`),
  ];
}
