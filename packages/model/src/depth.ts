/** How deep values stand within each other. */

/** Whether lists and mappings are nested more than so many levels, also where a value holds itself. */
export function isDeeperThan(levels: number, value: unknown): boolean {
  const open = [{ inner: value, depth: 1 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { inner, depth } = next;
    if (typeof inner !== "object" || inner === null) continue;
    if (depth > levels) return true;
    for (const item of Object.values(inner) as unknown[])
      open.push({ inner: item, depth: depth + 1 });
  }
  return false;
}
