/** The settings of the mesh, each of them a tracked read of its own: only what reads a setting follows it. */
import { batch, type Signal, signal } from "@preact/signals-core";
import type { MeshSettings } from "../mesh-settings.ts";

export class Settings {
  /** What was given at the start; settings that nobody has chosen since. */
  #base: MeshSettings;
  #chosen: Partial<MeshSettings> | undefined;
  readonly #signals = new Map<string, Signal<unknown>>();
  #now: MeshSettings;
  /** Reading a member is tracked. */
  readonly tracked: MeshSettings;

  constructor(base: MeshSettings) {
    this.#base = base;
    this.#now = base;
    this.tracked = new Proxy(base, {
      get: (_, name) => (typeof name === "string" ? this.#signal(name).value : undefined),
      has: (_, name) => this.#signal(String(name)).value !== undefined,
    });
  }

  /** Untracked. */
  get now(): MeshSettings {
    return this.#now;
  }

  /** Chosen settings in the place of those given at the start; undefined: none are. Answers with what they were. */
  choose(chosen: Partial<MeshSettings> | undefined): MeshSettings {
    const before = this.#now;
    this.#chosen = chosen;
    this.#renew();
    return before;
  }

  /** What is known of the mesh beside what was given at the start, and chosen by nobody. */
  give(known: Partial<MeshSettings>): void {
    this.#base = { ...this.#base, ...known };
    this.#renew();
  }

  #renew(): void {
    this.#now = { ...this.#base, ...this.#chosen };
    batch(() => {
      for (const [name, each] of this.#signals) each.value = Reflect.get(this.#now, name);
    });
  }

  #signal(name: string): Signal<unknown> {
    const known = this.#signals.get(name);
    if (known) return known;
    const made = signal<unknown>(Reflect.get(this.#now, name));
    this.#signals.set(name, made);
    return made;
  }
}
