/** What somebody has fetched for the mesh, each by its own key: a reading of the outside world, tracked like the model. */
import { batch } from "@preact/signals-core";
import type { Claims } from "../engine/claims.ts";
import { Tracked } from "./tracked.ts";

export class Fetched<State> {
  readonly #states = new Map<string, State>();
  readonly #state: Tracked<State | undefined>;

  /** `name` is what the question is called in reports. */
  constructor(claims: Claims, name: string) {
    this.#state = new Tracked(claims, name, (key) => this.#states.get(key));
  }

  /** Undefined while nobody knows. */
  read(key: string): State | undefined {
    return this.#state.read(key);
  }

  set(key: string, state: State | undefined): void {
    if (state === undefined) this.#states.delete(key);
    else this.#states.set(key, state);
    this.#state.touch(key);
    batch(() => this.#state.flush());
  }
}
