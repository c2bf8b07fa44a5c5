/** Which OverloadPolicy holds for a workload or gateway. */
import { labelsMatch, type MeshObject, type OverloadPolicy, selects } from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import { InNamespace } from "./in-namespace.ts";

export class OverloadPolicies extends InNamespace<OverloadPolicy> {
  readonly #rootNamespace: string;

  constructor(claims: Claims, rootNamespace: string) {
    super(claims, "heddle.dev/OverloadPolicy");
    this.#rootNamespace = rootNamespace;
  }

  /** One that selects it, else its namespace's, else the root namespace's; the oldest of several. */
  choose(
    namespace: string,
    labels: Readonly<Record<string, string>>,
  ): MeshObject<OverloadPolicy> | undefined {
    const own = this.read(namespace);
    const selected = own.find(({ spec }) => {
      const selector = spec.selector?.matchLabels;
      return selects(selector) && labelsMatch(selector, labels);
    });
    return selected ?? own.find(isDefault) ?? this.read(this.#rootNamespace).find(isDefault);
  }
}

function isDefault({ spec }: MeshObject<OverloadPolicy>): boolean {
  return !selects(spec.selector?.matchLabels);
}
