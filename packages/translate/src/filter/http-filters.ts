/** Every HTTP filter of a listener, in the order in which requests pass them. */
import type { HttpFilter } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import { tokenCheck } from "../authentication/token-check.ts";
import { authorization, customAuthorization } from "./authorization.ts";
import { corsFilter } from "./cors.ts";
import { fallbackResponseFilter } from "./fallback-response.ts";
import { faultFilter } from "./fault.ts";
import { forwardProxyFilter } from "./forward-proxy.ts";
import { grpcMessages } from "./grpc-messages.ts";
import type { HttpContext, HttpFeature } from "./http-feature.ts";
import { onDemandFilter } from "../on-demand/filter.ts";
import { peerMetadata } from "./peer-metadata.ts";
import { overload } from "./overload.ts";
import { rateLimits } from "./rate-limit.ts";
import { requestBodies, requestChecks } from "./request-validation.ts";
import { routeFilters } from "./route-filters.ts";
import { sessionFilter } from "./session.ts";
import { routerFilter } from "./router.ts";

const HTTP_FILTERS: readonly HttpFeature[] = [
  // Before all others: those that come before it never see what the virtual host says of them, on its first request.
  onDemandFilter,
  // First of those that do something, so that what later filters refuse or abort is still counted for the peer that asked.
  peerMetadata,
  // Before fault: a preflight is answered, it is no request of the application and takes no fault.
  corsFilter,
  // After cors: a preflight is no request of the application. Before all that reads more of a request: what is too large, or
  // written in a way that nobody expects, is refused before anybody is asked about it.
  requestChecks,
  // After cors: a preflight has nothing by which its sender could be known. Before the token is read, as in Istio: the server that
  // is asked may be the one that gives it.
  customAuthorization,
  // After cors: a preflight has no token. Before all that may go by what a token says.
  tokenCheck,
  // Before limits: who is not let in takes nobody's share.
  authorization,
  // After cors: a preflight costs nothing. Before fault: what is refused was never served, well or badly.
  rateLimits,
  // After limits: what they refuse is not held back, and nobody is asked about it. Before overload: what is wrong with a request
  // says nothing of how its server is.
  requestBodies,
  // After limits: what they refuse is no sign of overload.
  overload,
  // Behind all that refuses for want of room: whoever is asked for permission is spared those requests. Before fault: a
  // request that is not let in never came to the service.
  routeFilters,
  // Before fault: an abort on purpose shows what a fallback answers. Behind what refuses: that is no failure.
  fallbackResponseFilter,
  // After everything that identifies and admits: a fault stands in for the service, not for the mesh.
  faultFilter,
  // Behind all that may rewrite the authority or answer itself: it resolves the host that the request goes to.
  forwardProxyFilter,
  // Behind all that refuses or answers itself: what goes to the service is counted, and what comes from it.
  grpcMessages,
  // Before the router, which it tells the endpoint; idle until a route asks for it.
  sessionFilter,
  // Envoy wants it last: nothing after it would ever run.
  routerFilter,
];

export function httpFilters(context: HttpContext): readonly HttpFilter[] {
  return HTTP_FILTERS.flatMap((feature) => feature.filters(context));
}
