/** Random choices that a seed repeats. */

export interface Random {
  /** 0 to n - 1. */
  below(n: number): number;
  chance(probability: number): boolean;
  pick<T>(of: readonly T[]): T;
  /** `count` different ones, in their order. */
  some<T>(of: readonly T[], count: number): T[];
}

/** mulberry32. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n: number) => Math.floor(next() * n);
  return {
    below,
    chance: (probability) => next() < probability,
    pick<T>(of: readonly T[]): T {
      if (of.length === 0) throw new Error("nothing to pick from");
      return of[below(of.length)] as T;
    },
    some<T>(of: readonly T[], count: number): T[] {
      const left = of.map((_, index) => index);
      while (left.length > count) left.splice(below(left.length), 1);
      return left.map((index) => of[index] as T);
    },
  };
}
