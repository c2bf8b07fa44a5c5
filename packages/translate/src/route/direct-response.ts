/** Answers that the proxy gives by itself. */
import type { RouteFeature } from "./rule.ts";

export const directResponse: RouteFeature = {
  name: "direct response",
  apply(route, rule) {
    const wanted = rule.directResponse;
    if (!wanted) return route;
    const body = wanted.body?.string
      ? { inlineString: wanted.body.string }
      : wanted.body?.bytes
        ? { inlineBytes: wanted.body.bytes }
        : undefined;
    return { ...route, directResponse: { status: wanted.status, ...(body ? { body } : {}) } };
  },
};
