/**
 * Whether what a rule becomes in Envoy matches what is known of a request. Where something is not known there may be no answer, as in
 * Kleene's logic of three values: one that holds is enough for `any of`, whatever the others are.
 */
import type { Permission, Principal } from "@heddle/envoy/config/rbac/v3";
import type { HeaderMatcher } from "@heddle/envoy/config/route/v3";
import type { CidrRange } from "@heddle/envoy/config/core/v3";
import type { MetadataMatcher, StringMatcher, ValueMatcher } from "@heddle/envoy/type/matcher/v3";
import { subnetOf } from "../listener/subnet.ts";
import { ABSENT, type Facts, headerOf, type Known, metadataOf } from "./facts.ts";
import { literally } from "./string-match.ts";

/** Undefined: nobody knows. */
export type Truth = boolean | undefined;

export function every<T>(all: Iterable<T>, holds: (each: T) => Truth): Truth {
  let truth: Truth = true;
  for (const each of all) {
    const one = holds(each);
    if (one === false) return false;
    if (one === undefined) truth = undefined;
  }
  return truth;
}

export function some<T>(all: Iterable<T>, holds: (each: T) => Truth): Truth {
  return not(every(all, (each) => not(holds(each))));
}

export function not(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

/** Throws for what no rule becomes. */
export function permits(permission: Permission, facts: Facts): Truth {
  const { andRules, orRules, notRule, any, header, urlPath, uriTemplate } = permission;
  const { destinationIp, destinationPort, requestedServerName, sourcedMetadata } = permission;
  if (andRules) return every(andRules.rules ?? [], (each) => permits(each, facts));
  if (orRules) return some(orRules.rules ?? [], (each) => permits(each, facts));
  if (notRule) return not(permits(notRule, facts));
  if (any) return true;
  if (header) return isHeader(header, facts);
  if (urlPath) return about(pathOf(facts), (path) => isText(urlPath.path ?? {}, path));
  if (uriTemplate) {
    const { pathTemplate } = uriTemplate.typedConfig as unknown as { pathTemplate: string };
    return about(pathOf(facts), (path) => templateOf(pathTemplate).test(path));
  }
  if (destinationIp) return about(facts.localAddress, (address) => within(address, destinationIp));
  if (destinationPort !== undefined) return facts.localPort === destinationPort;
  if (requestedServerName)
    return about(facts.serverName, (name) => isText(requestedServerName, name));
  if (sourcedMetadata?.metadataMatcher) return isLeft(sourcedMetadata.metadataMatcher, facts);
  throw new TypeError(`no rule becomes the permission ${JSON.stringify(permission)}`);
}

/** Throws for what no rule becomes. */
export function identifies(principal: Principal, facts: Facts): Truth {
  const { andIds, orIds, notId, any, authenticated, directRemoteIp, remoteIp } = principal;
  const { header, sourcedMetadata } = principal;
  if (andIds) return every(andIds.ids ?? [], (each) => identifies(each, facts));
  if (orIds) return some(orIds.ids ?? [], (each) => identifies(each, facts));
  if (notId) return not(identifies(notId, facts));
  if (any) return true;
  if (authenticated)
    return (
      facts.identities &&
      facts.identities.some((name) => isText(authenticated.principalName ?? {}, name))
    );
  if (directRemoteIp)
    return about(facts.directRemoteAddress, (address) => within(address, directRemoteIp));
  if (remoteIp) return about(facts.remoteAddress, (address) => within(address, remoteIp));
  if (header) return isHeader(header, facts);
  if (sourcedMetadata?.metadataMatcher) return isLeft(sourcedMetadata.metadataMatcher, facts);
  throw new TypeError(`no rule becomes the principal ${JSON.stringify(principal)}`);
}

function about<T>(known: Known<T>, holds: (value: T) => boolean): Truth {
  if (known === undefined) return undefined;
  return known === ABSENT ? false : holds(known as T);
}

function isHeader({ name = "", presentMatch, stringMatch }: HeaderMatcher, facts: Facts): Truth {
  return about(
    headerOf(facts, name),
    (value) => presentMatch === true || isText(stringMatch ?? {}, value),
  );
}

/** Without query and fragment. */
function pathOf(facts: Facts): Known<string> {
  const path = headerOf(facts, ":path");
  return typeof path === "string" ? path.replace(/[?#].*$/s, "") : path;
}

/** Of RFC 3986's characters of a path segment all but the asterisk, as Envoy has it. */
const IN_SEGMENT = "[a-zA-Z0-9\\-._~%!$&'()+,;:@=]";

/** `*` is a segment that is not empty, `**` whatever follows. */
function templateOf(template: string): RegExp {
  const parts = template.split(/(\*{1,2})/).map((part) => {
    if (part === "**") return `(?:${IN_SEGMENT}|/)*`;
    return part === "*" ? `${IN_SEGMENT}+` : literally(part);
  });
  return new RegExp(`^${parts.join("")}$`);
}

function isText({ exact, prefix, suffix, safeRegex, ignoreCase }: StringMatcher, text: string) {
  const fold = (value: string) => (ignoreCase ? value.toLowerCase() : value);
  if (exact !== undefined) return fold(text) === fold(exact);
  if (prefix !== undefined) return fold(text).startsWith(fold(prefix));
  if (suffix !== undefined) return fold(text).endsWith(fold(suffix));
  // RE2's, of which rules become nothing that JavaScript reads otherwise.
  return new RegExp(`^(?:${safeRegex?.regex ?? ""})$`).test(text);
}

function isLeft({ filter = "", path = [], value = {} }: MetadataMatcher, facts: Facts): Truth {
  const keys = path.map(({ key = "" }) => key);
  return about(metadataOf(facts, filter, keys), (found) => isValue(value, found));
}

function isValue({ stringMatch, listMatch, orMatch }: ValueMatcher, value: unknown): boolean {
  if (stringMatch) return typeof value === "string" && isText(stringMatch, value);
  const oneOf = listMatch?.oneOf;
  if (oneOf) return Array.isArray(value) && value.some((each) => isValue(oneOf, each));
  return (orMatch?.valueMatchers ?? []).some((each) => isValue(each, value));
}

/** An address of the other family is in no subnet of this one. */
function within(address: string, { addressPrefix = "", prefixLen }: CidrRange): boolean {
  if (address.includes(":") !== addressPrefix.includes(":")) return false;
  return subnetOf(`${address}/${String(prefixLen)}`).addressPrefix === addressPrefix;
}
