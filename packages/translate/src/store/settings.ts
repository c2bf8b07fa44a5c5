/** The settings of the mesh, each of them a tracked read of its own: only what reads a setting follows it. */
import { batch, type Signal, signal } from "@preact/signals-core";
import type { ChangeRecorder } from "../engine/changes/change-recorder.ts";
import type { MeshSettings } from "../mesh-settings.ts";

export class Settings {
  /** What was given at the start; settings that nobody has chosen since. */
  #base: MeshSettings;
  #chosen: Partial<MeshSettings> | undefined;
  readonly #signals = new Map<string, Signal<unknown>>();
  readonly #recorder: ChangeRecorder;
  #now: MeshSettings;
  /** Reading a member is tracked. */
  readonly tracked: MeshSettings;

  constructor(base: MeshSettings, recorder: ChangeRecorder) {
    this.#base = base;
    this.#now = base;
    this.#recorder = recorder;
    this.tracked = new Proxy(base, {
      get: (_, name) => (typeof name === "string" ? this.#read(name) : undefined),
      has: (_, name) => this.#read(String(name)) !== undefined,
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
      for (const [name, each] of this.#signals) {
        const next: unknown = Reflect.get(this.#now, name);
        if (each.peek() === next) continue;
        each.value = next;
        this.#recorder.answered(each, "model/mesh", name, "changed");
      }
    });
  }

  #read(name: string): unknown {
    const setting = this.#signal(name);
    const { value } = setting;
    this.#recorder.read(setting, name);
    return value;
  }

  #signal(name: string): Signal<unknown> {
    const known = this.#signals.get(name);
    if (known) return known;
    const made = signal<unknown>(Reflect.get(this.#now, name));
    this.#signals.set(name, made);
    return made;
  }
}
