/** Objects by their keys, for questions about one object: a namespace's labels, whether a Secret exists, a delegate. */
import type { MeshObject } from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import { Tracked } from "./tracked.ts";

export class Objects {
  readonly #objects = new Map<string, MeshObject<never>>();
  readonly #byKey: Tracked<MeshObject<never> | undefined>;

  constructor(claims: Claims) {
    this.#byKey = new Tracked(claims, "model/object", (key) => this.#objects.get(key));
  }

  /** A tracked read of one object; `key` is `group/Kind/namespace/name`. */
  read(key: string): MeshObject<never> | undefined {
    return this.#byKey.read(key);
  }

  /** The object now, untracked. */
  peek(key: string): MeshObject<never> | undefined {
    return this.#objects.get(key);
  }

  set(key: string, object: MeshObject<never> | undefined): void {
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    this.#byKey.touch(key);
  }

  flush(): void {
    this.#byKey.flush();
  }

  entries(): IterableIterator<[string, MeshObject<never>]> {
    return this.#objects.entries();
  }

  get size(): number {
    return this.#objects.size;
  }
}
