/** Objects of one kind by their namespace, oldest first or in an order of the kind's own: for kinds that speak of the workloads of a namespace, or of the mesh. */
import { byAge, type MeshObject } from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import { Tracked } from "./tracked.ts";

export class InNamespace<Spec> implements ModelIndex {
  readonly kinds: readonly string[];
  readonly #objects: Multimap<MeshObject<Spec>>;
  readonly #inNamespace: Tracked<readonly MeshObject<Spec>[]>;

  /** `kind` is `group/Kind`. */
  constructor(
    claims: Claims,
    kind: string,
    order: (a: MeshObject<Spec>, b: MeshObject<Spec>) => number = byAge,
  ) {
    this.kinds = [kind];
    this.#objects = new Multimap(order);
    this.#inNamespace = new Tracked(claims, `model/${kind}`, (namespace) =>
      this.#objects.get(namespace),
    );
  }

  read(namespace: string): readonly MeshObject<Spec>[] {
    return this.#inNamespace.read(namespace);
  }

  change(before: MeshObject<Spec> | undefined, after: MeshObject<Spec> | undefined): void {
    for (const [object, verb] of [
      [before, "remove"],
      [after, "add"],
    ] as const) {
      if (object === undefined) continue;
      this.#objects[verb](object.metadata.namespace, object);
      this.#inNamespace.touch(object.metadata.namespace);
    }
  }

  flush(): void {
    this.#inNamespace.flush();
  }
}
