/** The typed REST client and the API's shapes. */

export * from "./types.ts";
export * from "./telemetry-types.ts";
export { createClient, type HeddleClient } from "./client.ts";
export type { ObjectFilter, ObjectWriteOptions, WriteOptions } from "./calls/configuration.ts";
export type { LogFilter, Range, SeriesFilter, TraceFilter } from "./calls/telemetry.ts";
export { accessQuestionOf, type Refusal, refusalOf } from "./log-line.ts";
export { readEvents, type StreamEvent } from "./event-stream.ts";
export { HeddleApiError } from "./heddle-api-error.ts";
export { allOf, type PageOptions } from "./paging.ts";
export type { ClientOptions } from "./transport.ts";
