/** What becomes of a Gateway's listeners and of routes that rival each other, decided once for everybody who asks. */
import { type ListenerEntry, listenersOf, type RivalRoutes, routeRivalsOf } from "@heddle/model";
import { derivation } from "../../read.ts";

/** By `namespace/name` of the Gateway. */
export const gatewayApiListeners = derivation<string, readonly ListenerEntry[]>(
  "form/gateway-api-listeners",
  (gateway) => gateway,
  (read, gateway) => listenersOf(read.gatewayApi, gateway),
);

/** By the parent of routes, `parentKey`. */
export const gatewayApiRivals = derivation<string, RivalRoutes>(
  "form/gateway-api-rivals",
  (parent) => parent,
  (read, parent) => routeRivalsOf(read.gatewayApi, parent),
);
