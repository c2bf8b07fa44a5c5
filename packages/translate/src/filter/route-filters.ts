/** A place for filters that a route brings along, with all their settings; empty until a route does. */
import type { FilterChainConfig } from "@heddle/envoy/extensions/filters/http/filter_chain/v3";
import type { HttpFilter } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import { extension } from "../typed-config.ts";
import type { HttpFeature } from "./http-feature.ts";
import { ROUTE_FILTERS } from "./names.ts";

const FILTER: HttpFilter = {
  ...extension<FilterChainConfig>(
    ROUTE_FILTERS,
    "envoy.extensions.filters.http.filter_chain.v3.FilterChainConfig",
    {},
  ),
  // No request pays for it but those of routes that have settings for it.
  disabled: true,
};

export const routeFilters: HttpFeature = {
  name: "filters of routes",
  filters: ({ leg }) => (leg === "outbound" ? [FILTER] : []),
};
