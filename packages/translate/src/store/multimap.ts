/** Things filed under keys, several under one, in an order of their own. */

export class Multimap<T> {
  readonly #lists = new Map<string, T[]>();
  readonly #compare: (a: T, b: T) => number;

  /** `compare` orders the things of one key; no two of them compare as 0. */
  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  add(key: string, thing: T): void {
    const list = this.#lists.get(key);
    if (list === undefined) this.#lists.set(key, [thing]);
    else list.splice(placeOf(list, thing, this.#compare), 0, thing);
  }

  remove(key: string, thing: T): void {
    const list = this.#lists.get(key);
    const at = list?.indexOf(thing) ?? -1;
    if (list === undefined || at < 0) return;
    if (list.length === 1) this.#lists.delete(key);
    else list.splice(at, 1);
  }

  /** A copy of the list, in order. */
  get(key: string): readonly T[] {
    return this.#lists.get(key)?.slice() ?? NOTHING;
  }
}

const NOTHING: readonly never[] = [];

function placeOf<T>(list: readonly T[], thing: T, compare: (a: T, b: T) => number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(list[middle] as T, thing) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
