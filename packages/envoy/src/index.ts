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
