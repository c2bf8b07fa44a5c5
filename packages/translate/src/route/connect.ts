/** CONNECT requests that a rule asks for: they go on to the destination as they are, and what follows goes both ways. */
import type { RouteFeature } from "./rule.ts";

export const connect: RouteFeature = {
  name: "connect",
  apply(route) {
    if (!route.match?.connectMatcher || !route.route) return route;
    return { ...route, route: { ...route.route, upgradeConfigs: [{ upgradeType: "CONNECT" }] } };
  },
};
