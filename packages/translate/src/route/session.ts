/** Sessions that stay on their endpoint: configuration of the session filter for one route. */
import type { StatefulSessionPerRoute } from "@heddle/envoy/extensions/filters/http/stateful_session/v3";
import { protoDuration } from "@heddle/model";
import { SESSION_FILTER } from "../filter/names.ts";
import type { SessionAffinity } from "../form/rule-set.ts";
import { extension, typedConfig } from "../typed-config.ts";
import type { RouteFeature } from "./rule.ts";

export const session: RouteFeature = {
  name: "session",
  apply(route, rule) {
    if (!rule.session || !route.route) return route;
    return {
      ...route,
      typedPerFilterConfig: {
        ...route.typedPerFilterConfig,
        [SESSION_FILTER]: typedConfig<StatefulSessionPerRoute>(
          "envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute",
          { statefulSession: { sessionState: stateOf(rule.session) } },
        ),
      },
    };
  },
};

function stateOf(affinity: SessionAffinity) {
  if ("header" in affinity) {
    return extension(
      "envoy.http.stateful_session.header",
      "envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState",
      { name: affinity.header },
    );
  }
  const { cookie: name, path, lifetime } = affinity;
  return extension(
    "envoy.http.stateful_session.cookie",
    "envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState",
    { cookie: { name, path, ...(lifetime ? { ttl: protoDuration(lifetime) } : {}) } },
  );
}
