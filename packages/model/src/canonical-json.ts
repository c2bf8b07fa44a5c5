/** One text for one value, whatever the order in which its fields were written. */

/**
 * JSON with the fields of every object sorted by code unit, without spaces; fields that are undefined are left out. Equal
 * values give equal bytes: what hashes and signatures are made over.
 * @throws TypeError for what JSON cannot hold: NaN, infinities, functions, big integers.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") {
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no form in JSON`);
    // JSON has one zero.
    return JSON.stringify(value === 0 ? 0 : value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object") {
    const fields = value as Record<string, unknown>;
    const names = Object.keys(fields).filter((name) => fields[name] !== undefined);
    names.sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalJson(fields[name])}`).join(",")}}`;
  }
  throw new TypeError(`a value of type ${typeof value} has no form in JSON`);
}
