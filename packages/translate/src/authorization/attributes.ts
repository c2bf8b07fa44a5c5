/** Every attribute that a rule may ask of, and what Envoy matches it by. */
import type { HeaderMatcher } from "@heddle/envoy/config/route/v3";
import type { Permission, Principal } from "@heddle/envoy/config/rbac/v3";
import type { UriTemplateMatchConfig } from "@heddle/envoy/extensions/path/match/uri_template/v3";
import type { MetadataMatcher, ValueMatcher } from "@heddle/envoy/type/matcher/v3";
import { subnetOf } from "../listener/subnet.ts";
import type { TrustDomains } from "../trust-domains.ts";
import { extension } from "../typed-config.ts";
import { type Facts, headerSaid, metadataSaid, said, tokenSaid } from "./facts.ts";
import {
  ofNamespace,
  ofServiceAccount,
  ofTrustDomain,
  principalNamed,
  underEveryName,
  withEveryName,
} from "./identity.ts";
import { matcherOf } from "./string-match.ts";
import { anyOf, claimIs, requestPrincipal } from "./token.ts";

/** Where a rule stands: what its values mean depends on it. */
export interface Place {
  /** Of the policy. */
  readonly namespace: string;
  readonly trustDomains: TrustDomains;
  /** A connection has nothing that only requests have. */
  readonly layer: "http" | "tcp";
}

/** Matches any of some values, of which there is at least one. */
type AnyOf<T> = (values: readonly string[], place: Place) => T;

/** What a request has of an attribute, for people to read; undefined where nobody knows. */
type Has = (facts: Facts) => readonly string[] | undefined;

interface OfAnySide<T> {
  readonly http: boolean;
  readonly anyOf: AnyOf<T>;
  readonly has: Has;
}

/** Envoy asks what is done and who does it apart, and wants each attribute on its own side. */
export type Attribute =
  | (OfAnySide<Permission> & { readonly side: "operation" })
  | (OfAnySide<Principal> & { readonly side: "source" });

export const host = operation(
  (value) => ({ header: header(":authority", value, true) }),
  headerSaid(":authority"),
  "http",
);
export const method = operation(
  (value) => ({ header: header(":method", value) }),
  headerSaid(":method"),
  "http",
);
export const path = operation(pathIs, headerSaid(":path"), "http");
export const port = operation(
  (value) => ({ destinationPort: Number(value) }),
  ({ localPort }) => [String(localPort)],
);

const identities: Has = (facts) => facts.identities;

export const principal = source(principalNamed, identities, underEveryName);
export const namespace = source(
  (value, { trustDomains }) => ofNamespace(value, trustDomains),
  identities,
);
export const serviceAccount = source(
  (value, place) => ofServiceAccount(value, place.namespace, place.trustDomains),
  identities,
);
export const trustDomain = source(ofTrustDomain, identities, withEveryName);
/** Of the connection. */
export const address = source(
  (value) => ({ directRemoteIp: subnetOf(value) }),
  said("directRemoteAddress"),
);
/** Of the client as proxies before tell of it, by x-forwarded-for or PROXY protocol. */
export const remoteAddress = source(
  (value) => ({ remoteIp: subnetOf(value) }),
  said("remoteAddress"),
);
export const tokenPrincipal = source(
  (value) => ({ andIds: { ids: requestPrincipal(value).map(metadataOf) } }),
  tokenSaid(["iss"], ["sub"]),
  undefined,
  "http",
);

const CONDITIONS: Readonly<Record<string, Attribute>> = {
  "source.ip": address,
  "remote.ip": remoteAddress,
  "source.namespace": namespace,
  "source.serviceAccount": serviceAccount,
  "source.trustDomain": trustDomain,
  "source.principal": principal,
  "request.auth.principal": tokenPrincipal,
  "request.auth.audiences": claims(["aud"]),
  "request.auth.presenter": claims(["azp"]),
  "destination.ip": operation(
    (value) => ({ destinationIp: subnetOf(value) }),
    said("localAddress"),
  ),
  "destination.port": port,
  "connection.sni": operation(
    (value) => ({ requestedServerName: matcherOf(value) }),
    said("serverName"),
  ),
};

