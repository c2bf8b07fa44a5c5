/** Virtual hosts as a sidecar takes them that asks for them one by one. */
import { ROUTE_FILTERS } from "../filter/names.ts";
import type { Route, VirtualHost } from "@heddle/envoy/config/route/v3";

/** The virtual host that no request is for. Envoy waits with a listener until it has been sent one of its table. */
const PLACEHOLDER = "__init__";

/** `<route>/<authority>`, as Envoy asks for a virtual host, in its parts; undefined for other names. */
export function partsOfName(
  resource: string,
): { readonly route: string; readonly authority: string } | undefined {
  const slash = resource.lastIndexOf("/");
  if (slash < 0) return undefined;
  return { route: resource.slice(0, slash), authority: resource.slice(slash + 1) };
}

/** The name of the first virtual host that a table is sent. */
export function placeholderOf(route: string): string {
  return `${route}/${PLACEHOLDER}`;
}

/** What comes under that name. */
export function placeholder(route: string): VirtualHost {
  return {
    name: placeholderOf(route),
    domains: [`${PLACEHOLDER}.invalid`],
    routes: [{ match: { prefix: "/" }, directResponse: { status: 503 } }],
  };
}

export function isPlaceholder(resource: string): boolean {
  return resource.endsWith(`/${PLACEHOLDER}`);
}

/**
 * A virtual host by the one authority that was asked for. Envoy takes it away again by its name, so that has to be the name that was
 * asked for; and no two of a table may have a domain in common, so it has this one alone.
 */
export function asAsked(found: VirtualHost, resource: string, authority: string): VirtualHost {
  const { routes = [], ...rest } = conclusive(found);
  return { ...rest, routes: routes.map(closed), name: resource, domains: [authority] };
}

/**
 * A virtual host that has an answer for every request: where there is no route Envoy asks for the host again, and waits.
 */
export function conclusive(host: VirtualHost): VirtualHost {
  const { routes = [], ...rest } = patient(host);
  return { ...rest, routes: takesAll(routes.at(-1)) ? routes : [...routes, NOT_FOUND] };
}

/** Requests that have found their route may be silent for as long as they like. */
export function patient(host: VirtualHost): VirtualHost {
  return { ...host, routes: (host.routes ?? []).map(withoutIdleTimeout) };
}

/** A request that has asked passes filters by that its route brings along: until its client has the whole table it is refused. */
function closed(route: Route): Route {
  if (route.typedPerFilterConfig?.[ROUTE_FILTERS] === undefined) return route;
  const { route: _, redirect: __, directResponse: ___, ...rest } = route;
  return { ...rest, directResponse: { status: 503 } };
}

const NOT_FOUND: Route = {
  name: "not_found",
  match: { prefix: "/" },
  directResponse: { status: 404 },
};

function withoutIdleTimeout(route: Route): Route {
  if (route.route === undefined || route.route.idleTimeout !== undefined) return route;
  return { ...route, route: { idleTimeout: "0s", ...route.route } };
}

function takesAll(route: Route | undefined): boolean {
  const match = route?.match;
  return match?.prefix === "/" && Object.keys(match).length === 1;
}
