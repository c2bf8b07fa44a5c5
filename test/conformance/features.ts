/** What of the suite is run: the core of each profile, and of what is claimed beyond it what belongs to them. */
import { SUPPORTED_FEATURES } from "@heddle/model";

/** Runs of the suite, each a process: their tests share nothing but the cluster, and most of their time is waiting. */
export const RUNS: readonly Run[] = [
  {
    name: "gateways",
    profiles: ["GATEWAY-HTTP", "GATEWAY-GRPC", "GATEWAY-TLS", "GATEWAY-TCP", "GATEWAY-UDP"],
    features: SUPPORTED_FEATURES,
  },
  {
    name: "mesh",
    profiles: ["MESH-HTTP", "MESH-GRPC"],
    features: [
      "GRPCRoute",
      "HTTPRoute",
      // Extended for gateways as well; of a mesh there are tests of these.
      "HTTPRoute303RedirectStatusCode",
      "HTTPRoute307RedirectStatusCode",
      "HTTPRoute308RedirectStatusCode",
      "HTTPRouteParentRefPort",
      "HTTPRouteResponseHeaderModification",
      "Mesh",
      "MeshConsumerRoute",
      "MeshHTTPRouteBackendRequestHeaderModification",
      "MeshHTTPRouteNamedRouteRule",
      "MeshHTTPRouteQueryParamMatching",
      "MeshHTTPRouteRedirectPath",
      "MeshHTTPRouteRedirectPort",
      "MeshHTTPRouteRewritePath",
      "MeshHTTPRouteSchemeRedirect",
    ],
  },
];

export interface Run {
  readonly name: string;
  readonly profiles: readonly string[];
  readonly features: readonly string[];
}
