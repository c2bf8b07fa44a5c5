/** How values are laid over others, as Helm does it. */

/** Mappings are merged, anything else is replaced; what is null is as if nobody had said it. */
export function laidOver(under: object, over: object): object {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    if (value === null) delete merged[key];
    else merged[key] = isMapping(value) && isMapping(below) ? laidOver(below, value) : value;
  }
  return merged;
}

function isMapping(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
