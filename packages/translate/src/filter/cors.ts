/** The CORS filter, idle until a route configures it. */
import { extension } from "../typed-config.ts";
import type { HttpFeature } from "./http-feature.ts";
import { CORS_FILTER } from "./names.ts";

const FILTER = extension(CORS_FILTER, "envoy.extensions.filters.http.cors.v3.Cors", {});

export const corsFilter: HttpFeature = {
  name: "cors",
  filters: ({ leg }) => (leg === "outbound" ? [FILTER] : []),
};
