/**
 * Envoy's access control (`envoy.filters.http.rbac`, `envoy.filters.network.rbac`, and which requests `ext_authz` is asked of),
 * written from its documentation; `envoy.test.ts` holds it against the real one.
 */
import type { CidrRange } from "@heddle/envoy/config/core/v3";
import type { Permission, Policy, Principal, RBAC } from "@heddle/envoy/config/rbac/v3";
import type { HeaderMatcher } from "@heddle/envoy/config/route/v3";
import type { MetadataMatcher, StringMatcher, ValueMatcher } from "@heddle/envoy/type/matcher/v3";
import { BlockList } from "node:net";
import type { Question } from "./question.ts";

/** A filter as protobuf JSON has it. */
export interface AnyFilter {
  readonly name?: string | undefined;
  readonly typedConfig?: Readonly<Record<string, unknown>> | undefined;
}

export interface Verdict {
  readonly allowed: boolean;
  /** The rule that denied it; `none` where rules that allow are there and none matched. */
  readonly deniedBy?: string;
  /** Filters that ask a server, by their number; who is asked is taken to say yes. */
  readonly asked: readonly number[];
  /** What filters have left: results of shadow rules, and whether it is to be logged. */
  readonly left: Readonly<Record<string, string>>;
}

/** One filter after the other; what is denied meets no more of them. */
export function judge(filters: readonly AnyFilter[], question: Question): Verdict {
  const left: Record<string, string> = {};
  const asked: number[] = [];
  for (const [index, { name = "", typedConfig = {} }] of filters.entries()) {
    if (name.endsWith(".ext_authz")) {
      const { filterEnabledMetadata: when } = typedConfig as {
        filterEnabledMetadata?: MetadataMatcher;
      };
      if (!when || matchesMetadata(when, { [when.filter ?? ""]: left })) asked.push(index);
      continue;
    }
    const {
      rules,
      shadowRules,
      shadowRulesStatPrefix = "",
    } = typedConfig as {
      rules?: RBAC;
      shadowRules?: RBAC;
      shadowRulesStatPrefix?: string;
    };
    if (shadowRules) {
      const { allowed, matched } = decide(shadowRules, question);
      left[`${shadowRulesStatPrefix}shadow_engine_result`] = allowed ? "allowed" : "denied";
      if (matched) left[`${shadowRulesStatPrefix}shadow_effective_policy_id`] = matched;
    }
    if (!rules) continue;
    const { allowed, matched } = decide(rules, question);
    if (rules.action === "LOG") left["access_log_hint"] = String(matched !== undefined);
    if (!allowed) return { allowed, deniedBy: matched ?? "none", asked, left };
  }
  return { allowed: true, asked, left };
}

/** Policies are looked at in the order of their names. */
export function decide({ action = "ALLOW", policies = {} }: RBAC, question: Question) {
  const matched = Object.keys(policies)
    .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .find((name) => matchesPolicy(policies[name]!, question));
  const allowed = action === "LOG" || (action === "DENY" ? !matched : matched !== undefined);
  return { allowed, matched };
}

export function matchesPolicy({ permissions = [], principals = [] }: Policy, question: Question) {
  return (
    permissions.some((each) => matchesPermission(each, question)) &&
    principals.some((each) => matchesPrincipal(each, question))
  );
}

/** Throws where a permission has something that is not written down here. */
export function matchesPermission(permission: Permission, question: Question): boolean {
  const { andRules, orRules, notRule, any, header, urlPath, uriTemplate } = permission;
  const { destinationIp, destinationPort, requestedServerName } = permission;
  const metadata = permission.metadata ?? permission.sourcedMetadata?.metadataMatcher;
  if (andRules) return (andRules.rules ?? []).every((each) => matchesPermission(each, question));
  if (orRules) return (orRules.rules ?? []).some((each) => matchesPermission(each, question));
  if (notRule) return !matchesPermission(notRule, question);
  if (any) return true;
  if (header) return matchesHeader(header, question);
  if (urlPath) return matchesPath(urlPath.path ?? {}, question);
  if (uriTemplate) {
    const { pathTemplate } = uriTemplate.typedConfig as unknown as { pathTemplate: string };
    return templateOf(pathTemplate).test(pathOf(question) ?? "");
  }
  if (destinationIp) return within(question.localAddress, destinationIp);
  if (destinationPort !== undefined) return question.localPort === destinationPort;
  if (requestedServerName) return matchesText(requestedServerName, question.serverName);
  if (metadata) return matchesMetadata(metadata, question.metadata);
  throw new Error(`no such permission: ${JSON.stringify(permission)}`);
}

