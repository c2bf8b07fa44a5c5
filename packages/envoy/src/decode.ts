/** From a message's bytes to its value in protobuf JSON shape. */
import { Reader, malformed } from "./reader.ts";
import { enumSchema, hasMessage, messageSchema } from "./schema.ts";
import type { FieldSchema } from "./schema.ts";
import { scalarCodecs } from "./scalars.ts";
import { ValueError, within } from "./value-error.ts";
import { typeNameOf } from "./type-urls.ts";
import { formatDuration, formatFieldMask, formatTimestamp } from "./well-known-text.ts";
import { hasOwnJsonForm } from "./well-known-write.ts";

/** Reads the fields of a message up to the reader's end. */
type MessageReader = (reader: Reader) => unknown;

/**
 * The value of a message: lowerCamelCase fields, enums by name (by number where the name is unknown), 64-bit numbers as text, bytes as base64. Fields that
 * the API does not have are skipped; an Any of an unknown type keeps its bytes: `{"@type", value: base64}`. Throws a `ValueError` (HDL3004, HDL3006).
 */
export function decode(typeName: string, bytes: Uint8Array): unknown {
  try {
    return messageReader(typeName)(new Reader(bytes));
  } catch (error) {
    if (error instanceof ValueError) error.typeName = typeName;
    throw error;
  }
}

const readers = new Map<string, MessageReader>();

function messageReader(name: string): MessageReader {
  let reader = readers.get(name);
  if (!reader) {
    reader = wellKnownReaders[name] ?? compile(name);
    readers.set(name, reader);
  }
  return reader;
}

type FieldReader = (reader: Reader, wireType: number, into: Record<string, unknown>) => void;

function compile(name: string): MessageReader {
  const fields = new Map<number, { jsonName: string; read: FieldReader }>(
    messageSchema(name).fields.map((field) => [
      field.number,
      { jsonName: field.jsonName, read: compileField(field) },
    ]),
  );
  return (reader) => {
    const result: Record<string, unknown> = {};
    while (!reader.done) {
      const tag = reader.varint();
      const field = fields.get(tag >>> 3);
      if (!field) {
        reader.skip(tag & 7);
        continue;
      }
      try {
        field.read(reader, tag & 7, result);
      } catch (error) {
        throw within(error, field.jsonName);
      }
    }
    return result;
  };
}

function compileField(field: FieldSchema): FieldReader {
  const { wireType, read } = elementReader(field);
  const name = field.jsonName;
  if (field.shape === "map") return mapReader(field, wireType, read);
  if (field.shape === "list") {
    return (reader, found, into) => {
      const list = (into[name] ??= []) as unknown[];
      if (found === 2 && wireType !== 2) {
        reader.nested(() => {
          while (!reader.done) list.push(read(reader));
        });
      } else {
        list.push(checked(reader, wireType, found, read));
      }
    };
  }
  return (reader, found, into) => {
    const value = checked(reader, wireType, found, read);
    if (field.explicit || field.messageName !== undefined || !isJsonDefault(field, value))
      into[name] = value;
    else delete into[name];
  };
}

/** Defaults of fields without presence are left out, as in protobuf's canonical JSON. */
function isJsonDefault(field: FieldSchema, value: unknown): boolean {
  if (field.enumName !== undefined) return value === enumSchema(field.enumName).names.get(0);
  return (
    value === 0 ||
    value === false ||
    value === "" ||
    (value === "0" && field.scalar!.endsWith("64"))
  );
}

function mapReader(
  field: FieldSchema,
  wireType: number,
  read: (reader: Reader) => unknown,
): FieldReader {
  const key = scalarCodecs[field.keyType!];
  return (reader, found, into) => {
    const map = (into[field.jsonName] ??= {}) as Record<string, unknown>;
    checked(reader, 2, found, () =>
      reader.nested(() => {
        let name = field.keyType === "string" ? "" : field.keyType === "bool" ? "false" : "0";
        let value: unknown = emptyValue(field, read, wireType);
        while (!reader.done) {
          const tag = reader.varint();
          if (tag >>> 3 === 1) name = String(checked(reader, key.wireType, tag & 7, key.read));
          else if (tag >>> 3 === 2) value = checked(reader, wireType, tag & 7, read);
          else reader.skip(tag & 7);
        }
        setOwn(map, name, value);
      }),
    );
  };
}

function emptyValue(
  field: FieldSchema,
  read: (reader: Reader) => unknown,
  wireType: number,
): unknown {
  if (field.enumName !== undefined) return enumSchema(field.enumName).names.get(0);
  return read(new Reader(new Uint8Array(wireType === 1 ? 8 : wireType === 5 ? 4 : 1)));
}

