/** Reads values of unknown JSON by the protobuf JSON mapping, as leniently as senders differ: numbers as text, enums by name or number. */

import { CodecError } from "../codec-error.ts";
import type { Attributes } from "../records.ts";
import { exactNumber, flatten, maximumDepth, setAttribute } from "./attributes.ts";

export type Json = Record<string, unknown>;

export function parseJson(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CodecError("HDL5002", `the body is not JSON: ${(error as Error).message}`, "$");
  }
  return object(value, "$");
}

export function object(value: unknown, where: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new CodecError("HDL5002", "an object is expected here", where);
}

/** A list of objects; absent means empty. */
export function objects(value: unknown, where: string): Json[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new CodecError("HDL5002", "a list is expected here", where);
  return value.map((item, index) => object(item, `${where}[${index}]`));
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A 64-bit integer, as text or number; 0 where absent. */
export function bigint(value: unknown, where: string): bigint {
  if (value === undefined || value === null) return 0n;
  try {
    if (typeof value === "string" || typeof value === "number") return BigInt(value);
  } catch {
    // Falls through to the error below.
  }
  throw new CodecError("HDL5002", `"${String(value)}" is not an integer`, where);
}

export function number(value: unknown, where: string): number {
  if (value === undefined || value === null) return 0;
  const result = typeof value === "string" && value !== "" ? Number(value) : value;
  if (typeof result === "number" && (!Number.isNaN(result) || value === "NaN")) return result;
  throw new CodecError("HDL5002", `"${String(value)}" is not a number`, where);
}

export function numbers(value: unknown, where: string): number[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value))
    throw new CodecError("HDL5002", "a list of numbers is expected here", where);
  return value.map((item, index) => number(item, `${where}[${index}]`));
}

/** Lower-case hexadecimal digits; anything else is refused as an id by its own check. */
export function id(value: unknown): string {
  return typeof value === "string" && /^[0-9a-fA-F]*$/.test(value) ? value.toLowerCase() : "";
}

/** An enum's index: by number, or by the end of its name (`SPAN_KIND_SERVER` ends with `SERVER`). */
export function enumIndex(value: unknown, names: readonly string[]): number {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return 0;
  return Math.max(
    0,
    names.findLastIndex((name) => value.endsWith(name.toUpperCase())),
  );
}

export function attributes(value: unknown, where: string): Attributes {
  const result: Attributes = {};
  for (const item of objects(value, where))
    setAttribute(result, text(item["key"]), flatten(anyValue(item["value"], where, 0)));
  return result;
}

export function anyValue(value: unknown, where: string, depth: number): unknown {
  if (depth > maximumDepth)
    throw new CodecError(
      "HDL5004",
      `an attribute is nested deeper than ${maximumDepth} levels`,
      where,
    );
  if (value === undefined || value === null) return "";
  const any = object(value, where);
  if ("stringValue" in any) return text(any["stringValue"]);
  if ("boolValue" in any) return any["boolValue"] === true || any["boolValue"] === "true";
  if ("intValue" in any) return exactNumber(bigint(any["intValue"], where));
  if ("doubleValue" in any) return number(any["doubleValue"], where);
  if ("bytesValue" in any) return text(any["bytesValue"]);
  if ("arrayValue" in any)
    return objects(object(any["arrayValue"], where)["values"], where).map((item) =>
      anyValue(item, where, depth + 1),
    );
  if ("kvlistValue" in any) {
    const entries = objects(object(any["kvlistValue"], where)["values"], where);
    return Object.fromEntries(
      entries.map((item) => [text(item["key"]), anyValue(item["value"], where, depth + 1)]),
    );
  }
  return "";
}

/** Attributes as OTLP JSON writes them. */
export function writeJsonAttributes(values: Attributes): Json[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: writeJsonValue(value) }));
}

export function writeJsonValue(value: Attributes[string]): Json {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return { intValue: String(value) };
  return { doubleValue: Number.isFinite(value) ? value : String(value) };
}
