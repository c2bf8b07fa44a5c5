/** Rate limits: a filter that counts in the proxy, and one that asks the agent, which counts for all proxies. */
import type { HeaderMatcher, RateLimit, RateLimit_Action } from "@heddle/envoy/config/route/v3";
import type { LocalRateLimit } from "@heddle/envoy/extensions/filters/http/local_ratelimit/v3";
import type { RateLimit as GlobalRateLimit } from "@heddle/envoy/extensions/filters/http/ratelimit/v3";
import type { HttpFilter } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import type { Descriptor } from "@heddle/envoy/extensions/rate_limit_descriptors/expr/v3";
import {
  claimPath,
  type Limit,
  type LimitKey,
  type LimitMatch,
  type MeshObject,
  parseDuration,
  type PresentMatch,
  protoDuration,
  type RateLimit as RateLimitSpec,
  type StringMatch,
} from "@heddle/model";
import { XDS_CLUSTER } from "../names.ts";
import { stringMatcher } from "../route/string-match.ts";
import { extension } from "../typed-config.ts";
import type { HttpFeature } from "./http-feature.ts";
import {
  GLOBAL_RATE_LIMIT_FILTER,
  LOCAL_RATE_LIMIT_FILTER,
  JWT_FILTER,
  TOKEN_PAYLOAD,
} from "./names.ts";

/** What the agent counts by begins with this; a mesh has an agent of its own, so no name of it is needed. */
const DOMAIN = "heddle";
/** Longer than an agent takes to ask another one; a request should not wait longer to be counted. */
const ANSWER_WITHIN = "0.250s";
/** Values of headers and the like that a proxy counts at a time; the least recently seen is forgotten. */
const COUNTED_AT_A_TIME = 10_000;

const ALWAYS = { defaultValue: { numerator: 100, denominator: "HUNDRED" } } as const;

export const rateLimits: HttpFeature = {
  name: "rate limits",
  filters({ guards }) {
    const all = guards.limits.flatMap(named);
    const local = all.filter(({ limit }) => limit.scope !== "GLOBAL");
    const global = all.filter(({ limit }) => limit.scope === "GLOBAL");
    return [
      ...(local.length > 0 ? [localFilter(local)] : []),
      ...(["ALLOW", "DENY"] as const).flatMap((onFailure) => {
        const these = global.filter((each) => each.onFailure === onFailure);
        return these.length > 0 ? [globalFilter(these, onFailure)] : [];
      }),
    ];
  },
};

interface NamedLimit {
  /** `namespace/object/limit`. */
  readonly id: string;
  readonly limit: Limit;
  readonly onFailure: "ALLOW" | "DENY";
}

function named({ metadata, spec }: MeshObject<RateLimitSpec>): readonly NamedLimit[] {
  return spec.limits.map((limit, index) => ({
    id: `${metadata.namespace}/${metadata.name}/${limit.name ?? index}`,
    limit,
    onFailure: spec.onFailure ?? "ALLOW",
  }));
}

function localFilter(limits: readonly NamedLimit[]): HttpFilter {
  return extension<LocalRateLimit>(
    LOCAL_RATE_LIMIT_FILTER,
    "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
    {
      statPrefix: "rate_limit",
      filterEnabled: ALWAYS,
      filterEnforced: ALWAYS,
      rateLimits: limits.map(({ id, limit }) => ({ actions: actionsOf(id, limit) })),
      descriptors: limits.map(({ id, limit }) => ({
        entries: [
          { key: "limit", value: id },
          ...(limit.match?.route === undefined ? [] : [{ key: "route", value: ON_ROUTE }]),
          // An empty value stands for any: each has a bucket of its own.
          ...(limit.by ?? []).map((key) => ({ key: keyName(key), value: "" })),
        ],
        tokenBucket: {
          maxTokens: limit.burst ?? limit.requests,
          tokensPerFill: limit.requests,
          fillInterval: protoDuration(limit.per),
        },
        ...(limit.shadow ? { shadowMode: true } : {}),
      })),
      maxDynamicDescriptors: COUNTED_AT_A_TIME,
      enableXRatelimitHeaders: "DRAFT_VERSION_03",
      enableRetryAfterHeader: true,
    },
  );
}

