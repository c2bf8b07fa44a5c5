/** Names with wildcards: `*` stands for any characters, none too, and case does not count. */

/** Whether a name is one of those. Takes time in proportion to the name, however many wildcards there are. */
export function globMatcher(globs: readonly string[]): (name: string) => boolean {
  const plain = new Set<string>();
  const parted: (readonly string[])[] = [];
  for (const glob of globs) {
    const parts = glob.toLowerCase().split("*");
    if (parts.length === 1) plain.add(parts[0]!);
    else parted.push(parts);
  }
  return (name) => {
    const lower = name.toLowerCase();
    return plain.has(lower) || parted.some((parts) => holds(parts, lower));
  };
}

/** The leftmost place is as good as any for each part between wildcards. */
function holds(parts: readonly string[], name: string): boolean {
  const first = parts[0]!;
  const last = parts.at(-1)!;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= end;
}
