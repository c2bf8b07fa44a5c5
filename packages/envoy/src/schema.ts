/** The field tables of every message, read line by line from the generated schema when a message is first used. */
import { schemaText } from "./gen/schema.ts";
import { ValueError, nearest } from "./value-error.ts";

export type Scalar =
  | "double"
  | "float"
  | "int64"
  | "uint64"
  | "int32"
  | "fixed64"
  | "fixed32"
  | "bool"
  | "string"
  | "bytes"
  | "uint32"
  | "sfixed32"
  | "sfixed64"
  | "sint32"
  | "sint64";

export interface FieldSchema {
  readonly number: number;
  readonly jsonName: string;
  readonly shape: "single" | "list" | "map";
  /** A single value is written even when it is its type's default. */
  readonly explicit: boolean;
  /** A list of numbers is written as one run of bytes. */
  readonly packed: boolean;
  readonly keyType: Scalar | undefined;
  readonly scalar: Scalar | undefined;
  readonly messageName: string | undefined;
  readonly enumName: string | undefined;
  /** Index of the oneof that the field belongs to, -1 for none. */
  readonly oneof: number;
}

export interface MessageSchema {
  readonly name: string;
  readonly fields: readonly FieldSchema[];
}

export interface EnumSchema {
  readonly name: string;
  readonly numbers: ReadonlyMap<string, number>;
  readonly names: ReadonlyMap<number, string>;
}

let lines: Map<string, string> | undefined;

/** The fields of a message by full name; HDL3004 when the API has no such message. */
export function messageSchema(name: string): MessageSchema {
  const line = index().get(name);
  if (line === undefined || name.startsWith("#")) {
    const meant = nearest(
      name,
      [...index().keys()].filter((key) => !key.startsWith("#")),
    );
    throw new ValueError(
      "HDL3004",
      `Envoy's API has no message ${JSON.stringify(name)}`,
      meant ? `did you mean ${meant}?` : "use a full name, such as envoy.config.cluster.v3.Cluster",
    );
  }
  return { name, fields: line.split(" ").slice(1).map(parseField) };
}

/** Whether the API has a message of this full name. */
export function hasMessage(name: string): boolean {
  return !name.startsWith("#") && index().has(name);
}

/** The values of an enum, which a message's field named. */
export function enumSchema(name: string): EnumSchema {
  const numbers = new Map<string, number>();
  const names = new Map<number, string>();
  for (const entry of index().get(`#${name}`)!.split(" ").slice(1)) {
    const [number, valueName] = entry.split("=") as [string, string];
    numbers.set(valueName, Number(number));
    if (!names.has(Number(number))) names.set(Number(number), valueName);
  }
  return { name, numbers, names };
}

function index(): Map<string, string> {
  if (!lines) {
    lines = new Map();
    for (const line of schemaText.split("\n")) {
      const end = line.indexOf(" ");
      if (line !== "") lines.set(end < 0 ? line : line.slice(0, end), line);
    }
  }
  return lines;
}

function parseField(entry: string): FieldSchema {
  const [number, jsonName, label, type, oneof] = entry.split("/") as [
    string,
    string,
    string,
    string,
    string?,
  ];
  const shape =
    label === "" || label === "?" ? "single" : label === "*" || label === "+" ? "list" : "map";
  return {
    number: Number(number),
    jsonName,
    shape,
    explicit: label === "?",
    packed: label === "*",
    keyType: shape === "map" ? (label as Scalar) : undefined,
    scalar: /^[.#]/.test(type) ? undefined : (type as Scalar),
    messageName: type.startsWith(".") ? type.slice(1) : undefined,
    enumName: type.startsWith("#") ? type.slice(1) : undefined,
    oneof: oneof === undefined ? -1 : Number(oneof),
  };
}
