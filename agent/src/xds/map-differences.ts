/** What changed between two maps of resources, worked out once for all streams that move from the one to the other. */

export interface MapDifferences {
  /** Names whose values differ. The same map twice means that it was changed in place: then any name may differ. */
  between(
    before: ReadonlyMap<string, unknown> | undefined,
    after: ReadonlyMap<string, unknown>,
  ): Iterable<string>;
}

export function createMapDifferences(): MapDifferences {
  const known = new WeakMap<
    object,
    { readonly after: WeakRef<object>; readonly names: readonly string[] }
  >();
  return {
    between(before, after) {
      if (before === undefined || before === after) return after.keys();
      const found = known.get(before);
      if (found?.after.deref() === after) return found.names;
      const names = differing(before, after);
      known.set(before, { after: new WeakRef(after), names });
      return names;
    },
  };
}

function differing(
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): readonly string[] {
  const names: string[] = [];
  for (const [name, value] of after) if (before.get(name) !== value) names.push(name);
  for (const name of before.keys()) if (!after.has(name)) names.push(name);
  return names;
}
