/** References inside of an OpenAPI document: JSON pointers (RFC 6901) behind a `#`. */
import { type Fields, isFields } from "../fields.ts";
import type { Path } from "./document.ts";
import { below } from "./keywords.ts";

/** Where a reference leads: the value and its place; undefined where there is nothing, or outside of the document. */
export function follow(
  root: unknown,
  reference: string,
): { readonly value: unknown; readonly path: Path } | undefined {
  if (reference !== "#" && !reference.startsWith("#/")) return undefined;
  const path: (string | number)[] = [];
  let value = root;
  for (const step of stepsOf(reference)) {
    if (Array.isArray(value) && /^\d+$/.test(step)) {
      path.push(Number(step));
      value = value[Number(step)] as unknown;
    } else if (isFields(value) && Object.hasOwn(value, step)) {
      path.push(step);
      value = value[step];
    } else return undefined;
  }
  return value === undefined ? undefined : { value, path };
}

function stepsOf(reference: string): readonly string[] {
  return reference
    .slice(1)
    .split("/")
    .slice(1)
    .map((step) => decoded(step).replaceAll("~1", "/").replaceAll("~0", "~"));
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

/** The reference of a place. */
export function pointerOf(path: Path): string {
  const steps = path.map((step) =>
    encodeURIComponent(String(step).replaceAll("~", "~0").replaceAll("/", "~1")),
  );
  return ["#", ...steps].join("/");
}

/** What stands at a place, behind references if there are any. Throws where they lead nowhere or round in a circle. */
export function resolved<T>(root: unknown, value: unknown, path: Path): { value: T; path: Path } {
  const seen = new Set<string>();
  let here = { value, path };
  while (isFields(here.value) && typeof here.value["$ref"] === "string") {
    const reference = here.value["$ref"];
    const next = seen.has(reference) ? undefined : follow(root, reference);
    if (next === undefined) throw new TypeError(`${reference} leads nowhere`);
    seen.add(reference);
    here = next;
  }
  return here as { value: T; path: Path };
}

/** Every reference of a document that leads nowhere, outside, or back to itself. */
export function* wrongReferences(root: Fields): Iterable<{ path: Path; message: string }> {
  const open: { value: unknown; path: Path; names: boolean }[] = [
    { value: root, path: [], names: false },
  ];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, path, names } = next;
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries())
        open.push({ value: item, path: [...path, index], names: false });
      continue;
    }
    if (!isFields(value)) continue;
    const reference = names ? undefined : value["$ref"];
    if (typeof reference === "string") {
      const message = whyWrong(root, reference);
      if (message) yield { path: [...path, "$ref"], message };
    }
    for (const [key, child] of Object.entries(value)) {
      const what = below(key, names);
      if (what !== "data")
        open.push({ value: child, path: [...path, key], names: what === "names" });
    }
  }
}

function whyWrong(root: Fields, reference: string): string | undefined {
  if (!reference.startsWith("#")) return `${reference} leads out of the document`;
  if (follow(root, reference) === undefined) return `${reference} leads nowhere`;
  try {
    resolved(root, { $ref: reference }, []);
    return undefined;
  } catch {
    return `${reference} leads back to itself`;
  }
}
