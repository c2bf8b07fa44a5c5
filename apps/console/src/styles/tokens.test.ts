import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** `[lightness, chroma, hue]` of OKLCH. */
type Colour = [number, number, number];

const css = readFileSync(new URL("tokens.css", import.meta.url), "utf8");
const tokens = new Map<string, { light: Colour; dark: Colour }>();
for (const [, name, light, dark] of css.matchAll(
  /--([\w-]+): light-dark\(oklch\(([^)]+)\), oklch\(([^)]+)\)\)/g,
)) {
  tokens.set(name!, { light: numbers(light!), dark: numbers(dark!) });
}

function numbers(text: string): Colour {
  return text.split(" ").map(Number) as Colour;
}

/** Relative luminance of WCAG 2, from OKLCH by way of linear sRGB. */
function luminance([lightness, chroma, hue]: Colour): number {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clamp = (value: number): number => Math.min(1, Math.max(0, value));
  const red = clamp(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
  const green = clamp(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
  const blue = clamp(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: Colour, other: Colour): number {
  const [high, low] = [luminance(one), luminance(other)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const theme = ["light", "dark"] as const;

test.each(theme)("text and status colours reach 4.5 on every surface in %s", (mode) => {
  for (const name of ["text", "muted", "accent", "ok", "warn", "bad", "idle", "info"]) {
    for (const ground of ["bg", "surface", "raised"]) {
      const ratio = contrast(tokens.get(name)![mode], tokens.get(ground)![mode]);
      expect(ratio, `${name} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
  }
  expect(
    contrast(tokens.get("on-accent")![mode], tokens.get("accent")![mode]),
  ).toBeGreaterThanOrEqual(4.5);
});

test.each(theme)("lines of charts reach 3 on their surface in %s", (mode) => {
  for (const name of [
    "series-1",
    "series-2",
    "series-3",
    "series-4",
    "series-5",
    "series-others",
  ]) {
    expect(
      contrast(tokens.get(name)![mode], tokens.get("surface")![mode]),
      name,
    ).toBeGreaterThanOrEqual(3);
  }
});
