/** How a check says what it found, before it is known where in a file that stands. */
import type { Level } from "../diagnostic.ts";

/** Something wrong at a JSON path; its level is its code's unless it says otherwise. */
export interface Finding {
  readonly code: string;
  readonly path: string;
  readonly message: string;
  readonly remedy?: string;
  readonly level?: Level;
}

export type Report = (finding: Finding) => void;

/** Whatever is found is reported under this path's place: `at("http[0]")`. */
export function joinPath(base: string, step: string | number): string {
  if (typeof step === "number") return `${base}[${step}]`;
  const plain = /^[A-Za-z_][A-Za-z0-9_-]*$/.test(step);
  if (!plain) return `${base}[${JSON.stringify(step)}]`;
  return base === "" ? step : `${base}.${step}`;
}

/** `["spec", "http", 0, "route"]` as `spec.http[0].route`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (base, step) => joinPath(base, typeof step === "number" ? step : String(step)),
    "",
  );
}

/** `spec.http[0].headers["x-a"]` as its steps. */
export function pathSteps(path: string): (string | number)[] {
  const steps: (string | number)[] = [];
  for (const [, name, index, quoted] of path.matchAll(
    /([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g,
  )) {
    if (name !== undefined) steps.push(name);
    else if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined) steps.push(JSON.parse(quoted) as string);
  }
  return steps;
}
