/** What requests must look like: the filters of a RequestValidation. */
import type { HttpFeature } from "./http-feature.ts";

/** Length of the URL, headers, methods, types of content. */
export const requestChecks: HttpFeature = {
  name: "checks of requests",
  filters: ({ guards }) => guards.validation?.checks ?? [],
};

/** Bodies, and what an OpenAPI document says. */
export const requestBodies: HttpFeature = {
  name: "checks of bodies",
  filters: ({ guards }) => guards.validation?.bodies ?? [],
};
