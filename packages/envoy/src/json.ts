/** Shapes that protobuf's JSON mapping gives to well-known types; the generated types refer to them. */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}

/** Seconds with an `s`: `"5s"`, `"0.250s"`. */
export type Duration = string;

/** RFC 3339: `"2026-11-23T20:00:00Z"`. */
export type Timestamp = string;

/** Paths in lowerCamelCase, separated by commas. */
export type FieldMask = string;

/** Base64, the standard or the URL-safe alphabet. */
export type Bytes = string;

/** 64-bit integers: as text, or as a number while it is exact. */
export type Int64 = string | number;

export type Empty = Readonly<Record<string, never>>;

/** A message of any type (google.protobuf.Any): its fields beside its type URL. */
export type TypedConfig = { readonly "@type": string } & { readonly [key: string]: unknown };
