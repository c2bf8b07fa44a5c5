/** Which Sidecar a workload's proxy follows. */
import { labelsMatch, type MeshObject, selects, type Sidecar } from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import { InNamespace } from "./in-namespace.ts";

export class Sidecars extends InNamespace<Sidecar> {
  readonly #rootNamespace: string;

  constructor(claims: Claims, rootNamespace: string) {
    super(claims, "networking.istio.io/Sidecar");
    this.#rootNamespace = rootNamespace;
  }

  /**
   * The one of the workload's namespace that selects it, else the namespace's without a selector, else the root namespace's
   * without one; the oldest of several. A selector in the root namespace picks workloads of that namespace alone.
   */
  choose(
    namespace: string,
    labels: Readonly<Record<string, string>>,
  ): MeshObject<Sidecar> | undefined {
    const own = this.read(namespace);
    const selected = own.find(({ spec }) => {
      const selector = spec.workloadSelector?.labels;
      return selects(selector) && labelsMatch(selector, labels);
    });
    return selected ?? own.find(isDefault) ?? this.read(this.#rootNamespace).find(isDefault);
  }
}

function isDefault({ spec }: MeshObject<Sidecar>): boolean {
  return !selects(spec.workloadSelector?.labels);
}