const HEADER = "request.headers";
const CLAIM = "request.auth.claims";
const METADATA = "experimental.envoy.filters.";

/** By the key of a condition; undefined for one that nobody knows. */
export function attributeOf(key: string): Attribute | undefined {
  if (Object.hasOwn(CONDITIONS, key)) return CONDITIONS[key];
  if (key.startsWith(HEADER)) {
    const name = inBrackets(key.slice(HEADER.length));
    return name
      ? source((value) => ({ header: header(name, value) }), headerSaid(name), undefined, "http")
      : undefined;
  }
  if (key.startsWith(CLAIM)) {
    const inside = inBrackets(key.slice(CLAIM.length));
    return inside ? claims(nested(inside)) : undefined;
  }
  return key.startsWith(METADATA) ? filterMetadata(key.slice("experimental.".length)) : undefined;
}

function operation(
  match: (value: string, place: Place) => Permission,
  has: Has,
  layer: Place["layer"] = "tcp",
): Attribute {
  const anyOf: AnyOf<Permission> = (values, place) => ({
    orRules: { rules: values.map((value) => match(value, place)) },
  });
  return { side: "operation", http: layer === "http", anyOf, has };
}

/** `expand` gives the values under other names, too. */
function source(
  match: (value: string, place: Place) => Principal,
  has: Has,
  expand: (values: readonly string[], mesh: TrustDomains) => readonly string[] = (values) => values,
  layer: Place["layer"] = "tcp",
): Attribute {
  const anyOf: AnyOf<Principal> = (values, place) => ({
    orIds: { ids: expand(values, place.trustDomains).map((value) => match(value, place)) },
  });
  return { side: "source", http: layer === "http", anyOf, has };
}

function claims(path: readonly string[]): Attribute {
  return {
    side: "source",
    http: true,
    anyOf: (values) => metadataOf(claimIs(path, values)),
    has: tokenSaid(path),
  };
}

/** `envoy.filters.a.b[c]`: what the filter `envoy.filters.a.b` has left under `c`; a value in brackets is one of a list. */
function filterMetadata(key: string): Attribute | undefined {
  const open = key.indexOf("[");
  if (open < 0 || !key.endsWith("]")) return undefined;
  const filter = key.slice(0, open);
  const name = key.slice(open + 1, -1);
  return {
    side: "operation",
    http: false,
    anyOf: (values) =>
      metadataOf({ filter, path: [{ key: name }], value: anyOf(values.map(valueOrItem)) }),
    has: metadataSaid(filter, [name]),
  };
}

function valueOrItem(value: string): ValueMatcher {
  if (!value.startsWith("[") || !value.endsWith("]")) return { stringMatch: matcherOf(value) };
  return {
    listMatch: { oneOf: { stringMatch: matcherOf(value.replaceAll(/^[[\]]+|[[\]]+$/g, "")) } },
  };
}

/** Both sides have it under this name. */
function metadataOf(metadataMatcher: MetadataMatcher) {
  return { sourcedMetadata: { metadataMatcher } };
}

function header(name: string, value: string, ignoreCase = false): HeaderMatcher {
  if (value === "*") return { name, presentMatch: true };
  return { name, stringMatch: { ...matcherOf(value), ...(ignoreCase ? { ignoreCase } : {}) } };
}

/** Without the query; `{*}` is a segment, `{**}` any number of them. */
function pathIs(value: string): Permission {
  if (!/\{\*{1,2}\}/.test(value)) return { urlPath: { path: matcherOf(value) } };
  return {
    uriTemplate: extension<UriTemplateMatchConfig>(
      "uri-template",
      "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
      { pathTemplate: value.replaceAll(/\{(\*{1,2})\}/g, "$1") },
    ),
  };
}

function inBrackets(text: string): string | undefined {
  return text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : undefined;
}

/** `a][b` of `[a][b]` is a claim inside of another; with brackets in any other place it is one claim's name. */
function nested(inside: string): readonly string[] {
  const parts = inside.split("][");
  return parts.some((part) => /[[\]]/.test(part)) ? [inside] : parts;
}
