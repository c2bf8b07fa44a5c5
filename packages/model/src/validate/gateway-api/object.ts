/** What an object of the Gateway API may not say, whichever kind it is. */
import type { Gateway, ListenerSet } from "../../kinds/gateway-api/gateway.ts";
import type { GRPCRoute } from "../../kinds/gateway-api/grpc-route.ts";
import type { HTTPRoute } from "../../kinds/gateway-api/http-route.ts";
import type { BackendTLSPolicy } from "../../kinds/gateway-api/policy.ts";
import type { StreamRoute, TLSRoute } from "../../kinds/gateway-api/stream-route.ts";
import type { MeshObject } from "../../object.ts";
import type { Report } from "../report.ts";
import { checkKubernetesGateway, checkListenerSet } from "./gateway.ts";
import { checkBackendTlsPolicy } from "./policies.ts";
import {
  checkGrpcRoute,
  checkKubernetesHttpRoute,
  checkStreamRoute,
  checkTlsRoute,
} from "./routes.ts";

export function checkGatewayApi({ apiVersion, kind, spec }: MeshObject, report: Report): void {
  const version = apiVersion.slice(apiVersion.indexOf("/") + 1);
  switch (kind) {
    case "Gateway":
      return checkKubernetesGateway(spec as Gateway, report);
    case "ListenerSet":
      return checkListenerSet(spec as ListenerSet, { experimental: false }, report);
    case "XListenerSet":
      return checkListenerSet(spec as ListenerSet, { experimental: true }, report);
    case "HTTPRoute":
      return checkKubernetesHttpRoute(spec as HTTPRoute, report);
    case "GRPCRoute":
      return checkGrpcRoute(spec as GRPCRoute, report);
    case "TLSRoute":
      return checkTlsRoute(spec as TLSRoute, version, report);
    case "TCPRoute":
    case "UDPRoute":
      return checkStreamRoute(spec as StreamRoute, version, report);
    case "BackendTLSPolicy":
      return checkBackendTlsPolicy(spec as BackendTLSPolicy, report);
  }
}
