/** Numbers that look random and are the same for the same seed, so that whatever is found can be found again. */

export interface Random {
  /** A whole number from 0 to `below` - 1. */
  int(below: number): number;
  /** True in one of `outOf` cases. */
  once(outOf: number): boolean;
  pick<T>(items: readonly T[]): T;
}

/** The generator called mulberry32. */
export function random(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  const int = (below: number) => Math.floor(next() * below);
  return { int, once: (outOf) => int(outOf) === 0, pick: (items) => items[int(items.length)]! };
}
