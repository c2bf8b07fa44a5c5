/** From a value in protobuf JSON shape to the message's bytes, in one pass; equal values give equal bytes. */
import { enumSchema, messageSchema } from "./schema.ts";
import type { FieldSchema } from "./schema.ts";
import { isDefault, scalarCodecs, wrongKind, writeInt32 } from "./scalars.ts";
import type { Primitive, WireType } from "./scalars.ts";
import { ValueError, nearest, within } from "./value-error.ts";
import { typeNameOf } from "./type-urls.ts";
import { hasOwnJsonForm, wellKnownWriter, writeText } from "./well-known-write.ts";
import { ReverseWriter } from "./writer.ts";
import type { MessageWriter } from "./writer.ts";

interface FieldWriter {
  readonly number: number;
  readonly jsonName: string;
  /** Bit of the field's oneof, 0 for none. */
  readonly oneofBit: number;
  readonly takesNull: boolean;
  readonly write: (writer: ReverseWriter, value: unknown) => void;
}

/** The enum whose only value is JSON's null. */
const NULL_VALUE = "google.protobuf.NullValue";

/** Messages that are worth remembering inside others: a route configuration has thousands of virtual hosts and changes in one. */
const SHARED_PARTS = new Set(["envoy.config.route.v3.VirtualHost"]);

/** Bytes of virtual hosts, by the identity of their values. */
export type EncodedParts = WeakMap<object, Uint8Array>;

const shared = new ReverseWriter();
let remembered: EncodedParts | undefined;

/**
 * The wire form of a message. Field names are lowerCamelCase or as in the proto file, enums are names or numbers,
 * `undefined` and `null` fields are left out, an Any carries its `@type`. Throws a `ValueError` (HDL3001 to HDL3005)
 * that names the place and the nearest known name. `parts` lets virtual hosts that were encoded before be copied: for callers
 * whose values are never changed once they are made.
 */
export function encode(typeName: string, value: unknown, parts?: EncodedParts): Uint8Array {
  try {
    remembered = parts;
    messageWriter(typeName)(shared, value);
    return shared.take();
  } catch (error) {
    shared.take();
    if (error instanceof ValueError) error.typeName = typeName;
    throw error;
  } finally {
    remembered = undefined;
    top = 0;
    pending.length = 0;
  }
}

const writers = new Map<string, MessageWriter>();

/** The writer of a message type, made when first asked for; HDL3004 for an unknown type. */
function messageWriter(name: string): MessageWriter {
  let writer = writers.get(name);
  if (!writer) {
    writer = name === "google.protobuf.Any" ? writeAny : (wellKnownWriter(name) ?? compile(name));
    writers.set(name, writer);
  }
  return writer;
}

/** Fields and values of the messages that are being written, outermost first: one stack instead of an array a message. */
const pending: unknown[] = [];
let top = 0;

function compile(name: string): MessageWriter {
  const schema = messageSchema(name);
  const fields = new Map<string, FieldWriter>(
    schema.fields.map((field) => [field.jsonName, compileField(field)]),
  );

  return (writer, value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      wrongKind("an object", value);
    const start = top;
    for (const key in value) {
      const inner = (value as Record<string, unknown>)[key];
      if (inner === undefined) continue;
      const field = fields.get(key) ?? alternative(name, fields, key, inner);
      if (field && (inner !== null || field.takesNull)) push(start, field, inner);
    }
    let oneofs = 0;
    for (let at = top - 2; at >= start; at -= 2) {
      const field = pending[at] as FieldWriter;
      if (field.oneofBit & oneofs) throw conflict(start, field);
      oneofs |= field.oneofBit;
      try {
        field.write(writer, pending[at + 1]);
      } catch (error) {
        throw within(error, field.jsonName);
      }
    }
    top = start;
  };
}

