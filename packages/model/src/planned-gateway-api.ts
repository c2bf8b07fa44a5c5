/** Fields of the Gateway API that translation does not yet put into effect. */
import { TLS_OPTIONS } from "./gateway-api/tls-options.ts";
import type { PlannedField } from "./planned.ts";

export const plannedGatewayApi: readonly PlannedField[] = [
  ...["Gateway", "ListenerSet", "XListenerSet"].map((kind): PlannedField => ({
    kind,
    path: "listeners[].tls.options",
    when: (options) => unread(options) !== undefined,
    what: (options) => `the option ${unread(options) ?? ""}`,
    level: "Warning",
    because: "inert",
    remedy: `Options that are read are ${TLS_OPTIONS.join(" and ")}.`,
  })),
  { kind: "BackendTLSPolicy", path: "options", level: "Warning", because: "inert" },
];

function unread(options: unknown): string | undefined {
  return Object.keys(options as object).find((name) => !TLS_OPTIONS.includes(name));
}
