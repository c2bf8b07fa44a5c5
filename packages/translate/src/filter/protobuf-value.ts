/** A `google.protobuf.Value` with a flat struct of texts, serialized and in base64: what `header_to_metadata` reads. */

const STRUCT_VALUE = 5;
const STRUCT_FIELDS = 1;
const MAP_KEY = 1;
const MAP_VALUE = 2;
const STRING_VALUE = 3;
const LENGTH_DELIMITED = 2;

export function protobufStructValue(fields: Readonly<Record<string, string>>): string {
  const entries = Object.entries(fields).map(([key, value]) =>
    field(STRUCT_FIELDS, [
      ...field(MAP_KEY, new TextEncoder().encode(key)),
      ...field(MAP_VALUE, field(STRING_VALUE, new TextEncoder().encode(value))),
    ]),
  );
  return btoa(String.fromCharCode(...field(STRUCT_VALUE, entries.flat())));
}

function field(number: number, bytes: Iterable<number>): number[] {
  const content = [...bytes];
  return [...varint((number << 3) | LENGTH_DELIMITED), ...varint(content.length), ...content];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  return [...bytes, rest];
}