/** Keeps the message's part of the stack in order of field numbers; keys mostly come in that order. */
function push(start: number, field: FieldWriter, value: unknown): void {
  let at = top;
  while (at > start && (pending[at - 2] as FieldWriter).number > field.number) {
    pending[at] = pending[at - 2];
    pending[at + 1] = pending[at - 1];
    at -= 2;
  }
  if (at > start && pending[at - 2] === field) {
    throw new ValueError(
      "HDL3005",
      `${field.jsonName} is given twice, under both of its names`,
      "keep one",
    );
  }
  pending[at] = field;
  pending[at + 1] = value;
  top += 2;
}

function conflict(start: number, field: FieldWriter): ValueError {
  const names: string[] = [];
  for (let at = start; at < top; at += 2) {
    const other = pending[at] as FieldWriter;
    if (other.oneofBit === field.oneofBit) names.push(other.jsonName);
  }
  return new ValueError("HDL3005", `${names.join(" and ")} exclude each other`, "keep one");
}

/** A field by its name in the proto file; nothing for the `@type` of this message; otherwise HDL3001. */
function alternative(
  name: string,
  fields: Map<string, FieldWriter>,
  key: string,
  value: unknown,
): FieldWriter | undefined {
  if (key === "@type" && typeof value === "string" && value.endsWith(`/${name}`)) return undefined;
  const found = key.includes("_")
    ? fields.get(key.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase()))
    : undefined;
  if (found) return found;
  const meant = nearest(key, fields.keys());
  throw within(
    new ValueError(
      "HDL3001",
      `${name} has no field ${JSON.stringify(key)}`,
      meant ? `did you mean ${meant}?` : `it has ${[...fields.keys()].join(", ") || "no fields"}`,
    ),
    key,
  );
}

interface ElementWriter {
  readonly wireType: WireType;
  /** Numbers that default to zero can be left out and packed; messages are always written. */
  readonly parse: (value: unknown) => Primitive;
  readonly write: (writer: ReverseWriter, value: never) => void;
}

function compileField(field: FieldSchema): FieldWriter {
  const base = {
    number: field.number,
    jsonName: field.jsonName,
    oneofBit: field.oneof < 0 ? 0 : 1 << field.oneof,
    takesNull:
      field.shape === "single" &&
      (field.messageName === "google.protobuf.Value" || field.enumName === NULL_VALUE),
  };
  if (field.shape === "map") return { ...base, write: mapWriter(field) };
  if (field.shape === "list") return { ...base, write: listWriter(field) };
  if (field.messageName !== undefined)
    return { ...base, write: nestedWriter(field.number, field.messageName) };
  const element = elementWriter(field);
  const tag = tagOf(field.number, element.wireType);
  return {
    ...base,
    write(writer, value) {
      const primitive = element.parse(value);
      if (!field.explicit && isDefault(primitive)) return;
      element.write(writer, primitive as never);
      writer.varint(tag);
    },
  };
}

function nestedWriter(number: number, messageName: string): FieldWriter["write"] {
  const tag = tagOf(number, 2);
  let write: MessageWriter | undefined;
  return (writer, value) => {
    write ??= SHARED_PARTS.has(messageName)
      ? rememberingWriter(messageWriter(messageName))
      : messageWriter(messageName);
    const mark = writer.length;
    write(writer, value);
    writer.varint(writer.length - mark);
    writer.varint(tag);
  };
}

function rememberingWriter(write: MessageWriter): MessageWriter {
  return (writer, value) => {
    const parts = remembered;
    if (!parts || typeof value !== "object" || value === null) return write(writer, value);
    const known = parts.get(value);
    if (known) return writer.bytes(known);
    const mark = writer.length;
    write(writer, value);
    parts.set(value, writer.last(writer.length - mark));
  };
}

