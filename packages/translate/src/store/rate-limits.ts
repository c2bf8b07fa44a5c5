/** Which RateLimits hold for a workload or gateway. */
import { labelsMatch, type MeshObject, type RateLimit } from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import { InNamespace } from "./in-namespace.ts";

export class RateLimits extends InNamespace<RateLimit> {
  readonly #rootNamespace: string;

  constructor(claims: Claims, rootNamespace: string) {
    super(claims, "heddle.dev/RateLimit");
    this.#rootNamespace = rootNamespace;
  }

  /** Those of the root namespace first, then the workload's own; oldest first. All of them hold. */
  selecting(
    namespace: string,
    labels: Readonly<Record<string, string>>,
  ): readonly MeshObject<RateLimit>[] {
    const namespaces = new Set([this.#rootNamespace, namespace]);
    return [...namespaces].flatMap((each) =>
      this.read(each).filter(({ spec }) => labelsMatch(spec.selector?.matchLabels, labels)),
    );
  }
}
