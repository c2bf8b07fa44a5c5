/** Who refers to what, and how often. */

export class Counted {
  readonly #counts = new Map<string, Map<string, number>>();

  add(from: string, to: string, step: 1 | -1): void {
    const counts = this.#counts.get(from) ?? new Map<string, number>();
    const count = (counts.get(to) ?? 0) + step;
    if (count > 0) counts.set(to, count);
    else counts.delete(to);
    if (counts.size > 0) this.#counts.set(from, counts);
    else this.#counts.delete(from);
  }

  get(from: string): IterableIterator<string> | readonly never[] {
    return this.#counts.get(from)?.keys() ?? NOTHING;
  }

  has(from: string, to: string): boolean {
    return this.#counts.get(from)?.has(to) ?? false;
  }
}

const NOTHING: readonly never[] = [];
