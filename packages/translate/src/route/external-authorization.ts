/** Permission that a route's requests need of a server of the user's: Envoy's filter for it, brought along by the route. */
import type { ExtAuthz } from "@heddle/envoy/extensions/filters/http/ext_authz/v3";
import type { FilterChainConfigPerRoute } from "@heddle/envoy/extensions/filters/http/filter_chain/v3";
import {
  askedByGrpc,
  askedByHttp,
  type AskedServer,
  authorizerFilter,
  headersNamed,
} from "../filter/authorizer.ts";
import { ROUTE_FILTERS } from "../filter/names.ts";
import type { ExternalAuthorization } from "../form/rule-set.ts";
import { typedConfig } from "../typed-config.ts";
import { clusterOf } from "./destination.ts";
import type { RouteFeature } from "./rule.ts";

/** A server that has not answered by then has refused. */
const ANSWER_WITHIN = "5s";
/** Of an HTTP answer's headers these describe the answer itself, and would break the request. */
const OF_THE_ANSWER = "connection|content-length|keep-alive|te|trailer|transfer-encoding|upgrade";

export const externalAuthorization: RouteFeature = {
  name: "external authorization",
  apply(route, rule, context) {
    const { authorization } = rule;
    if (!authorization) return route;
    const cluster = clusterOf(authorization.destination, context);
    return {
      ...route,
      typedPerFilterConfig: {
        ...route.typedPerFilterConfig,
        [ROUTE_FILTERS]: typedConfig<FilterChainConfigPerRoute>(
          "envoy.extensions.filters.http.filter_chain.v3.FilterChainConfigPerRoute",
          { filterChain: { filters: [filterOf(authorization, cluster)] } },
        ),
      },
    };
  },
};

function filterOf(authorization: ExternalAuthorization, cluster: string) {
  const { destination, requestHeaders, maxBodyBytes } = authorization;
  const server = { cluster, host: destination.host, timeout: ANSWER_WITHIN };
  return authorizerFilter({
    statPrefix: "route",
    ...(requestHeaders.length > 0 ? { allowedHeaders: headersNamed(requestHeaders) } : {}),
    // A longer body is refused: a server that saw a part of it could be deceived by the rest.
    ...(maxBodyBytes > 0 ? { withRequestBody: { maxRequestBytes: maxBodyBytes } } : {}),
    ...(authorization.protocol === "GRPC"
      ? { grpcService: askedByGrpc(server) }
      : httpService(authorization, server)),
  });
}

function httpService(
  { path, responseHeaders }: ExternalAuthorization,
  server: AskedServer,
): Partial<ExtAuthz> {
  return {
    httpService: {
      serverUri: askedByHttp(server),
      ...(path === "" ? {} : { pathPrefix: path }),
      authorizationResponse: {
        allowedUpstreamHeaders:
          responseHeaders.length > 0
            ? headersNamed(responseHeaders)
            : { patterns: [{ safeRegex: { regex: "[^:].*" } }] },
      },
    },
    // Leaves the request its host as well, by itself.
    decoderHeaderMutationRules: { disallowExpression: { regex: `(?i:${OF_THE_ANSWER})` } },
  };
}
