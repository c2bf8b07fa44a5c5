/** Gives back the memory of values that nobody watches any more. */

/** Something that a map holds by key and that can take itself out of it. */
export interface Claimable {
  forget(): void;
}

/**
 * A value is forgotten not when its last reader goes but at the next sweep: while a view is rebuilt, a value is often
 * dropped by one reader and taken up by the next, and must keep its identity over that.
 */
export class Claims {
  readonly #unclaimed = new Set<Claimable>();

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

  sweep(): void {
    for (const value of this.#unclaimed) value.forget();
    this.#unclaimed.clear();
  }
}
