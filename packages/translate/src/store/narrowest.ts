/** Objects of which one alone holds for a workload: the narrowest that is for it. */
import { labelsMatch, type MeshObject, selects } from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import { InNamespace } from "./in-namespace.ts";

type Labels = Readonly<Record<string, string>>;

export interface NarrowestOptions<Spec> {
  /** `group/Kind`. */
  readonly kind: string;
  readonly rootNamespace: string;
  /** Labels of the workloads that an object selects; none, or undefined: it is for all. */
  readonly selectorOf: (spec: Spec) => Labels | undefined;
}

export class Narrowest<Spec> extends InNamespace<Spec> {
  readonly #options: NarrowestOptions<Spec>;

  constructor(claims: Claims, options: NarrowestOptions<Spec>) {
    super(claims, options.kind);
    this.#options = options;
  }

  /**
   * The one of the workload's namespace that selects it, else the namespace's without a selector, else the root namespace's
   * without one; the oldest of several. A selector in the root namespace picks workloads of that namespace alone.
   */
  choose(namespace: string, labels: Labels): MeshObject<Spec> | undefined {
    const { rootNamespace, selectorOf } = this.#options;
    const isDefault = ({ spec }: MeshObject<Spec>) => !selects(selectorOf(spec));
    const own = this.read(namespace);
    const selected = own.find(({ spec }) => {
      const selector = selectorOf(spec);
      return selects(selector) && labelsMatch(selector, labels);
    });
    return selected ?? own.find(isDefault) ?? this.read(rootNamespace).find(isDefault);
  }
}
