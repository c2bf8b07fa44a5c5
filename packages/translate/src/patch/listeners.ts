/** Patches of listeners, and of what is inside of them: listener filters, filter chains, network and HTTP filters. */
import type { Filter, FilterChain, Listener } from "@heddle/envoy/config/listener/v3";
import type {
  HttpConnectionManager,
  HttpFilter,
} from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import type { Patch } from "./compile.ts";
import { editList, mapSame } from "./list-edit.ts";
import {
  chainMatches,
  filterNameOf,
  listenerFilterNameOf,
  listenerMatches,
  type Named,
  subFilterNameOf,
} from "./matching.ts";
import { type Patching, typeOf } from "./patching.ts";
import { patchRouteConfiguration } from "./routes.ts";

const HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager";

/** Undefined where a patch takes the listener away; itself where none applies. */
export function patchListener(patching: Patching, original: Listener): Listener | undefined {
  let listener = original;
  for (const patch of patching.of("LISTENER")) {
    if (!listenerMatches(patch, listener)) continue;
    if (patch.operation === "REMOVE") return patching.note(patch, original, undefined);
    if (patch.operation !== "ADD") listener = patching.merged(patch, listener);
  }
  return patchChains(patching, patchListenerFilters(patching, listener));
}

function patchListenerFilters(patching: Patching, listener: Listener): Listener {
  const { listenerFilters: original = [] } = listener;
  let filters = original;
  for (const patch of patching.of("LISTENER_FILTER")) {
    if (!listenerMatches(patch, listener)) continue;
    const edit = named(patch, filters, listenerFilterNameOf(patch));
    filters = patching.note(patch, filters, editList(edit));
  }
  return filters === original ? listener : { ...listener, listenerFilters: filters };
}

function patchChains(patching: Patching, listener: Listener): Listener {
  const { filterChains: original = [], defaultFilterChain } = listener;
  const patchOne = (chain: FilterChain) => patchChain(patching, listener, chain);
  let chains = mapSame(original, patchOne);
  const fallback = defaultFilterChain && patchOne(defaultFilterChain);
  for (const patch of patching.of("FILTER_CHAIN")) {
    if (patch.operation !== "ADD" || !listenerMatches(patch, listener)) continue;
    chains = patching.note(patch, chains, [...chains, patch.value as FilterChain]);
  }
  if (chains === original && fallback === defaultFilterChain) return listener;
  const { defaultFilterChain: _, ...rest } = listener;
  return {
    ...rest,
    ...(chains.length > 0 ? { filterChains: chains } : {}),
    ...(fallback ? { defaultFilterChain: fallback } : {}),
  };
}

function patchChain(
  patching: Patching,
  listener: Listener,
  original: FilterChain,
): FilterChain | undefined {
  const applies = (patch: Patch, chain: FilterChain) =>
    listenerMatches(patch, listener) && chainMatches(patch, listener, chain);
  let chain = original;
  for (const patch of patching.of("FILTER_CHAIN")) {
    if (patch.operation === "ADD" || !applies(patch, chain)) continue;
    if (patch.operation === "REMOVE") return patching.note(patch, original, undefined);
    chain = patching.merged(patch, chain);
  }
  const { filters: before = [] } = chain;
  const filterPatches = patching.of("NETWORK_FILTER").filter((patch) => applies(patch, chain));
  const httpPatches = patching.of("HTTP_FILTER").filter((patch) => applies(patch, chain));
  let filters: readonly Filter[] = before;
  for (const patch of filterPatches) {
    filters = patching.note(patch, filters, editList(named(patch, filters, filterNameOf(patch))));
  }
  filters = mapSame(filters, (filter) =>
    patchHttp(patching, httpPatches, mergeFilter(patching, filterPatches, filter, filterNameOf)),
  );
  return filters === before ? chain : { ...chain, filters };
}

/**
 * Merges what is for this filter. A patch that names no filter is for every filter of its type; one that names a filter and
 * brings another type of configuration takes its place.
 */
function mergeFilter<T extends Filter | HttpFilter>(
  patching: Patching,
  patches: readonly Patch[],
  original: T,
  nameOf: (patch: Patch) => string | undefined,
): T {
  let filter = original;
  for (const patch of patches) {
    const wanted = nameOf(patch);
    if (wanted !== undefined && wanted !== filter.name) continue;
    const type = typeOf(patch.value);
    if (wanted === undefined && type !== undefined && type !== typeOf(filter)) continue;
    filter = patching.merged(patch, filter);
  }
  return filter;
}

/** HTTP filters, and the routes that a listener has of its own. */
function patchHttp(patching: Patching, patches: readonly Patch[], filter: Filter): Filter {
  if (filter.name !== HTTP_CONNECTION_MANAGER || !filter.typedConfig) return filter;
  const manager = filter.typedConfig as HttpConnectionManager;
  const own = patches.filter((patch) => (filterNameOf(patch) ?? filter.name) === filter.name);
  const { httpFilters: original = [], routeConfig } = manager;
  let filters: readonly HttpFilter[] = original;
  for (const patch of own) {
    const edit = named(patch, filters, subFilterNameOf(patch));
    filters = patching.note(patch, filters, editList(edit));
  }
  filters = mapSame(filters, (each) => mergeFilter(patching, own, each, subFilterNameOf));
  const routes = routeConfig && patchRouteConfiguration(patching, routeConfig);
  if (filters === original && routes === routeConfig) return filter;
  return {
    ...filter,
    typedConfig: {
      ...filter.typedConfig,
      httpFilters: filters,
      ...(routes ? { routeConfig: routes } : {}),
    },
  };
}

function named<T extends Named>(patch: Patch, items: readonly T[], name: string | undefined) {
  return { patch, items, asks: name !== undefined, matches: (item: T) => item.name === name };
}
