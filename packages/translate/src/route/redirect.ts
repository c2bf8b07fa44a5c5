/** Redirects: the answer sends the client elsewhere. */
import type {
  RedirectAction,
  RedirectAction_RedirectResponseCode,
} from "@heddle/envoy/config/route/v3";
import type { RouteFeature } from "./rule.ts";

const CODES: Readonly<Record<number, RedirectAction_RedirectResponseCode>> = {
  301: "MOVED_PERMANENTLY",
  302: "FOUND",
  303: "SEE_OTHER",
  307: "TEMPORARY_REDIRECT",
  308: "PERMANENT_REDIRECT",
};

export const redirect: RouteFeature = {
  name: "redirect",
  apply(route, rule, { port, tls }) {
    const wanted = rule.redirect;
    if (!wanted) return route;
    const scheme = wanted.scheme || (tls ? "https" : "http");
    // Envoy cannot read the port of the request, but each route is made for one port.
    const asked = wanted.port || (wanted.derivePort === "FROM_REQUEST_PORT" ? port : 0);
    const isDefault = (asked === 80 && scheme === "http") || (asked === 443 && scheme === "https");
    const action: RedirectAction = {
      responseCode: CODES[wanted.redirectCode || 301] ?? "MOVED_PERMANENTLY",
      ...(wanted.authority ? { hostRedirect: wanted.authority } : {}),
      ...(wanted.prefixRewrite
        ? { prefixRewrite: wanted.prefixRewrite }
        : wanted.uri
          ? { pathRedirect: wanted.uri }
          : {}),
      ...(wanted.scheme ? { schemeRedirect: wanted.scheme } : {}),
      ...(asked && !isDefault ? { portRedirect: asked } : {}),
    };
    return { ...route, redirect: action };
  },
};