function globalFilter(limits: readonly NamedLimit[], onFailure: "ALLOW" | "DENY"): HttpFilter {
  return extension<GlobalRateLimit>(
    `${GLOBAL_RATE_LIMIT_FILTER}.${onFailure.toLowerCase()}`,
    "envoy.extensions.filters.http.ratelimit.v3.RateLimit",
    {
      domain: DOMAIN,
      timeout: ANSWER_WITHIN,
      failureModeDeny: onFailure === "DENY",
      rateLimitService: {
        grpcService: { envoyGrpc: { clusterName: XDS_CLUSTER }, timeout: ANSWER_WITHIN },
        transportApiVersion: "V3",
      },
      rateLimits: limits.map(({ id, limit }): RateLimit => ({
        // What is counted says itself how much is let through: the agent needs no configuration to count.
        actions: [genericKey("quota", quotaOf(limit)), ...actionsOf(id, limit)],
      })),
      enableXRatelimitHeaders: "DRAFT_VERSION_03",
      enableRetryAfterHeader: true,
    },
  );
}

/** `<requests>/<seconds>`, and `/shadow` where nothing is refused. */
function quotaOf({ requests, per, shadow }: Limit): string {
  return `${requests}/${parseDuration(per) / 1000}${shadow ? "/shadow" : ""}`;
}

/** All of them must give a value, or the request does not count for this limit. */
function actionsOf(id: string, { match, by }: Limit): readonly RateLimit_Action[] {
  const headers = match ? headersOf(match) : [];
  return [
    headers.length > 0
      ? { headerValueMatch: { descriptorKey: "limit", descriptorValue: id, headers } }
      : genericKey("limit", id),
    ...(match?.route === undefined
      ? []
      : // A map without the route's name has no answer, which is how an expression says no.
        [expression("route", `{${celText(match.route)}: ${celText(ON_ROUTE)}}[xds.route_name]`)]),
    ...(by ?? []).map(keyAction),
  ];
}

const ON_ROUTE = "yes";

function genericKey(descriptorKey: string, descriptorValue: string): RateLimit_Action {
  return { genericKey: { descriptorKey, descriptorValue } };
}

function expression(descriptorKey: string, text: string): RateLimit_Action {
  return {
    extension: extension<Descriptor>(
      "envoy.rate_limit_descriptors.expr",
      "envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor",
      { descriptorKey, text },
    ),
  };
}

function celText(text: string): string {
  return JSON.stringify(text);
}

function headersOf({ path, method, authority, headers = {} }: LimitMatch): HeaderMatcher[] {
  const matches: [string, StringMatch | PresentMatch][] = [
    ...(path ? [[":path", path] as [string, StringMatch]] : []),
    ...(method ? [[":method", method] as [string, StringMatch]] : []),
    ...(authority ? [[":authority", authority] as [string, StringMatch]] : []),
    ...Object.entries(headers),
  ];
  return matches.map(([name, match]) => {
    const matcher = stringMatcher(match);
    return matcher ? { name, stringMatch: matcher } : { name, presentMatch: true };
  });
}

function keyName({ header, queryParameter, claim, source }: LimitKey): string {
  if (header !== undefined) return `header:${header.toLowerCase()}`;
  if (queryParameter !== undefined) return `query:${queryParameter}`;
  if (claim !== undefined) return `claim:${claim}`;
  // Envoy gives the address under this name and no other.
  return source === "PRINCIPAL" ? "principal" : "remote_address";
}

function keyAction(key: LimitKey): RateLimit_Action {
  const descriptorKey = keyName(key);
  if (key.header !== undefined)
    return { requestHeaders: { headerName: key.header, descriptorKey } };
  if (key.queryParameter !== undefined) {
    return { queryParameters: { queryParameterName: key.queryParameter, descriptorKey } };
  }
  if (key.claim !== undefined) {
    const path = [TOKEN_PAYLOAD, ...(claimPath(key.claim) ?? [])].map((name) => ({ key: name }));
    return {
      metadata: { descriptorKey, source: "DYNAMIC", metadataKey: { key: JWT_FILTER, path } },
    };
  }
  return key.source === "PRINCIPAL"
    ? expression(descriptorKey, "connection.uri_san_peer_certificate")
    : { remoteAddress: {} };
}
