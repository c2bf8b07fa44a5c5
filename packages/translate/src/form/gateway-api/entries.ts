/** What becomes of a Gateway's listeners, decided once for everybody who asks. */
import { type ListenerEntry, listenersOf } from "@heddle/model";
import { derivation } from "../../read.ts";

/** By `namespace/name` of the Gateway. */
export const gatewayApiListeners = derivation<string, readonly ListenerEntry[]>(
  "form/gateway-api-listeners",
  (gateway) => gateway,
  (read, gateway) => listenersOf(read.gatewayApi, gateway),
);
