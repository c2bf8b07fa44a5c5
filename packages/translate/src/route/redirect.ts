/** Redirects: the answer sends the client elsewhere. */
import type {
  RedirectAction,
  RedirectAction_RedirectResponseCode,
} from "@heddle/envoy/config/route/v3";
import type { HTTPRedirect } from "@heddle/model";
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
    const standard = scheme === "https" ? 443 : 80;
    const asked = wanted.port || derivedPort(wanted, port, standard);
    const action: RedirectAction = {
      responseCode: CODES[wanted.redirectCode || 301] ?? "MOVED_PERMANENTLY",
      ...(wanted.authority ? { hostRedirect: wanted.authority } : {}),
      ...(wanted.pathRewrite
        ? {
            regexRewrite: {
              pattern: { regex: wanted.pathRewrite.match },
              substitution: wanted.pathRewrite.rewrite,
            },
          }
        : wanted.prefixRewrite
          ? { prefixRewrite: wanted.prefixRewrite }
          : wanted.uri
            ? { pathRedirect: wanted.uri }
            : {}),
      ...(wanted.scheme ? { schemeRedirect: wanted.scheme } : {}),
      ...(asked && (asked !== standard || keepsPort(wanted, port, standard))
        ? { portRedirect: asked }
        : {}),
    };
    return { ...route, redirect: action };
  },
};

/** Envoy cannot read the port of the request, but each route is made for one port. 0 leaves it to Envoy. */
function derivedPort({ derivePort }: HTTPRedirect, port: number, standard: number): number {
  if (derivePort === "FROM_REQUEST_PORT") return port;
  return derivePort === "FROM_PROTOCOL_DEFAULT" ? standard : 0;
}

/** Envoy would repeat the port of the request's authority, which must be named away where it is not the one wanted. */
function keepsPort({ authority }: HTTPRedirect, port: number, standard: number): boolean {
  return !authority && port !== standard;
}
