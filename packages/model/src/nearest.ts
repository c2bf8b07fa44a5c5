/** The known word that a mistyped one most likely meant. */

/**
 * The nearest of `known` by edit distance (insert, delete, replace, swap of neighbours), where it is near enough to be a
 * slip of the keyboard: a third of the word's length, at least 1. Case and the marks `_` and `-` count for nothing.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  // Beyond any field's name; keeps the work bounded for hostile input.
  if (word.length > 64) return undefined;
  const plain = fold(word);
  const limit = Math.max(1, Math.floor(plain.length / 3));
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const distance = editDistance(plain, fold(name));
    if (distance > limit) continue;
    if (!best || distance < best.distance || (distance === best.distance && name < best.name)) {
      best = { name, distance };
    }
  }
  return best?.name;
}

function fold(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, "");
}

/** Optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
