/** Objects of which one alone holds for a workload: the narrowest that is for it. */
import { labelsMatch, type MeshObject, type PolicyTargetReference, selects } from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import type { ProxyDescription } from "../proxy.ts";
import { isTarget } from "./by-target.ts";
import { InNamespace } from "./in-namespace.ts";

type Labels = Readonly<Record<string, string>>;

export interface NarrowestOptions<Spec> {
  /** `group/Kind`. */
  readonly kind: string;
  readonly rootNamespace: string;
  /** Labels of the workloads that an object selects; none, or undefined: it is for all. */
  readonly selectorOf: (spec: Spec) => Labels | undefined;
  /** Gateways that an object names, which is then for nothing else. */
  readonly targetsOf?: (spec: Spec) => readonly PolicyTargetReference[] | undefined;
}

export class Narrowest<Spec> extends InNamespace<Spec> {
  readonly #options: NarrowestOptions<Spec>;

  constructor(claims: Claims, options: NarrowestOptions<Spec>) {
    super(claims, options.kind);
    this.#options = options;
  }

  /**
   * The one of the workload's namespace that names its gateway, else selects it, else the namespace's without a selector, else
   * the root namespace's that names its class of gateways, or nothing; the oldest of several. A selector in the root namespace
   * picks workloads of that namespace alone.
   */
  choose(
    namespace: string,
    labels: Labels,
    type: ProxyDescription["type"] = "sidecar",
  ): MeshObject<Spec> | undefined {
    const { rootNamespace, selectorOf, targetsOf = () => undefined } = this.#options;
    const named = (objects: readonly MeshObject<Spec>[]) =>
      objects.find(({ spec, metadata }) =>
        targetsOf(spec)?.some((reference) =>
          isTarget({ namespace, labels, type }, reference, metadata.namespace, rootNamespace),
        ),
      );
    const ofAll = (objects: readonly MeshObject<Spec>[]) =>
      objects.find(({ spec }) => !selects(selectorOf(spec)) && !targetsOf(spec)?.length);
    const own = this.read(namespace);
    const selected = own.find(({ spec }) => {
      const selector = selectorOf(spec);
      return selects(selector) && labelsMatch(selector, labels);
    });
    const found = named(own) ?? selected ?? ofAll(own);
    if (found !== undefined) return found;
    const root = this.read(rootNamespace);
    return named(root) ?? ofAll(root);
  }
}
