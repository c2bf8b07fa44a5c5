/** Which RateLimits hold for a workload or gateway. */
import { byAge, labelsMatch, type MeshObject, type RateLimit } from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import { Tracked } from "./tracked.ts";

type Limits = MeshObject<RateLimit>;

export class RateLimits implements ModelIndex {
  readonly kinds = ["heddle.dev/RateLimit"];
  readonly #byNamespace = new Multimap<Limits>(byAge);
  readonly #rootNamespace: string;
  readonly #inNamespace: Tracked<readonly Limits[]>;

  constructor(claims: Claims, rootNamespace: string) {
    this.#rootNamespace = rootNamespace;
    this.#inNamespace = new Tracked(claims, (namespace) => this.#byNamespace.get(namespace));
  }

  /** Those of the root namespace first, then the workload's own; oldest first. All of them hold. */
  selecting(
    namespace: string,
    labels: Readonly<Record<string, string>>,
  ): readonly MeshObject<RateLimit>[] {
    const namespaces = new Set([this.#rootNamespace, namespace]);
    return [...namespaces].flatMap((each) =>
      this.#inNamespace
        .read(each)
        .filter(({ spec }) => labelsMatch(spec.selector?.matchLabels, labels)),
    );
  }

  change(before: Limits | undefined, after: Limits | undefined): void {
    for (const [limits, verb] of [
      [before, "remove"],
      [after, "add"],
    ] as const) {
      if (limits === undefined) continue;
      this.#byNamespace[verb](limits.metadata.namespace, limits);
      this.#inNamespace.touch(limits.metadata.namespace);
    }
  }

  flush(): void {
    this.#inNamespace.flush();
  }
}
