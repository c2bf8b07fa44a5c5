/** Modules of plugins as far as somebody has fetched them: a reading of the outside world, each tracked by its key. */
import { batch } from "@preact/signals-core";
import type { Claims } from "../engine/claims.ts";
import type { WasmModuleState } from "../wasm/module.ts";
import { Tracked } from "./tracked.ts";

export class WasmModules {
  readonly #states = new Map<string, WasmModuleState>();
  readonly #state: Tracked<WasmModuleState | undefined>;

  constructor(claims: Claims) {
    this.#state = new Tracked(claims, (key) => this.#states.get(key));
  }

  /** Undefined while nobody knows. */
  read(key: string): WasmModuleState | undefined {
    return this.#state.read(key);
  }

  set(key: string, state: WasmModuleState | undefined): void {
    if (state === undefined) this.#states.delete(key);
    else this.#states.set(key, state);
    this.#state.touch(key);
    batch(() => this.#state.flush());
  }
}
