/** Writers of the well-known types, whose JSON form is not an object of their fields. */
import { parseDuration, parseFieldMask, parseTimestamp } from "./well-known-text.ts";
import type { Instant } from "./well-known-text.ts";
import { isDefault, scalarCodecs, wrongKind, writeInt32 } from "./scalars.ts";
import type { Scalar } from "./schema.ts";
import type { MessageWriter, ReverseWriter } from "./writer.ts";

/** The writer of a well-known type other than Any, by full name; nothing for other messages. */
export function wellKnownWriter(name: string): MessageWriter | undefined {
  return writers[name];
}

const writers: Readonly<Record<string, MessageWriter>> = {
  "google.protobuf.Duration": (writer, value) => writeInstant(writer, parseDuration(value)),
  "google.protobuf.Timestamp": (writer, value) => writeInstant(writer, parseTimestamp(value)),
  "google.protobuf.FieldMask"(writer, value) {
    for (const path of parseFieldMask(value).reverse()) writeText(writer, 1, path);
  },
  "google.protobuf.Struct": writeStruct,
  "google.protobuf.Value": writeValue,
  "google.protobuf.ListValue": writeList,
  "google.protobuf.BoolValue": wrapper("bool"),
  "google.protobuf.StringValue": wrapper("string"),
  "google.protobuf.BytesValue": wrapper("bytes"),
  "google.protobuf.DoubleValue": wrapper("double"),
  "google.protobuf.FloatValue": wrapper("float"),
  "google.protobuf.Int32Value": wrapper("int32"),
  "google.protobuf.UInt32Value": wrapper("uint32"),
  "google.protobuf.Int64Value": wrapper("int64"),
  "google.protobuf.UInt64Value": wrapper("uint64"),
};

/** Types whose JSON form inside an Any is `{"@type": …, "value": …}`. */
export function hasOwnJsonForm(name: string): boolean {
  return name in writers || name === "google.protobuf.Any";
}

function writeInstant(writer: ReverseWriter, { seconds, nanos }: Instant): void {
  if (nanos !== 0) {
    writeInt32(writer, nanos);
    writer.varint(0x10);
  }
  if (seconds !== 0) {
    if (seconds > 0 && seconds < 2 ** 32) writer.varint(seconds);
    else writer.varint64(BigInt(seconds));
    writer.varint(0x08);
  }
}

function wrapper(scalar: Scalar): MessageWriter {
  const codec = scalarCodecs[scalar];
  const tag = (1 << 3) | codec.wireType;
  return (writer, value) => {
    const primitive = codec.parse(value);
    if (isDefault(primitive)) return;
    codec.write(writer, primitive as never);
    writer.varint(tag);
  };
}

function writeStruct(writer: ReverseWriter, value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    wrongKind("an object", value);
  const keys = Object.keys(value).sort();
  for (let at = keys.length - 1; at >= 0; at--) {
    const key = keys[at]!;
    const inner = (value as Record<string, unknown>)[key];
    if (inner === undefined) continue;
    const mark = writer.length;
    writeNested(writer, 2, writeValue, inner);
    writeText(writer, 1, key);
    writer.varint(writer.length - mark);
    writer.varint(0x0a);
  }
}

function writeList(writer: ReverseWriter, value: unknown): void {
  if (!Array.isArray(value)) wrongKind("a list", value);
  for (let at = value.length - 1; at >= 0; at--) writeNested(writer, 1, writeValue, value[at]);
}

function writeValue(writer: ReverseWriter, value: unknown): void {
  if (value === null) {
    writer.varint(0);
    writer.varint(0x08);
  } else if (typeof value === "number" && Number.isFinite(value)) {
    writer.double(value);
    writer.varint(0x11);
  } else if (typeof value === "string") {
    writeText(writer, 3, value);
  } else if (typeof value === "boolean") {
    writer.varint(value ? 1 : 0);
    writer.varint(0x20);
  } else if (Array.isArray(value)) {
    writeNested(writer, 6, writeList, value);
  } else if (typeof value === "object") {
    writeNested(writer, 5, writeStruct, value);
  } else {
    wrongKind("a JSON value", value);
  }
}

function writeNested(
  writer: ReverseWriter,
  number: number,
  write: MessageWriter,
  value: unknown,
): void {
  const mark = writer.length;
  write(writer, value);
  writer.varint(writer.length - mark);
  writer.varint((number << 3) | 2);
}

/** Writes a string field. */
export function writeText(writer: ReverseWriter, number: number, text: string): void {
  const mark = writer.length;
  writer.string(text);
  writer.varint(writer.length - mark);
  writer.varint((number << 3) | 2);
}
