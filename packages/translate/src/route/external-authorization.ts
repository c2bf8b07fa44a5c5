/** Permission that a route's requests need of a server of the user's: Envoy's filter for it, brought along by the route. */
import type { ExtAuthz } from "@heddle/envoy/extensions/filters/http/ext_authz/v3";
import type { FilterChainConfigPerRoute } from "@heddle/envoy/extensions/filters/http/filter_chain/v3";
import type { ListStringMatcher } from "@heddle/envoy/type/matcher/v3";
import { ROUTE_FILTERS } from "../filter/names.ts";
import type { ExternalAuthorization } from "../form/rule-set.ts";
import { extension, typedConfig } from "../typed-config.ts";
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
  const { requestHeaders, maxBodyBytes } = authorization;
  return extension<ExtAuthz>(
    "envoy.filters.http.ext_authz",
    "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
    {
      transportApiVersion: "V3",
      statPrefix: "route",
      ...(requestHeaders.length > 0 ? { allowedHeaders: named(requestHeaders) } : {}),
      // A longer body is refused: a server that saw a part of it could be deceived by the rest.
      ...(maxBodyBytes > 0 ? { withRequestBody: { maxRequestBytes: maxBodyBytes } } : {}),
      ...(authorization.protocol === "GRPC"
        ? {
            grpcService: {
              envoyGrpc: { clusterName: cluster, authority: authorization.destination.host },
              timeout: ANSWER_WITHIN,
            },
          }
        : httpService(authorization, cluster)),
    },
  );
}

function httpService(
  { destination, path, responseHeaders }: ExternalAuthorization,
  cluster: string,
): Partial<ExtAuthz> {
  return {
    httpService: {
      serverUri: { uri: `http://${destination.host}`, cluster, timeout: ANSWER_WITHIN },
      ...(path === "" ? {} : { pathPrefix: path }),
      authorizationResponse: {
        allowedUpstreamHeaders:
          responseHeaders.length > 0
            ? named(responseHeaders)
            : { patterns: [{ safeRegex: { regex: "[^:].*" } }] },
      },
    },
    // Leaves the request its host as well, by itself.
    decoderHeaderMutationRules: { disallowExpression: { regex: `(?i:${OF_THE_ANSWER})` } },
  };
}

function named(headers: readonly string[]): ListStringMatcher {
  return { patterns: headers.map((name) => ({ exact: name, ignoreCase: true })) };
}