/** Throws where a principal has something that is not written down here. */
export function matchesPrincipal(principal: Principal, question: Question): boolean {
  const { andIds, orIds, notId, any, authenticated, directRemoteIp, remoteIp, header } = principal;
  const metadata = principal.metadata ?? principal.sourcedMetadata?.metadataMatcher;
  if (andIds) return (andIds.ids ?? []).every((each) => matchesPrincipal(each, question));
  if (orIds) return (orIds.ids ?? []).some((each) => matchesPrincipal(each, question));
  if (notId) return !matchesPrincipal(notId, question);
  if (any) return true;
  if (authenticated) {
    const { certificate } = question;
    if (!certificate) return false;
    const { principalName } = authenticated;
    if (!principalName) return true;
    return [...certificate.uris, ...certificate.names, certificate.subject].some((name) =>
      matchesText(principalName, name),
    );
  }
  if (directRemoteIp) return within(question.directRemoteAddress, directRemoteIp);
  if (remoteIp) return within(question.remoteAddress, remoteIp);
  if (header) return matchesHeader(header, question);
  if (metadata) return matchesMetadata(metadata, question.metadata);
  throw new Error(`no such principal: ${JSON.stringify(principal)}`);
}

function matchesHeader(
  { name = "", presentMatch, stringMatch }: HeaderMatcher,
  question: Question,
) {
  const value = question.headers[name.toLowerCase()];
  if (presentMatch !== undefined) return (value !== undefined) === presentMatch;
  return value !== undefined && matchesText(stringMatch ?? {}, value);
}

function matchesPath(matcher: StringMatcher, question: Question): boolean {
  const path = pathOf(question);
  return path !== undefined && matchesText(matcher, path);
}

/** Without query and fragment. */
function pathOf({ headers }: Question): string | undefined {
  return headers[":path"]?.replace(/[?#].*$/s, "");
}

// Of RFC 3986's characters of a path segment all but the asterisk.
const IN_SEGMENT = "[a-zA-Z0-9\\-._~%!$&'()+,;:@=]";

/** `*` is a segment that is not empty, `**` whatever follows. */
function templateOf(template: string): RegExp {
  const parts = template.split(/(\*{1,2})/).map((part) => {
    if (part === "**") return `(?:${IN_SEGMENT}|/)*`;
    return part === "*" ? `${IN_SEGMENT}+` : part.replaceAll(/[\\.+*?()|[\]{}^$]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`);
}

export function matchesText(matcher: StringMatcher, text: string): boolean {
  const fold = (value: string) => (matcher.ignoreCase ? value.toLowerCase() : value);
  const { exact, prefix, suffix, contains, safeRegex } = matcher;
  if (exact !== undefined) return fold(text) === fold(exact);
  if (prefix !== undefined) return fold(text).startsWith(fold(prefix));
  if (suffix !== undefined) return fold(text).endsWith(fold(suffix));
  if (contains !== undefined) return fold(text).includes(fold(contains));
  if (safeRegex?.regex !== undefined) return new RegExp(`^(?:${safeRegex.regex})$`).test(text);
  throw new Error(`no such match of a text: ${JSON.stringify(matcher)}`);
}

function matchesMetadata(
  { filter = "", path = [], value = {}, invert = false }: MetadataMatcher,
  metadata: Question["metadata"],
): boolean {
  const found = path.reduce<unknown>(
    (inner, { key = "" }) =>
      typeof inner === "object" &&
      inner !== null &&
      !Array.isArray(inner) &&
      Object.hasOwn(inner, key)
        ? (inner as Record<string, unknown>)[key]
        : undefined,
    metadata[filter],
  );
  return matchesValue(value, found) !== invert;
}

function matchesValue({ stringMatch, listMatch, orMatch }: ValueMatcher, value: unknown): boolean {
  if (stringMatch) return typeof value === "string" && matchesText(stringMatch, value);
  if (listMatch) {
    const { oneOf } = listMatch;
    return Array.isArray(value) && !!oneOf && value.some((each) => matchesValue(oneOf, each));
  }
  if (orMatch) return (orMatch.valueMatchers ?? []).some((each) => matchesValue(each, value));
  throw new Error("no such match of a value");
}

function within(address: string, { addressPrefix = "", prefixLen = 0 }: CidrRange): boolean {
  const family = (text: string) => (text.includes(":") ? "ipv6" : "ipv4");
  if (family(address) !== family(addressPrefix)) return false;
  const range = new BlockList();
  range.addSubnet(addressPrefix, Number(prefixLen), family(addressPrefix));
  return range.check(address, family(address));
}
