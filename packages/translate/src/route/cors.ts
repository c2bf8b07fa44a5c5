/** Cross-origin rules: configuration of the CORS filter for one route. */
import { parseDuration } from "@heddle/model";
import type { CorsPolicy } from "@heddle/envoy/extensions/filters/http/cors/v3";
import { CORS_FILTER } from "../filter/names.ts";
import { typedConfig } from "../typed-config.ts";
import type { RouteFeature } from "./rule.ts";
import { stringMatcher } from "./string-match.ts";

export const cors: RouteFeature = {
  name: "cors",
  apply(route, rule) {
    const wanted = rule.cors;
    if (!wanted) return route;
    const origins = wanted.allowOrigins
      ? wanted.allowOrigins.map((origin) => stringMatcher(origin) ?? { safeRegex: { regex: ".*" } })
      : (wanted.allowOrigin ?? []).map((origin) =>
          origin === "*" ? { safeRegex: { regex: ".*" } } : { exact: origin },
        );
    const policy: CorsPolicy = {
      allowOriginStringMatch: origins,
      ...(wanted.allowMethods?.length ? { allowMethods: wanted.allowMethods.join(",") } : {}),
      ...(wanted.allowHeaders?.length ? { allowHeaders: wanted.allowHeaders.join(",") } : {}),
      ...(wanted.exposeHeaders?.length ? { exposeHeaders: wanted.exposeHeaders.join(",") } : {}),
      ...(wanted.maxAge ? { maxAge: String(Math.floor(parseDuration(wanted.maxAge) / 1000)) } : {}),
      ...(wanted.allowCredentials === undefined
        ? {}
        : { allowCredentials: wanted.allowCredentials }),
      filterEnabled: { defaultValue: { numerator: 100, denominator: "HUNDRED" } },
      forwardNotMatchingPreflights: wanted.unmatchedPreflights !== "IGNORE",
    };
    return {
      ...route,
      typedPerFilterConfig: {
        ...route.typedPerFilterConfig,
        [CORS_FILTER]: typedConfig("envoy.extensions.filters.http.cors.v3.CorsPolicy", policy),
      },
    };
  },
};
