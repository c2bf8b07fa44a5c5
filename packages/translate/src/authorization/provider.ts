/** Extension providers that CUSTOM policies name: which server that is, and how it is asked. */
import type { ExtAuthz as NetworkExtAuthz } from "@heddle/envoy/extensions/filters/network/ext_authz/v3";
import type { ExtAuthz } from "@heddle/envoy/extensions/filters/http/ext_authz/v3";
import type { ListStringMatcher } from "@heddle/envoy/type/matcher/v3";
import {
  type Authorizer,
  type ExtensionProvider,
  type HttpAuthorizer,
  protoDuration,
  type ServiceModel,
  statusName,
} from "@heddle/model";
import {
  askedByGrpc,
  askedByHttp,
  type AskedServer,
  authorizerFilter,
} from "../filter/authorizer.ts";
import { outboundCluster } from "../names.ts";
import type { ModelReader } from "../read.ts";
import { extension } from "../typed-config.ts";
import { NETWORK_EXT_AUTHZ_FILTER } from "../filter/names.ts";

/** A provider whose server the mesh has. */
export interface AskedProvider {
  readonly provider: ExtensionProvider;
  /** Full name, as services have it. */
  readonly host: string;
  readonly port: number;
}

/** Istio's; a server that has not answered by then could not be asked. */
const ANSWER_WITHIN = "600s";

/** Undefined where the mesh has no such provider, or none or several services that it could mean, or that have no such port. */
export function providerNamed(read: ModelReader, name: string): AskedProvider | undefined {
  const provider = read.mesh.extensionProviders?.find((each) => each.name === name);
  const authorizer = provider && authorizerOf(provider);
  if (!provider || !authorizer) return undefined;
  const slash = authorizer.service.indexOf("/");
  const host = authorizer.service.slice(slash + 1).toLowerCase();
  const meant = read
    .variants(host)
    .filter(({ namespace }) => slash < 0 || namespace === authorizer.service.slice(0, slash));
  const { port } = authorizer;
  return meant.length === 1 && meant.every((each) => hasPort(each, port))
    ? { provider, host, port }
    : undefined;
}

/** The ports of another name for a service are that service's. */
function hasPort({ ports }: ServiceModel, wanted: number): boolean {
  return ports.length === 0 || ports.some(({ port }) => port === wanted);
}

function authorizerOf(provider: ExtensionProvider): Authorizer | undefined {
  return provider.envoyExtAuthzHttp ?? provider.envoyExtAuthzGrpc;
}

type When = ExtAuthz["filterEnabledMetadata"];

/** Asks for the requests that `when` is true of. */
export function requestsAskedOf({ provider, host, port }: AskedProvider, when: When) {
  const { envoyExtAuthzHttp: http, envoyExtAuthzGrpc: grpc } = provider;
  const authorizer = (http ?? grpc) as Authorizer;
  const server = serverOf(authorizer, host, port);
  const { failOpen, statusOnError, clearRouteCache, includeRequestBodyInCheck } = authorizer;
  const code = statusName(statusOnError ?? "");
  return authorizerFilter({
    ...(http
      ? { httpService: httpService(http, server), ...headersSeen(http) }
      : { grpcService: askedByGrpc(server) }),
    ...(failOpen ? { failureModeAllow: true } : {}),
    ...(code ? { statusOnError: { code } } : {}),
    ...(clearRouteCache ? { clearRouteCache } : {}),
    ...(includeRequestBodyInCheck ? { withRequestBody: includeRequestBodyInCheck } : {}),
    filterEnabledMetadata: when,
  });
}

/** The same for connections, which only a server of Envoy's own protocol can be asked of: undefined for others. */
export function connectionsAskedOf({ provider, host, port }: AskedProvider, when: When) {
  const { envoyExtAuthzGrpc: grpc } = provider;
  if (!grpc) return undefined;
  return extension<NetworkExtAuthz>(
    NETWORK_EXT_AUTHZ_FILTER,
    "envoy.extensions.filters.network.ext_authz.v3.ExtAuthz",
    {
      transportApiVersion: "V3",
      statPrefix: "tcp.",
      grpcService: askedByGrpc(serverOf(grpc, host, port)),
      ...(grpc.failOpen ? { failureModeAllow: true } : {}),
      filterEnabledMetadata: when,
    },
  );
}

function serverOf({ timeout }: Authorizer, host: string, port: number): AskedServer {
  return {
    cluster: outboundCluster(host, port),
    host,
    timeout: timeout === undefined ? ANSWER_WITHIN : protoDuration(timeout),
  };
}

function headersSeen({
  includeHeadersInCheck = [],
  includeRequestHeadersInCheck = [],
}: HttpAuthorizer): Pick<ExtAuthz, "allowedHeaders"> {
  const names =
    includeRequestHeadersInCheck.length > 0 ? includeRequestHeadersInCheck : includeHeadersInCheck;
  return names.length > 0 ? { allowedHeaders: headersLike(names) } : {};
}

function httpService(http: HttpAuthorizer, server: AskedServer): ExtAuthz["httpService"] {
  const added = Object.entries(http.includeAdditionalHeadersInCheck ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ({ key, value }));
  const answer = {
    ...listed("allowedUpstreamHeaders", http.headersToUpstreamOnAllow),
    ...listed("allowedClientHeaders", http.headersToDownstreamOnDeny),
    ...listed("allowedClientHeadersOnSuccess", http.headersToDownstreamOnAllow),
  };
  return {
    serverUri: askedByHttp(server),
    ...(http.pathPrefix ? { pathPrefix: http.pathPrefix } : {}),
    ...(added.length > 0 ? { authorizationRequest: { headersToAdd: added } } : {}),
    ...(Object.keys(answer).length > 0 ? { authorizationResponse: answer } : {}),
  };
}

function listed(field: string, names: readonly string[] = []): Record<string, ListStringMatcher> {
  return names.length > 0 ? { [field]: headersLike(names) } : {};
}

/** Whole names, or by prefix or suffix, in either case. */
function headersLike(names: readonly string[]): ListStringMatcher {
  return {
    patterns: names.map((name) =>
      name.startsWith("*")
        ? { suffix: name.slice(1), ignoreCase: true }
        : name.endsWith("*")
          ? { prefix: name.slice(0, -1), ignoreCase: true }
          : { exact: name, ignoreCase: true },
    ),
  };
}
