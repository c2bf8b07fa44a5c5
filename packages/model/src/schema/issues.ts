/** What a schema refuses, in words and with codes. */
import type { z } from "zod";
import { nearest } from "../nearest.ts";
import { joinPath, pathText } from "../validate/report.ts";
import type { Finding } from "../validate/report.ts";
import { duration, durationOrZero, knownFields, schemaAt } from "./fields.ts";

/** Findings for the issues of a value that was read as `schema`; `base` is where the value stands. */
export function findingsOf(
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
  value: unknown,
  base: readonly PropertyKey[],
): Finding[] {
  return issues.flatMap((issue) => {
    const path = pathText([...base, ...issue.path]);
    if (issue.code === "unrecognized_keys") {
      const known = knownFields(schema, issue.path);
      return issue.keys.map((key) => unknownField(key, path, known));
    }
    const found = { path, ...describe(issue, valueAt(value, issue.path), path) };
    const at = schemaAt(schema, issue.path);
    const isDuration = found.code === "HDL0011" && (at === duration || at === durationOrZero);
    return [isDuration ? { ...found, code: "HDL0015", remedy: DURATIONS } : found];
  });
}

const DURATIONS = "Write it like 5s, 250ms or 1h30m.";

/** A field that an object does not have, and the one that was probably meant. */
export function unknownField(key: string, parent: string, known: readonly string[]): Finding {
  const near = nearest(key, known);
  return {
    code: "HDL0010",
    path: joinPath(parent, key),
    message: `${parent || "the object"} has no field "${key}"`,
    remedy:
      near === undefined
        ? `It has ${known.length > 12 ? `${known.slice(0, 12).join(", ")} …` : known.join(", ")}.`
        : `Did you mean ${near}?`,
  };
}

function describe(issue: z.core.$ZodIssue, value: unknown, path: string): Omit<Finding, "path"> {
  const name = path.slice(path.lastIndexOf(".") + 1);
  switch (issue.code) {
    case "invalid_type":
      if (value === undefined) {
        return { code: "HDL0012", message: `${name} is required`, remedy: `Add ${name}.` };
      }
      return {
        code: "HDL0011",
        message: `${name} must be ${typeName(issue.expected)}, not ${shown(value)}`,
        ...quoting(issue.expected, value),
      };
    case "invalid_value": {
      if (value === undefined) return { code: "HDL0012", message: `${name} is required` };
      const allowed = issue.values.map(String);
      // Other values have no text of their own: what a mapping calls its `toString` may be anything.
      const near = typeof value === "string" ? nearest(value, allowed) : undefined;
      return {
        code: "HDL0013",
        message: `${name} cannot be ${shown(value)}: it is one of ${allowed.join(", ")}`,
        ...(near === undefined ? {} : { remedy: `Did you mean ${near}?` }),
      };
    }
    case "too_small":
      if (issue.origin === "array" || issue.origin === "string") {
        return { code: "HDL0023", message: `${name} is empty` };
      }
      return {
        code: "HDL0014",
        message: `${name} ${shown(value)} is ${issue.inclusive === false ? "not above" : "below"} ${issue.minimum}`,
      };
    case "too_big":
      return {
        code: "HDL0014",
        message: `${name} has ${issue.origin === "array" || issue.origin === "string" ? "more entries or characters than" : `the value ${shown(value)}, which is above`} ${issue.maximum}`,
      };
    case "invalid_format":
      return { code: "HDL0011", message: `${name} is not in the form of ${issue.format}` };
    case "custom": {
      const { code = "HDL0013", remedy } = (issue.params ?? {}) as {
        code?: string;
        remedy?: string;
      };
      return { code, message: issue.message, ...(remedy === undefined ? {} : { remedy }) };
    }
    default:
      return { code: "HDL0011", message: `${name} has a wrong value, ${shown(value)}` };
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

function typeName(expected: string): string {
  return TYPE_NAMES[expected] ?? expected;
}

/** YAML makes numbers and booleans of words that were meant as text. */
function quoting(expected: string, value: unknown): { remedy?: string } {
  if (expected !== "string" || (typeof value !== "number" && typeof value !== "boolean")) return {};
  return { remedy: `Quote it: "${String(value)}".` };
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a mapping";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, step) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, step)
        ? (inner as Record<PropertyKey, unknown>)[step]
        : undefined,
    value,
  );
}
