/** Fields of the Gateway API that translation does not yet put into effect. */
import type { PlannedField } from "./planned.ts";

export const plannedGatewayApi: readonly PlannedField[] = [
  ...["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"].map((kind): PlannedField => ({
    kind,
    path: "useDefaultGateways",
    level: "Error",
  })),
  { kind: "Gateway", path: "defaultScope", level: "Warning" },
  { kind: "Gateway", path: "infrastructure", level: "Warning" },
  ...["Gateway", "ListenerSet", "XListenerSet"].map((kind): PlannedField => ({
    kind,
    path: "listeners[].tls.options",
    level: "Warning",
  })),
  { kind: "BackendTLSPolicy", path: "options", level: "Warning" },
];
