/** The tokens' colours as a canvas needs them: resolved for the theme that is on screen. */

/** Resolves a CSS colour, such as `var(--series-1)`, to what the browser paints. */
export function resolveColour(colour: string): string {
  const probe = document.createElement("span");
  probe.style.color = colour;
  probe.style.display = "none";
  document.body.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}

/** Colours of series in order; what is beyond the fifth is drawn as "others". */
export const seriesColours = [
  "var(--series-1)",
  "var(--series-2)",
  "var(--series-3)",
  "var(--series-4)",
  "var(--series-5)",
] as const;
