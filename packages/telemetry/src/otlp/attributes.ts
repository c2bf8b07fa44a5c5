/** OpenTelemetry attributes in protobuf: key-value lists to flat objects and back. */

import { CodecError } from "../codec-error.ts";
import type { Attributes, AttributeValue } from "../records.ts";
import type { WireReader } from "../wire/reader.ts";
import type { WireWriter } from "../wire/writer.ts";

/** Values nested deeper than this have no sender with a reason; reading them would risk the stack. */
export const maximumDepth = 32;

type NestedValue = AttributeValue | null | NestedValue[] | { [key: string]: NestedValue };

/** Reads one KeyValue at the cursor (its length first) into `into`. */
export function readKeyValue(reader: WireReader, into: Attributes): void {
  const outer = reader.enter();
  let key = "";
  let value: NestedValue = "";
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) key = reader.text();
    else if (tag === 18) value = readAnyValue(reader, 0);
    else reader.skip(tag);
  }
  reader.leave(outer);
  setAttribute(into, key, flatten(value));
}

/** Reads one AnyValue at the cursor as text or number; arrays and lists become their JSON. */
export function readFlatValue(reader: WireReader): AttributeValue {
  return flatten(readAnyValue(reader, 0));
}

/** Reads a Resource at the cursor. */
export function readResource(reader: WireReader): Attributes {
  const outer = reader.enter();
  const attributes: Attributes = {};
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) readKeyValue(reader, attributes);
    else reader.skip(tag);
  }
  reader.leave(outer);
  return attributes;
}

function readAnyValue(reader: WireReader, depth: number): NestedValue {
  if (depth > maximumDepth)
    throw new CodecError(
      "HDL5004",
      `an attribute is nested deeper than ${maximumDepth} levels`,
      `byte ${reader.position}`,
    );
  const outer = reader.enter();
  let value: NestedValue = null;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) value = reader.text();
    else if (tag === 16) value = reader.varint() !== 0;
    else if (tag === 24) value = exactNumber(reader.int64());
    else if (tag === 33) value = reader.double();
    else if (tag === 42) value = readArray(reader, depth);
    else if (tag === 50) value = readList(reader, depth);
    else if (tag === 58) value = base64(reader.bytesValue());
    else reader.skip(tag);
  }
  reader.leave(outer);
  return value;
}

function readArray(reader: WireReader, depth: number): NestedValue[] {
  const outer = reader.enter();
  const values: NestedValue[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === 10) values.push(readAnyValue(reader, depth + 1));
    else reader.skip(tag);
  }
  reader.leave(outer);
  return values;
}

function readList(reader: WireReader, depth: number): { [key: string]: NestedValue } {
  const outer = reader.enter();
  const values: { [key: string]: NestedValue } = Object.create(null) as {
    [key: string]: NestedValue;
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag !== 10) {
      reader.skip(tag);
      continue;
    }
    const inner = reader.enter();
    let key = "";
    let value: NestedValue = null;
    for (let part = reader.tag(); part !== 0; part = reader.tag()) {
      if (part === 10) key = reader.text();
      else if (part === 18) value = readAnyValue(reader, depth + 1);
      else reader.skip(part);
    }
    reader.leave(inner);
    values[key] = value;
  }
  reader.leave(outer);
  return values;
}

/** Sets an attribute whatever its name; `__proto__` must not reach the object's prototype. */
export function setAttribute(into: Attributes, key: string, value: AttributeValue): void {
  if (key === "__proto__")
    Object.defineProperty(into, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  else into[key] = value;
}

/** Integers beyond 2^53 stay exact as text. */
export function exactNumber(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

export function flatten(value: unknown): AttributeValue {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value;
  return value === null || value === undefined ? "" : JSON.stringify(value);
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

export function writeAttributes(writer: WireWriter, field: number, attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    writer.message(field, () => {
      writer.text(1, key);
      writer.message(2, () => writeValue(writer, value));
    });
  }
}

export function writeValue(writer: WireWriter, value: AttributeValue): void {
  if (typeof value === "string") writer.text(1, value, true);
  else if (typeof value === "boolean") writer.int64(2, value ? 1n : 0n, true);
  else if (Number.isSafeInteger(value) && !Object.is(value, -0))
    writer.int64(3, BigInt(value), true);
  else writer.double(4, value, true);
}
