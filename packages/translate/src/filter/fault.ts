/** The fault filter, idle until a route configures it. */
import { extension } from "../typed-config.ts";
import type { HttpFeature } from "./http-feature.ts";
import { FAULT_FILTER } from "./names.ts";

export const IDLE_FAULT = extension(
  FAULT_FILTER,
  "envoy.extensions.filters.http.fault.v3.HTTPFault",
  {},
);

export const faultFilter: HttpFeature = {
  name: "fault",
  filters: ({ leg }) => (leg === "outbound" ? [IDLE_FAULT] : []),
};
