/** Servers that are asked whether a request or a connection is let in: what Envoy's filters for that have in common. */
import type { GrpcService, HttpUri } from "@heddle/envoy/config/core/v3";
import type { ExtAuthz } from "@heddle/envoy/extensions/filters/http/ext_authz/v3";
import type { HttpFilter } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import type { ListStringMatcher } from "@heddle/envoy/type/matcher/v3";
import { extension } from "../typed-config.ts";
import { EXT_AUTHZ_FILTER } from "./names.ts";

export interface AskedServer {
  readonly cluster: string;
  /** What it is called in the question. */
  readonly host: string;
  /** As protobuf JSON has a duration. */
  readonly timeout: string;
}

/** Asks a server for each request; who that is, and how it is asked, is in `config`. */
export function authorizerFilter(config: ExtAuthz): HttpFilter {
  return extension<ExtAuthz>(
    EXT_AUTHZ_FILTER,
    "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
    { transportApiVersion: "V3", ...config },
  );
}

export function askedByGrpc({ cluster, host, timeout }: AskedServer): GrpcService {
  return { envoyGrpc: { clusterName: cluster, authority: host }, timeout };
}

export function askedByHttp({ cluster, host, timeout }: AskedServer): HttpUri {
  return { uri: `http://${host}`, cluster, timeout };
}

/** Headers in either case. */
export function headersNamed(names: readonly string[]): ListStringMatcher {
  return { patterns: names.map((name) => ({ exact: name, ignoreCase: true })) };
}
