/** Names as all streams have them: one that a hundred clients ask for is in memory once. */

/** By then many are of what has gone long ago; what is asked for from then on is gathered anew. */
const MOST = 100_000;

/** Answers with the first text that was equal. */
export function createNames(): (name: string) => string {
  const known = new Map<string, string>();
  return (name) => {
    const first = known.get(name);
    if (first !== undefined) return first;
    if (known.size === MOST) known.clear();
    known.set(name, name);
    return name;
  };
}
