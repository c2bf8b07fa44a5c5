/** Envoy's API: types in protobuf JSON shape (by package under `./config/*` and its siblings), and the encoder. */
export type {
  Bytes,
  Duration,
  Int64,
  JsonObject,
  JsonValue,
  Timestamp,
  TypedConfig,
} from "./json.ts";
export type { MessageName, MessageOf, Typed } from "./typed.ts";
export { encode } from "./encode.ts";
export type { EncodedParts } from "./encode.ts";
export { decode } from "./decode.ts";
export { resourceTypes, typeNameOf, typeUrl, typeUrls } from "./type-urls.ts";
export { ValueError, nearest } from "./value-error.ts";
export type { ValueErrorCode } from "./value-error.ts";
export { canonical } from "./canonical.ts";
export { merge } from "./merge.ts";
export type { ListMerge } from "./merge.ts";
