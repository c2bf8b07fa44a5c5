/** Headers that a rule or a destination sets, adds and removes. */
import type { HeaderValueOption } from "@heddle/envoy/config/core/v3";
import type { Headers } from "@heddle/model";
import type { RouteFeature } from "./rule.ts";

export interface HeaderOperations {
  readonly requestHeadersToAdd?: readonly HeaderValueOption[];
  readonly requestHeadersToRemove?: readonly string[];
  readonly responseHeadersToAdd?: readonly HeaderValueOption[];
  readonly responseHeadersToRemove?: readonly string[];
}

export const headers: RouteFeature = {
  name: "headers",
  apply(route, rule) {
    return rule.headers ? { ...route, ...headerOperations(rule.headers) } : route;
  },
};

/** Envoy cannot change pseudo headers this way; `authorityOf` takes the one that matters. */
export function headerOperations(operations: Headers): HeaderOperations {
  const requestAdd = [
    ...options(operations.request?.set, "OVERWRITE_IF_EXISTS_OR_ADD"),
    ...options(operations.request?.add, "APPEND_IF_EXISTS_OR_ADD"),
  ];
  const responseAdd = [
    ...options(operations.response?.set, "OVERWRITE_IF_EXISTS_OR_ADD"),
    ...options(operations.response?.add, "APPEND_IF_EXISTS_OR_ADD"),
  ];
  const requestRemove = (operations.request?.remove ?? []).filter(changeable);
  const responseRemove = (operations.response?.remove ?? []).filter(changeable);
  return {
    ...(requestAdd.length > 0 ? { requestHeadersToAdd: requestAdd } : {}),
    ...(requestRemove.length > 0 ? { requestHeadersToRemove: requestRemove } : {}),
    ...(responseAdd.length > 0 ? { responseHeadersToAdd: responseAdd } : {}),
    ...(responseRemove.length > 0 ? { responseHeadersToRemove: responseRemove } : {}),
  };
}

/** Both sets, first's entries first: a later `set` of the same header wins. */
export function joinOperations(
  first: HeaderOperations,
  second: HeaderOperations,
): HeaderOperations {
  const joined: Record<string, readonly unknown[]> = {};
  for (const key of [
    "requestHeadersToAdd",
    "requestHeadersToRemove",
    "responseHeadersToAdd",
    "responseHeadersToRemove",
  ] as const) {
    const both = [...(first[key] ?? []), ...(second[key] ?? [])];
    if (both.length > 0) joined[key] = both;
  }
  return joined as HeaderOperations;
}

/** The authority that a `Host` or `:authority` operation asks for; `set` wins over `add`. */
export function authorityOf(operations: Headers | undefined): string | undefined {
  const named = (values: Readonly<Record<string, string>> | undefined) =>
    Object.entries(values ?? {}).find(([name]) => isAuthority(name))?.[1];
  return named(operations?.request?.set) ?? named(operations?.request?.add);
}

function options(
  values: Readonly<Record<string, string>> | undefined,
  appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" | "APPEND_IF_EXISTS_OR_ADD",
): HeaderValueOption[] {
  return Object.entries(values ?? {})
    .filter(([key]) => changeable(key))
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, value]) => ({
      header: { key, value },
      appendAction,
      ...(value === "" ? { keepEmptyValue: true } : {}),
    }));
}

function changeable(name: string): boolean {
  return !name.startsWith(":") && name.toLowerCase() !== "host";
}

function isAuthority(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === ":authority" || lower === "host";
}
