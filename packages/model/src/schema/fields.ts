/** The pieces that schemas are built of. Each refuses with a code that has a page in docs/codes. */
import { z } from "zod";
import { durationOf } from "../duration.ts";

/** A field that may be left out. Null counts as left out, and is taken away before a schema sees it. */
export const optional = z.exactOptional;

/** An object of exactly these fields. */
export const fields = z.strictObject;

export const text = z.string();
export const texts = z.array(z.string());
export const textMap = z.record(z.string(), z.string());
export const bool = z.boolean();
export const uint32 = z.uint32();
export const int32 = z.int32();
export const natural = z.int32().min(0);
/** Protobuf's uint64 as far as JSON numbers go. */
export const uint64 = z.int().min(0);

/** At least one millisecond, in whole milliseconds: what Istio takes for every time-out. */
export const duration = z.string().refine(
  (value) => {
    const milliseconds = durationOf(value);
    return milliseconds !== undefined && milliseconds >= 1 && Number.isInteger(milliseconds);
  },
  {
    error: (issue) =>
      `${JSON.stringify(issue.input)} is not a duration of at least 1ms in whole milliseconds`,
    params: { code: "HDL0015", remedy: "Write it like 5s, 250ms or 1h30m." },
  },
);

/** Also zero, which in some places turns a limit off. */
export const durationOrZero = z.string().refine((value) => (durationOf(value) ?? -1) >= 0, {
  error: (issue) => `${JSON.stringify(issue.input)} is not a duration`,
  params: { code: "HDL0015", remedy: "Write it like 5s, 250ms or 1h30m." },
});

/** Text in a form that a pattern has; `what` names the form in the message. */
export function matching(pattern: RegExp, what: string, remedy: string, max?: number): z.ZodString {
  const limited = max === undefined ? z.string() : z.string().max(max);
  return limited.refine((value) => value === "" || pattern.test(value), {
    error: (issue) => `${shortText(issue.input)} is not ${what}`,
    params: { code: "HDL0036", remedy },
  });
}

function shortText(value: unknown): string {
  const shown = JSON.stringify(value) ?? String(value);
  return shown.length > 80 ? `${shown.slice(0, 80)}…` : shown;
}

/** A share of requests, 0 to 100, in steps no finer than 0.0001. */
export const percent = fields({
  value: optional(
    z.number().refine((value) => value === 0 || (value >= 0.0001 && value <= 100), {
      error: (issue) => `${String(issue.input)} is neither 0 nor between 0.0001 and 100`,
      params: { code: "HDL0027", remedy: "Give a percentage between 0 and 100." },
    }),
  ),
});

/** A share of requests that are mirrored, 0 to 100. */
export const mirrorPercent = fields({
  value: optional(
    z.number().refine((value) => value >= 0 && value <= 100, {
      error: (issue) => `${String(issue.input)} is not between 0 and 100`,
      params: { code: "HDL0027", remedy: "Give a percentage between 0 and 100." },
    }),
  ),
});

/** Checks that at most one of some fields is there, and that one is where it must be, whatever stands beside. */
export function oneOf(
  keys: readonly string[],
  { required, beside = [] }: { required: boolean; beside?: readonly string[] },
): z.core.CheckFn<object> {
  return (context) => {
    const present = keys.filter((key) => Object.hasOwn(context.value, key));
    if (present.length > 1) {
      context.issues.push({
        code: "custom",
        input: context.value,
        message: `${present.join(" and ")} exclude each other`,
        params: { code: "HDL0022", remedy: `Keep one of ${keys.join(", ")}.` },
      });
    } else if (required && Object.keys(context.value).every((key) => beside.includes(key))) {
      context.issues.push({
        code: "custom",
        input: context.value,
        message: `one of ${keys.join(", ")} is required`,
        params: { code: "HDL0023", remedy: `Add one of ${keys.join(", ")}.` },
      });
    }
  };
}

/** The schema that a path inside of another leads to; undefined where it leads to nothing that is known. */
export function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(schemaInside, unwrap(schema));
}

/** The schema of a field or an item; undefined where it is not known. */
export function schemaInside(schema: unknown, step: PropertyKey): unknown {
  const here = unwrap(schema);
  if (here instanceof z.ZodObject) {
    return Object.hasOwn(here.shape, step) ? unwrap(here.shape[String(step)]) : undefined;
  }
  if (here instanceof z.ZodArray) return unwrap(here.element);
  if (here instanceof z.ZodRecord) return unwrap(here.valueType);
  return undefined;
}

/** Field names that an object schema knows at a path; none where the path leads to no object of fixed fields. */
export function knownFields(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const here = schemaAt(schema, path);
  return here instanceof z.ZodObject ? Object.keys(here.shape) : [];
}

function unwrap(schema: unknown): unknown {
  let inner = schema;
  while (inner instanceof z.ZodExactOptional || inner instanceof z.ZodOptional) {
    inner = inner.def.innerType;
  }
  return inner;
}
