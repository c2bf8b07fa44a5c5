/** Rewrites of the path; the authority is the destination's concern, since a destination may set it too. */
import type { RouteFeature } from "./rule.ts";

export const rewrite: RouteFeature = {
  name: "rewrite",
  apply(route, rule) {
    if (!rule.rewrite || rule.redirect || rule.directResponse) return route;
    const { uriRegexRewrite, uri } = rule.rewrite;
    if (uriRegexRewrite) {
      return {
        ...route,
        route: {
          ...route.route,
          regexRewrite: {
            pattern: { regex: uriRegexRewrite.match ?? "" },
            substitution: uriRegexRewrite.rewrite ?? "",
          },
        },
      };
    }
    if (!uri) return route;
    // Envoy replaces what matched: the prefix, or the whole path of an exact match. A regular expression matched it all.
    if (route.match?.safeRegex) {
      return {
        ...route,
        route: {
          ...route.route,
          regexRewrite: { pattern: route.match.safeRegex, substitution: literal(uri) },
        },
      };
    }
    return { ...route, route: { ...route.route, prefixRewrite: uri } };
  },
};

/** `\` introduces a group in a substitution. */
function literal(text: string): string {
  return text.replaceAll("\\", "\\\\");
}
