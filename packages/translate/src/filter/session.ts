/** The filter that keeps sessions on their endpoints; idle until a route configures it. */
import type { StatefulSession } from "@heddle/envoy/extensions/filters/http/stateful_session/v3";
import type { HttpFilter } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import { extension } from "../typed-config.ts";
import type { HttpFeature } from "./http-feature.ts";
import { offUntilRouted } from "./off-until-routed.ts";
import { SESSION_FILTER } from "./names.ts";

const FILTER: HttpFilter = extension<StatefulSession>(
  SESSION_FILTER,
  "envoy.extensions.filters.http.stateful_session.v3.StatefulSession",
  {},
);

export const sessionFilter: HttpFeature = {
  name: "session",
  filters: offUntilRouted(FILTER),
};
