/** The typed REST client and the API's shapes. */

export * from "./types.ts";
export * from "./telemetry-types.ts";
