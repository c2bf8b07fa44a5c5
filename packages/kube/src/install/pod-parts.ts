/** Parts of pods of ours. */

/** A field that is left out where it says nothing. */
export function filled(name: string, value: string | object): Record<string, unknown> {
  const empty = typeof value === "string" ? value === "" : Object.keys(value).length === 0;
  return empty ? {} : { [name]: value };
}
