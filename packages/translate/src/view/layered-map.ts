/** Two maps read as one, so that what proxies share is held once. */

/** Entries of `upper` hide entries of `lower` with the same key. Live, like the maps under it. */
export class LayeredMap<V> implements ReadonlyMap<string, V> {
  readonly #upper: () => ReadonlyMap<string, V>;
  readonly #lower: () => ReadonlyMap<string, V>;

  constructor(upper: () => ReadonlyMap<string, V>, lower: () => ReadonlyMap<string, V>) {
    this.#upper = upper;
    this.#lower = lower;
  }

  get size(): number {
    const lower = this.#lower();
    let size = lower.size;
    for (const key of this.#upper().keys()) if (!lower.has(key)) size++;
    return size;
  }

  get(key: string): V | undefined {
    const upper = this.#upper();
    return upper.has(key) ? upper.get(key) : this.#lower().get(key);
  }

  has(key: string): boolean {
    return this.#upper().has(key) || this.#lower().has(key);
  }

  forEach(visit: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }

  *entries(): MapIterator<[string, V]> {
    const upper = this.#upper();
    yield* upper.entries();
    for (const entry of this.#lower()) if (!upper.has(entry[0])) yield entry;
  }

  *keys(): MapIterator<string> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }
}
