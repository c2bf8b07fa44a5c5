/** The filter that checks tokens, of all RequestAuthentications that hold for a workload or gateway together. */
import type { TypedExtensionConfig } from "@heddle/envoy/config/core/v3";
import type { HttpFilter } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import type {
  JwtAuthentication,
  JwtClaimToHeader,
  JwtProvider,
} from "@heddle/envoy/extensions/filters/http/jwt_authn/v3";
import {
  claimPath,
  compareText,
  type JWTRule,
  objectKey,
  type RequestAuthentication,
} from "@heddle/model";
import { ADS } from "../ads.ts";
import type { HttpFeature } from "../filter/http-feature.ts";
import { JWT_FILTER, TOKEN_PAYLOAD } from "../filter/names.ts";
import type { ProxyDescription } from "../proxy.ts";
import { derivation, type ModelReader } from "../read.ts";
import { extension } from "../typed-config.ts";
import { inPlacesLeft } from "./places-left.ts";
import { type NamedRule, requirementOf } from "./requirement.ts";
import { keysOf } from "./signing-keys.ts";

const CONFIG = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";

/** Claims that hold several values with spaces between in every token (RFC 8693, section 4.2). */
export const SPACE_DELIMITED = ["permission", "scope"];

/**
 * The configuration comes by itself: keys change while connections go on, and a listener that changes closes those that it has.
 */
const FILTER: HttpFilter = {
  name: JWT_FILTER,
  configDiscovery: { configSource: ADS, typeUrls: [`type.googleapis.com/${CONFIG}`] },
};

export const tokenCheck: HttpFeature = {
  name: "tokens",
  filters: ({ guards }) =>
    guards.authentications.some(({ spec }) => spec.jwtRules?.length) ? [FILTER] : [],
};

/** What the filter of a proxy is configured with; undefined where there is none, and while keys are on their way. */
export function tokenCheckOf(
  read: ModelReader,
  proxy: ProxyDescription,
): TypedExtensionConfig | undefined {
  if (proxy.proxyless) return undefined;
  const policies = read.requestAuthentications(proxy).map(objectKey);
  return policies.length === 0
    ? undefined
    : read.get(tokenCheckConfig, { policies, choosesRoutes: proxy.type === "router" });
}

interface TokenCheckKey {
  /** Keys of RequestAuthentications. */
  readonly policies: readonly string[];
  /** Routes are chosen by claims, and so anew once a token was read. */
  readonly choosesRoutes: boolean;
}

const tokenCheckConfig = derivation<TokenCheckKey, TypedExtensionConfig | undefined>(
  "authentication/token-check",
  ({ policies, choosesRoutes }) => JSON.stringify([choosesRoutes, ...policies]),
  (read, { policies, choosesRoutes }) => {
    const all = policies.flatMap(
      (key) => read.object<RequestAuthentication>(key)?.spec.jwtRules ?? [],
    );
    const rules = inPlacesLeft(all)
      .toSorted((a, b) => compareText(a.issuer ?? "", b.issuer ?? ""))
      .map((rule, index): NamedRule => ({ name: `origins-${index}`, rule }));
    if (rules.length === 0) return undefined;
    const providers: Record<string, JwtProvider> = {};
    for (const { name, rule } of rules) {
      const keys = keysOf(rule, (source) => read.signingKeys(source));
      if (keys === undefined) return undefined;
      providers[name] = providerOf(rule, keys, choosesRoutes);
    }
    return extension<JwtAuthentication>(JWT_FILTER, CONFIG, {
      providers,
      rules: [{ match: { prefix: "/" }, requires: requirementOf(rules) }],
      // A browser that asks whether it may ask has no token to show yet.
      bypassCorsPreflight: true,
    });
  },
);

function providerOf(rule: JWTRule, keys: string, clearRouteCache: boolean): JwtProvider {
  const {
    issuer,
    audiences = [],
    fromHeaders = [],
    fromParams = [],
    fromCookies = [],
    outputPayloadToHeader,
    outputClaimToHeaders = [],
    forwardOriginalToken,
    spaceDelimitedClaims = [],
  } = rule;
  return {
    ...(issuer ? { issuer } : {}),
    ...(audiences.length > 0 ? { audiences } : {}),
    localJwks: { inlineString: keys },
    ...(fromHeaders.length > 0
      ? {
          fromHeaders: fromHeaders.map(({ name, prefix }) => ({
            name,
            ...(prefix ? { valuePrefix: prefix } : {}),
          })),
        }
      : {}),
    ...(fromParams.length > 0 ? { fromParams } : {}),
    ...(fromCookies.length > 0 ? { fromCookies } : {}),
    ...(forwardOriginalToken ? { forward: true } : {}),
    ...(outputPayloadToHeader ? { forwardPayloadHeader: outputPayloadToHeader } : {}),
    ...(outputClaimToHeaders.length > 0
      ? { claimToHeaders: outputClaimToHeaders.map(claimToHeader) }
      : {}),
    payloadInMetadata: TOKEN_PAYLOAD,
    normalizePayloadInMetadata: {
      spaceDelimitedClaims: [...new Set([...SPACE_DELIMITED, ...spaceDelimitedClaims])].toSorted(),
    },
    ...(clearRouteCache ? { clearRouteCache } : {}),
  };
}

/** Envoy takes dots for steps; brackets are for names that have some. */
function claimToHeader({
  header,
  claim,
}: NonNullable<JWTRule["outputClaimToHeaders"]>[number]): JwtClaimToHeader {
  const path = claim.startsWith("[") ? claimPath(claim) : undefined;
  return {
    headerName: header,
    ...(path ? { claimPath: path.map((key) => ({ key })) } : { claimName: claim }),
  };
}
