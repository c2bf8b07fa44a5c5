/** Gives back the memory of values that nobody watches any more. */
import { ChangeRecorder } from "./changes/change-recorder.ts";

/** Something that a map holds by key and that can take itself out of it. */
export interface Claimable {
  forget(): void;
}

/** Answers about the model that are held. */
export interface AnswerSource {
  /** Those that hold an object, by its key; they are signals. */
  holding(key: string): Iterable<object>;
}

/**
 * A value is forgotten not when its last reader goes but at the next sweep: while a view is rebuilt, a value is often
 * dropped by one reader and taken up by the next, and must keep its identity over that.
 */
export class Claims {
  readonly #unclaimed = new Set<Claimable>();
  /** Indexes that are made anew take theirs with them. */
  readonly #sources = new Set<WeakRef<AnswerSource>>();
  /** Told of every value that is computed and of every answer that is read. */
  readonly recorder: ChangeRecorder;

  constructor(recorder = new ChangeRecorder()) {
    this.recorder = recorder;
  }

  /** Nobody watches this value, or nobody does yet. */
  released(value: Claimable): void {
    this.#unclaimed.add(value);
  }

  claimed(value: Claimable): void {
    this.#unclaimed.delete(value);
  }

  /** Number of values that the next sweep would forget. */
  get pending(): number {
    return this.#unclaimed.size;
  }

  answered(source: AnswerSource): void {
    this.#sources.add(new WeakRef(source));
  }

  /** All answers that hold an object. */
  *holding(key: string): Generator<object> {
    for (const reference of this.#sources) {
      const source = reference.deref();
      if (source) yield* source.holding(key);
      else this.#sources.delete(reference);
    }
  }

  sweep(): void {
    for (const value of this.#unclaimed) value.forget();
    this.#unclaimed.clear();
  }
}
