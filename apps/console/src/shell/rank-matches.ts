/** Finds entries by typed text: a beginning beats a word's beginning, which beats letters in order. */

/** The entries that match, best first; those that match equally well stay in order. */
export function rankMatches<T>(
  typed: string,
  entries: readonly T[],
  read: (entry: T) => string,
): T[] {
  const wanted = typed.trim().toLowerCase();
  if (wanted === "") return [...entries];
  return entries
    .map((entry) => ({ entry, rank: rank(wanted, read(entry).toLowerCase()) }))
    .filter(({ rank }) => rank < Number.POSITIVE_INFINITY)
    .sort((one, other) => one.rank - other.rank)
    .map(({ entry }) => entry);
}

/** The entries of one group together, the groups in the order of their best entries. */
export function inGroups<T>(entries: readonly T[], read: (entry: T) => string): T[] {
  const groups = new Map<string, T[]>();
  for (const entry of entries) {
    const group = read(entry);
    groups.set(group, [...(groups.get(group) ?? []), entry]);
  }
  return [...groups.values()].flat();
}

function rank(wanted: string, text: string): number {
  if (text === wanted) return 0;
  if (text.startsWith(wanted)) return 1;
  if (text.split(/[\s\-_.:]/).some((word) => word.startsWith(wanted))) return 2;
  if (text.includes(wanted)) return 3;
  let at = -1;
  for (const letter of wanted) {
    at = text.indexOf(letter, at + 1);
    if (at < 0) return Number.POSITIVE_INFINITY;
  }
  return 4;
}
