/** Scalar values: from their JSON form to what is written on the wire, and back. */
import type { Reader } from "./reader.ts";
import type { Scalar } from "./schema.ts";
import { ValueError } from "./value-error.ts";
import type { ReverseWriter } from "./writer.ts";

export type WireType = 0 | 1 | 2 | 5;

/** How one scalar type is written and read; `parse` checks a JSON value and gives the form that the others take. */
export interface ScalarCodec {
  readonly wireType: WireType;
  /** Throws HDL3002 for a value of another kind or out of range. */
  readonly parse: (value: unknown) => Primitive;
  /** Writes the value without its tag. */
  readonly write: (writer: ReverseWriter, value: never) => void;
  /** Reads a value into its JSON form. */
  readonly read: (reader: Reader) => string | number | boolean;
}

export type Primitive = string | number | bigint | boolean | Uint8Array;

/** Whether a parsed value is its type's default, which a field without presence leaves out. */
export function isDefault(value: Primitive): boolean {
  return typeof value === "object" ? value.length === 0 : !value && !Object.is(value, -0);
}

const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };
const UINT32 = { min: 0, max: 2 ** 32 - 1 };
const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const UINT64 = { min: 0n, max: 2n ** 64n - 1n };

const zigzag64 = (value: bigint): bigint => (value << 1n) ^ (value >> 63n);
const unzigzag64 = (value: bigint): bigint => (value >> 1n) ^ -(value & 1n);

export const scalarCodecs: Readonly<Record<Scalar, ScalarCodec>> = {
  string: {
    wireType: 2,
    parse: (value) => (typeof value === "string" ? value : wrongKind("a string", value)),
    write(writer: ReverseWriter, value: string) {
      const mark = writer.length;
      writer.string(value);
      writer.varint(writer.length - mark);
    },
    read: (reader) => reader.string(),
  },
  bytes: {
    wireType: 2,
    parse: parseBytes,
    write(writer: ReverseWriter, value: Uint8Array) {
      writer.bytes(value);
      writer.varint(value.length);
    },
    read: (reader) => Buffer.from(reader.bytes()).toString("base64"),
  },
  bool: {
    wireType: 0,
    parse: (value) => (typeof value === "boolean" ? value : wrongKind("true or false", value)),
    write: (writer: ReverseWriter, value: boolean) => writer.varint(value ? 1 : 0),
    read: (reader) => reader.varint64() !== 0n,
  },
  int32: {
    wireType: 0,
    parse: (value) => parseInteger(value, INT32),
    write: writeInt32,
    read: (reader) => Number(BigInt.asIntN(32, reader.varint64())),
  },
  uint32: {
    wireType: 0,
    parse: (value) => parseInteger(value, UINT32),
    write: (writer: ReverseWriter, value: number) => writer.varint(value),
    read: (reader) => reader.varint(),
  },
  sint32: {
    wireType: 0,
    parse: (value) => parseInteger(value, INT32),
    write: (writer: ReverseWriter, value: number) =>
      writer.varint(((value << 1) ^ (value >> 31)) >>> 0),
    read: (reader) => Number(unzigzag64(reader.varint64())),
  },
  fixed32: {
    wireType: 5,
    parse: (value) => parseInteger(value, UINT32),
    write: (writer: ReverseWriter, value: number) => writer.fixed32(value),
    read: (reader) => reader.fixed32(),
  },
  sfixed32: {
    wireType: 5,
    parse: (value) => parseInteger(value, INT32),
    write: (writer: ReverseWriter, value: number) => writer.fixed32(value >>> 0),
    read: (reader) => reader.fixed32() | 0,
  },
  int64: {
    wireType: 0,
    parse: (value) => parseBig(value, INT64),
    write: (writer: ReverseWriter, value: bigint) => writer.varint64(value),
    read: (reader) => String(BigInt.asIntN(64, reader.varint64())),
  },
  uint64: {
    wireType: 0,
    parse: (value) => parseBig(value, UINT64),
    write: (writer: ReverseWriter, value: bigint) => writer.varint64(value),
    read: (reader) => String(reader.varint64()),
  },
  sint64: {
    wireType: 0,
    parse: (value) => parseBig(value, INT64),
    write: (writer: ReverseWriter, value: bigint) => writer.varint64(zigzag64(value)),
    read: (reader) => String(unzigzag64(reader.varint64())),
  },
  fixed64: {
    wireType: 1,
    parse: (value) => parseBig(value, UINT64),
    write: (writer: ReverseWriter, value: bigint) => writer.fixed64(value),
    read: (reader) => String(reader.fixed64()),
  },
  sfixed64: {
    wireType: 1,
    parse: (value) => parseBig(value, INT64),
    write: (writer: ReverseWriter, value: bigint) => writer.fixed64(value),
    read: (reader) => String(BigInt.asIntN(64, reader.fixed64())),
  },
  float: {
    wireType: 5,
    parse: (value) => parseFloating(value, 3.4028234663852886e38),
    write: (writer: ReverseWriter, value: number) => writer.float(value),
    read: (reader) => floatingJson(reader.float()),
  },
  double: {
    wireType: 1,
    parse: (value) => parseFloating(value, Number.MAX_VALUE),
    write: (writer: ReverseWriter, value: number) => writer.double(value),
    read: (reader) => floatingJson(reader.double()),
  },
};

/** Writes a number of an int32 or an enum: negative ones take ten bytes. */
export function writeInt32(writer: ReverseWriter, value: number): void {
  if (value < 0) writer.varint64(BigInt(value));
  else writer.varint(value);
}

/** HDL3002, naming what was expected and what was found. */
export function wrongKind(expected: string, found: unknown): never {
  const text =
    JSON.stringify(found, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner)) ??
    String(found);
  const shown = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  throw new ValueError("HDL3002", `expected ${expected}, found ${shown}`, "correct the value");
}

function parseInteger(value: unknown, range: { min: number; max: number }): number {
  const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
  if (
    typeof number === "number" &&
    Number.isInteger(number) &&
    number >= range.min &&
    number <= range.max
  ) {
    return number;
  }
  return wrongKind(`a whole number from ${range.min} to ${range.max}`, value);
}

function parseBig(value: unknown, range: { min: bigint; max: bigint }): bigint {
  const whole =
    (typeof value === "number" && Number.isSafeInteger(value)) ||
    (typeof value === "string" && /^-?\d{1,20}$/.test(value)) ||
    typeof value === "bigint";
  const number = whole ? BigInt(value as string | number | bigint) : undefined;
  if (number !== undefined && number >= range.min && number <= range.max) return number;
  return wrongKind(`a whole number from ${range.min} to ${range.max}, as text beyond 2^53`, value);
}

function parseFloating(value: unknown, max: number): number {
  if (typeof value === "number" && (Math.abs(value) <= max || !Number.isFinite(value)))
    return value;
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  if (typeof value === "string" && /^-?\d/.test(value) && Math.abs(Number(value)) <= max)
    return Number(value);
  return wrongKind("a number", value);
}

function floatingJson(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function parseBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string" && /^[A-Za-z0-9+/_-]*={0,2}$/.test(value))
    return Buffer.from(value, "base64");
  return wrongKind("bytes as base64", value);
}
