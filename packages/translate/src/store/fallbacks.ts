/** Fallbacks by the host that they are for. */
import { byAge, type Fallback, type MeshObject, resolveHost } from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import { Tracked } from "./tracked.ts";

type Declared = MeshObject<Fallback>;

export class Fallbacks implements ModelIndex {
  readonly kinds = ["heddle.dev/Fallback"];
  readonly #fallbacks = new Multimap<Declared>(byAge);
  readonly #clusterDomain: string;
  readonly #forHost: Tracked<readonly Declared[]>;

  constructor(claims: Claims, clusterDomain: string) {
    this.#clusterDomain = clusterDomain;
    this.#forHost = new Tracked(claims, "model/fallbacks", (host) => this.#fallbacks.get(host));
  }

  /** Of every namespace, oldest first. */
  forHost(host: string): readonly Declared[] {
    return this.#forHost.read(host);
  }

  change(before: Declared | undefined, after: Declared | undefined): void {
    for (const [object, verb] of [
      [before, "remove"],
      [after, "add"],
    ] as const) {
      if (object === undefined) continue;
      const { namespace } = object.metadata;
      const host = resolveHost(object.spec.host, namespace, this.#clusterDomain);
      this.#fallbacks[verb](host, object);
      this.#forHost.touch(host);
    }
  }

  flush(): void {
    this.#forHost.flush();
  }
}
