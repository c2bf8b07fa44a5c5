/** The rows that a kind must have: one for each leaf field of its schema, and one for each value of a field that has a fixed set of them. */
import type { z } from "zod";

/** A shape of more leaves than this that stands in several places is spelled out once, and is one row in the others. */
const SPELLED_OUT = 8;

interface Walk {
  /** Shapes that were spelled out, with their number of leaves. */
  readonly spelled: Map<object, number>;
  /** Shapes that the path has come through: one that holds itself ends the walk. */
  readonly through: readonly object[];
}

/**
 * Paths below `spec`: `http[].match[].uri.regex`; `[]` stands for every item of a list of objects, `{}` for every value of a
 * map of objects, `=VALUE` for one value of an enumeration.
 */
export function fieldsOf(schema: z.ZodType): readonly string[] {
  return [...new Set(leaves(schema, "", { spelled: new Map(), through: [] }))];
}

function leaves(schema: unknown, path: string, walk: Walk): string[] {
  const { def } = (schema as { readonly _zod: { readonly def: z.core.$ZodTypeDef } })._zod;
  const inner = innerOf(def as Def);
  if (inner) return leaves(inner, path, walk);
  const known = def as Def;
  switch (known.type) {
    case "enum":
      return Object.values(known.entries ?? {}).map((value) => `${path}=${value}`);
    case "literal":
      return (known.values ?? []).map((value) => `${path}=${String(value)}`);
    case "union":
      return (known.options ?? []).flatMap((option) => leaves(option, path, walk));
    case "array":
      return inList(leaves(known.element, `${path}[]`, walk), path);
    case "record":
      return inList(leaves(known.valueType, `${path}{}`, walk), path);
    case "object":
      return shape(known, path, walk);
    default:
      return [path];
  }
}

/** A list or map of plain values is a leaf itself. */
function inList(found: string[], path: string): string[] {
  return found.map((field) => {
    const rest = field.slice(path.length + 2);
    return rest === "" || rest.startsWith("=") ? path + rest : field;
  });
}

function shape(def: Def, path: string, walk: Walk): string[] {
  const fields = def.shape ?? {};
  const entries = Object.entries(fields);
  if (entries.length === 0 || walk.through.includes(fields)) return [path];
  const inside: Walk = { ...walk, through: [...walk.through, fields] };
  const found = entries.flatMap(([name, schema]) =>
    leaves(schema, path === "" ? name : `${path}.${name}`, inside),
  );
  const spelled = walk.spelled.get(fields);
  if (spelled === undefined) walk.spelled.set(fields, found.length);
  return (spelled ?? 0) > SPELLED_OUT ? [path] : found;
}

interface Def {
  readonly type: z.core.$ZodTypeDef["type"];
  readonly innerType?: unknown;
  readonly in?: unknown;
  readonly getter?: () => unknown;
  readonly entries?: Readonly<Record<string, string>>;
  readonly values?: readonly unknown[];
  readonly options?: readonly unknown[];
  readonly element?: unknown;
  readonly valueType?: unknown;
  readonly shape?: Readonly<Record<string, unknown>>;
}

/** What a schema wraps: the optional field's own schema, a transformation's input. */
function innerOf({ innerType, in: input, getter }: Def): unknown {
  return innerType ?? input ?? getter?.();
}
