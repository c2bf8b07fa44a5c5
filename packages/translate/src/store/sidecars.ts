/** Which Sidecar a workload's proxy follows. */
import { byAge, labelsMatch, type MeshObject, selects, type Sidecar } from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import { Tracked } from "./tracked.ts";

type SidecarObject = MeshObject<Sidecar>;

export class Sidecars implements ModelIndex {
  readonly kinds = ["networking.istio.io/Sidecar"];
  readonly #byNamespace = new Multimap<SidecarObject>(byAge);
  readonly #rootNamespace: string;
  readonly #inNamespace: Tracked<readonly SidecarObject[]>;

  constructor(claims: Claims, rootNamespace: string) {
    this.#rootNamespace = rootNamespace;
    this.#inNamespace = new Tracked(claims, (namespace) => this.#byNamespace.get(namespace));
  }

  /**
   * The one of the workload's namespace that selects it, else the namespace's without a selector, else the root namespace's
   * without one; the oldest of several. A selector in the root namespace picks workloads of that namespace alone.
   */
  choose(
    namespace: string,
    labels: Readonly<Record<string, string>>,
  ): MeshObject<Sidecar> | undefined {
    const own = this.#inNamespace.read(namespace);
    const selected = own.find(({ spec }) => {
      const selector = spec.workloadSelector?.labels;
      return selects(selector) && labelsMatch(selector, labels);
    });
    return (
      selected ?? own.find(isDefault) ?? this.#inNamespace.read(this.#rootNamespace).find(isDefault)
    );
  }

  change(before: SidecarObject | undefined, after: SidecarObject | undefined): void {
    for (const [sidecar, verb] of [
      [before, "remove"],
      [after, "add"],
    ] as const) {
      if (sidecar === undefined) continue;
      this.#byNamespace[verb](sidecar.metadata.namespace, sidecar);
      this.#inNamespace.touch(sidecar.metadata.namespace);
    }
  }

  flush(): void {
    this.#inNamespace.flush();
  }
}

function isDefault({ spec }: SidecarObject): boolean {
  return !selects(spec.workloadSelector?.labels);
}
