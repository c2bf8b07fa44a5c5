/** One byte form for every JSON value, so that equal values have equal hashes. */

/**
 * Canonical JSON in the manner of RFC 8785: members sorted by UTF-16 code units, no white space, members that are
 * `undefined` left out. Throws `TypeError` on what JSON cannot hold (functions, symbols, NaN, infinities, big integers).
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string")
    return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`A number that JSON cannot hold: ${value}.`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value))
    return `[${value.map((item) => (item === undefined ? "null" : canonicalJson(item))).join(",")}]`;
  if (typeof value === "object") return canonicalObject(value as Record<string, unknown>);
  throw new TypeError(`A value that JSON cannot hold: ${typeof value}.`);
}

function canonicalObject(value: Record<string, unknown>): string {
  const members: string[] = [];
  for (const name of Object.keys(value).toSorted()) {
    const member = value[name];
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${canonicalJson(member)}`);
  }
  return `{${members.join(",")}}`;
}