function listWriter(field: FieldSchema): FieldWriter["write"] {
  const writeItem = field.packed ? packedItemWriter(field) : itemWriter(field, field.number);
  const packedTag = tagOf(field.number, 2);
  return (writer, value) => {
    if (!Array.isArray(value)) wrongKind("a list", value);
    const mark = writer.length;
    for (let at = value.length - 1; at >= 0; at--) {
      try {
        writeItem(writer, value[at]);
      } catch (error) {
        throw within(error, `[${at}]`);
      }
    }
    if (field.packed && value.length > 0) {
      writer.varint(writer.length - mark);
      writer.varint(packedTag);
    }
  };
}

function mapWriter(field: FieldSchema): FieldWriter["write"] {
  const key = scalarCodecs[field.keyType!];
  const parseKey =
    field.keyType === "bool" ? (text: string) => key.parse(text === "true") : key.parse;
  const keyTag = tagOf(1, key.wireType);
  const writeValue = itemWriter(field, 2);
  const tag = tagOf(field.number, 2);
  return (writer, value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      wrongKind("an object", value);
    const keys = Object.keys(value).sort();
    for (let at = keys.length - 1; at >= 0; at--) {
      const name = keys[at]!;
      const inner = (value as Record<string, unknown>)[name];
      if (inner === undefined) continue;
      const mark = writer.length;
      try {
        writeValue(writer, inner);
        key.write(writer, parseKey(name) as never);
      } catch (error) {
        throw within(error, `[${JSON.stringify(name)}]`);
      }
      writer.varint(keyTag);
      writer.varint(writer.length - mark);
      writer.varint(tag);
    }
  };
}

/** Writes one value with its tag, defaults included, as lists and maps need it. */
function itemWriter(field: FieldSchema, number: number): FieldWriter["write"] {
  if (field.messageName !== undefined) return nestedWriter(number, field.messageName);
  const element = elementWriter(field);
  const tag = tagOf(number, element.wireType);
  return (writer, value) => {
    element.write(writer, element.parse(value) as never);
    writer.varint(tag);
  };
}

function packedItemWriter(field: FieldSchema): FieldWriter["write"] {
  const element = elementWriter(field);
  return (writer, value) => element.write(writer, element.parse(value) as never);
}

function elementWriter(field: FieldSchema): ElementWriter {
  return field.enumName === undefined ? scalarCodecs[field.scalar!] : enumWriter(field.enumName);
}

function enumWriter(name: string): ElementWriter {
  let numbers: ReadonlyMap<string, number> | undefined;
  return {
    wireType: 0,
    parse(value) {
      numbers ??= enumSchema(name).numbers;
      if (typeof value === "string")
        return numbers.get(value) ?? unknownValue(name, numbers, value);
      return value === null && name === NULL_VALUE ? 0 : scalarCodecs.int32.parse(value);
    },
    write: writeInt32,
  };
}

function unknownValue(name: string, numbers: ReadonlyMap<string, number>, value: string): never {
  const meant = nearest(value, numbers.keys());
  throw new ValueError(
    "HDL3003",
    `${name} has no value ${JSON.stringify(value)}`,
    meant ? `did you mean ${meant}?` : `it has ${[...numbers.keys()].join(", ")}`,
  );
}

function writeAny(writer: ReverseWriter, value: unknown): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    wrongKind("an object with @type", value);
  const url = (value as Record<string, unknown>)["@type"];
  if (typeof url !== "string") {
    throw new ValueError(
      "HDL3004",
      "a message of any type needs its @type",
      "add @type: type.googleapis.com/<full name>",
    );
  }
  const name = typeNameOf(url);
  const mark = writer.length;
  messageWriter(name)(
    writer,
    hasOwnJsonForm(name) ? (value as Record<string, unknown>)["value"] : value,
  );
  if (writer.length > mark) {
    writer.varint(writer.length - mark);
    writer.varint(0x12);
  }
  writeText(writer, 1, url);
}

function tagOf(number: number, wireType: WireType): number {
  return ((number << 3) | wireType) >>> 0;
}
