/** Filters that do nothing but for requests whose route has settings for them, and cost others nothing. */
import type { HttpFilter } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import type { HttpContext } from "./http-feature.ts";

/** For requests that leave. One that asks for its route has passed by what was off when it began: there the filter is on, and idle. */
export function offUntilRouted(filter: HttpFilter) {
  const off: HttpFilter = { ...filter, disabled: true };
  const on: HttpFilter = { ...filter, disabled: false };
  return ({ leg, onDemand = false }: HttpContext): readonly HttpFilter[] =>
    leg === "outbound" ? [onDemand ? on : off] : [];
}
