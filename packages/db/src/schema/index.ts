/** Every table of the plane. */
export * from "./tenancy.ts";
export * from "./config.ts";
export * from "./agents.ts";
export * from "./authorities.ts";
export * from "./federations.ts";
