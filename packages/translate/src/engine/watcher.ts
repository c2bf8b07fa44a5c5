/** An effect that says when it is out of date and runs when it is told to, so that work can wait for its turn. */
import { Effect } from "@preact/signals-core";

/**
 * `@preact/signals-core` runs effects at the end of the batch that changed what they read. A change that reaches
 * everything would then hold up I/O for as long as everything takes. A watcher overrides the one method by which it hears
 * that a source may have changed. The published build shortens the names of such methods, the same in every build
 * because the library's own packages call each other by them; `internal` refuses a version that has other names.
 */
export class Watcher extends Effect {
  readonly #onDirty: () => void;
  #dirty = true;

  /** `read` is tracked whenever `run` is called; nothing runs before that. `onDirty` is called once until the next run. */
  constructor(read: () => void, onDirty: () => void) {
    super(read);
    this.#onDirty = onDirty;
  }

  /** True from the start, and from when a source may have changed until the next run. */
  get dirty(): boolean {
    return this.#dirty;
  }

  run(): void {
    this.#dirty = false;
    internal(this, "callback").call(this);
  }

  notified(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#onDirty();
  }
}

const NAMES = { callback: ["c", "_callback"], notify: ["N", "_notify"] } as const;

for (const name of NAMES.notify) {
  Object.defineProperty(Watcher.prototype, name, { value: Watcher.prototype.notified });
}
internal(Effect.prototype, "notify");

function internal(effect: object, method: keyof typeof NAMES): () => void {
  for (const name of NAMES[method]) {
    const found: unknown = Reflect.get(effect, name);
    if (typeof found === "function") return found as () => void;
  }
  throw new Error(
    `@preact/signals-core has no ${method} on its Effect: pin the version that package.json names`,
  );
}
