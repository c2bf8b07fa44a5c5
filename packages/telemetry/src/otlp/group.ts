/** Groups records by their shared resource, in order of first appearance, as OTLP nests them. */

import type { Attributes } from "../records.ts";

export function byResource<T extends { resource: Attributes }>(
  records: readonly T[],
): Map<Attributes, T[]> {
  const groups = new Map<Attributes, T[]>();
  for (const record of records) {
    const group = groups.get(record.resource);
    if (group) group.push(record);
    else groups.set(record.resource, [record]);
  }
  return groups;
}