function elementReader(field: FieldSchema): {
  wireType: number;
  read: (reader: Reader) => unknown;
} {
  if (field.messageName !== undefined) {
    const name = field.messageName;
    let read: MessageReader | undefined;
    return {
      wireType: 2,
      read: (reader) => reader.nested(() => (read ??= messageReader(name))(reader)),
    };
  }
  if (field.enumName !== undefined) {
    const name = field.enumName;
    let names: ReadonlyMap<number, string> | undefined;
    return {
      wireType: 0,
      read(reader) {
        names ??= enumSchema(name).names;
        const number = scalarCodecs.int32.read(reader) as number;
        return name === "google.protobuf.NullValue" ? null : (names.get(number) ?? number);
      },
    };
  }
  return scalarCodecs[field.scalar!];
}

function checked<T>(reader: Reader, wanted: number, found: number, read: (reader: Reader) => T): T {
  if (wanted !== found) return malformed(`wire type ${found} where ${wanted} belongs`);
  return read(reader);
}

/** Sets a key that came off the wire as the object's own, whatever its name. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else {
    target[key] = value;
  }
}

const wellKnownReaders: Readonly<Record<string, MessageReader>> = {
  "google.protobuf.Any"(reader) {
    let url = "";
    let bytes = new Uint8Array();
    eachField(reader, {
      1: () => (url = reader.string()),
      2: () => (bytes = new Uint8Array(reader.bytes())),
    });
    const name = typeNameOf(url);
    if (!hasMessage(name)) return { "@type": url, value: Buffer.from(bytes).toString("base64") };
    const inner = new Reader(bytes);
    inner.depth = reader.depth + 1;
    const value = messageReader(name)(inner);
    return hasOwnJsonForm(name) ? { "@type": url, value } : { "@type": url, ...(value as object) };
  },
  "google.protobuf.Duration": (reader) => formatDuration(readInstant(reader)),
  "google.protobuf.Timestamp": (reader) => formatTimestamp(readInstant(reader)),
  "google.protobuf.FieldMask"(reader) {
    const paths: string[] = [];
    eachField(reader, { 1: () => paths.push(reader.string()) });
    return formatFieldMask(paths);
  },
  "google.protobuf.Struct": readStruct,
  "google.protobuf.Value": readValue,
  "google.protobuf.ListValue": readList,
  "google.protobuf.BoolValue": (reader) => readWrapped(reader, scalarCodecs.bool.read, false),
  "google.protobuf.StringValue": (reader) => readWrapped(reader, scalarCodecs.string.read, ""),
  "google.protobuf.BytesValue": (reader) => readWrapped(reader, scalarCodecs.bytes.read, ""),
  "google.protobuf.DoubleValue": (reader) => readWrapped(reader, scalarCodecs.double.read, 0),
  "google.protobuf.FloatValue": (reader) => readWrapped(reader, scalarCodecs.float.read, 0),
  "google.protobuf.Int32Value": (reader) => readWrapped(reader, scalarCodecs.int32.read, 0),
  "google.protobuf.UInt32Value": (reader) => readWrapped(reader, scalarCodecs.uint32.read, 0),
  "google.protobuf.Int64Value": (reader) => readWrapped(reader, scalarCodecs.int64.read, "0"),
  "google.protobuf.UInt64Value": (reader) => readWrapped(reader, scalarCodecs.uint64.read, "0"),
};

function eachField(reader: Reader, reads: Readonly<Record<number, () => unknown>>): void {
  while (!reader.done) {
    const tag = reader.varint();
    const read = reads[tag >>> 3];
    if (read) read();
    else reader.skip(tag & 7);
  }
}

function readWrapped(reader: Reader, read: (reader: Reader) => unknown, initial: unknown): unknown {
  let value = initial;
  eachField(reader, { 1: () => (value = read(reader)) });
  return value;
}

function readInstant(reader: Reader): { seconds: number; nanos: number } {
  let seconds = 0;
  let nanos = 0;
  eachField(reader, {
    1: () => (seconds = Number(BigInt.asIntN(64, reader.varint64()))),
    2: () => (nanos = Number(BigInt.asIntN(32, reader.varint64()))),
  });
  return { seconds, nanos };
}

function readStruct(reader: Reader): unknown {
  const result: Record<string, unknown> = {};
  eachField(reader, {
    1: () =>
      reader.nested(() => {
        let key = "";
        let value: unknown = null;
        eachField(reader, {
          1: () => (key = reader.string()),
          2: () => (value = reader.nested(() => readValue(reader))),
        });
        setOwn(result, key, value);
      }),
  });
  return result;
}

function readList(reader: Reader): unknown {
  const result: unknown[] = [];
  eachField(reader, { 1: () => result.push(reader.nested(() => readValue(reader))) });
  return result;
}

function readValue(reader: Reader): unknown {
  let value: unknown = null;
  eachField(reader, {
    1: () => reader.varint(),
    2: () => (value = scalarCodecs.double.read(reader)),
    3: () => (value = reader.string()),
    4: () => (value = reader.varint() !== 0),
    5: () => (value = reader.nested(() => readStruct(reader))),
    6: () => (value = reader.nested(() => readList(reader))),
  });
  return value;
}
