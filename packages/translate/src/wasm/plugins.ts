/** Puts the filters of WasmPlugins into a proxy's listeners; their configuration comes by itself. */
import type { Filter, FilterChain, Listener } from "@heddle/envoy/config/listener/v3";
import type {
  HttpConnectionManager,
  HttpFilter,
} from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import type { MeshObject, TrafficSelector, WasmPlugin } from "@heddle/model";
import { objectKey } from "@heddle/model";
import { ADS } from "../ads.ts";
import {
  EXT_AUTHZ_FILTER,
  JWT_FILTER,
  NETWORK_EXT_AUTHZ_FILTER,
  NETWORK_RBAC_FILTER,
  PEER_METADATA_FILTER,
} from "../filter/names.ts";
import { mapSame } from "../patch/list-edit.ts";
import { recordPatched } from "../patch/origins.ts";
import type { ProxyDescription } from "../proxy.ts";
import { derivation, type ModelReader } from "../read.ts";
import { extensionName, HTTP_TYPES, NETWORK_TYPES } from "./extension.ts";

/** A plugin as far as its place in a filter chain goes. */
export interface Plugin {
  readonly key: string;
  /** Of its extension configuration. */
  readonly name: string;
  readonly type: "HTTP" | "NETWORK";
  readonly phase: NonNullable<WasmPlugin["phase"]>;
  readonly match: readonly TrafficSelector[];
}

export interface PluginSet {
  /** In the order in which requests pass them within a phase. */
  readonly plugins: readonly Plugin[];
}

/** Undefined for a proxy without plugins. */
export function pluginsOf(read: ModelReader, proxy: ProxyDescription): PluginSet | undefined {
  if (proxy.proxyless) return undefined;
  const chosen = read.wasmPlugins(proxy);
  if (chosen.length === 0) return undefined;
  return read.get(pluginSet, JSON.stringify(chosen.map(objectKey)));
}

const pluginSet = derivation<string, PluginSet>(
  "wasm/plugins",
  (keys) => keys,
  (read, keys) => {
    const objects = (JSON.parse(keys) as string[]).flatMap(
      (key) => read.object<WasmPlugin>(key) ?? [],
    );
    return { plugins: objects.toSorted(byPriority).map(pluginOf) };
  },
);

function pluginOf(object: MeshObject<WasmPlugin>): Plugin {
  const { phase = "UNSPECIFIED_PHASE", type, match = [] } = object.spec;
  return {
    key: objectKey(object),
    name: extensionName(object.metadata),
    type: type === "NETWORK" ? "NETWORK" : "HTTP",
    phase,
    match,
  };
}

/** Higher ones first, in all namespaces together; then by name and namespace. */
function byPriority(a: MeshObject<WasmPlugin>, b: MeshObject<WasmPlugin>): number {
  const name = ({ metadata }: MeshObject) => `${metadata.name}.${metadata.namespace}`;
  return (b.spec.priority ?? 0) - (a.spec.priority ?? 0) || (name(a) < name(b) ? -1 : 1);
}

const done = new WeakMap<PluginSet, WeakMap<Listener, Listener>>();

/** The listener with its plugins' filters; itself where none is for it. Equal questions get the same answer. */
export function withPlugins(
  set: PluginSet | undefined,
  listener: Listener,
  type: ProxyDescription["type"],
): Listener {
  if (set === undefined) return listener;
  const known = done.get(set) ?? new WeakMap<Listener, Listener>();
  done.set(set, known);
  const before = known.get(listener);
  if (before) return before;
  const used = new Set<string>();
  const server = type === "sidecar" && listener.trafficDirection === "INBOUND";
  const place = (chain: FilterChain) => {
    const port =
      chain.filterChainMatch?.destinationPort ?? listener.address?.socketAddress?.portValue ?? 0;
    const own = set.plugins.filter(({ match }) => matches(match, server, port));
    const after = inChain(own, chain);
    if (after !== chain) for (const { key } of own) used.add(key);
    return after;
  };
  const { filterChains = [], defaultFilterChain } = listener;
  const chains = mapSame(filterChains, place);
  const fallback = defaultFilterChain && place(defaultFilterChain);
  const after =
    chains === filterChains && fallback === defaultFilterChain
      ? listener
      : {
          ...listener,
          ...(chains.length > 0 ? { filterChains: chains } : {}),
          ...(fallback ? { defaultFilterChain: fallback } : {}),
        };
  if (after !== listener) recordPatched(after, [...used], listener);
  known.set(listener, after);
  return after;
}

/** A gateway is its requests' client. */
function matches(selectors: readonly TrafficSelector[], server: boolean, port: number): boolean {
  return (
    selectors.length === 0 ||
    selectors.some(({ mode = "CLIENT_AND_SERVER", ports = [] }) => {
      if (mode === "CLIENT" && server) return false;
      if (mode === "SERVER" && !server) return false;
      return ports.length === 0 || ports.some(({ number }) => number === port);
    })
  );
}

const HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager";
/** Accepts only to close. */
const NO_TRAFFIC = /blackhole|trap/;

function inChain(plugins: readonly Plugin[], chain: FilterChain): FilterChain {
  const { filters: before = [] } = chain;
  if (plugins.length === 0 || NO_TRAFFIC.test(chain.name ?? "")) return chain;
  const http = plugins.filter(({ type }) => type === "HTTP");
  const network = plugins.filter(({ type }) => type === "NETWORK");
  const inside = mapSame(before, (filter) => inManager(http, filter));
  if (network.length === 0) return inside === before ? chain : { ...chain, filters: inside };
  // Before what judges a connection, and behind, as far as there is anything: of others it makes no difference.
  const asked = indexAfter(inside, [NETWORK_EXT_AUTHZ_FILTER]);
  const judged = indexAfter(inside, [NETWORK_EXT_AUTHZ_FILTER, NETWORK_RBAC_FILTER]);
  const filters = [
    ...inside.slice(0, asked),
    ...inPhases(network, ["AUTHN", "AUTHZ"]).map(networkFilter),
    ...inside.slice(asked, judged),
    ...inPhases(network, ["STATS", "UNSPECIFIED_PHASE"]).map(networkFilter),
    ...inside.slice(judged),
  ];
  return { ...chain, filters };
}

function inManager(plugins: readonly Plugin[], filter: Filter): Filter {
  if (plugins.length === 0 || filter.name !== HTTP_CONNECTION_MANAGER || !filter.typedConfig)
    return filter;
  const { httpFilters = [] } = filter.typedConfig as HttpConnectionManager;
  const placed = PHASES.reduce<readonly HttpFilter[]>((filters, { phase, at }) => {
    const own = plugins.filter((plugin) => plugin.phase === phase).map(httpFilter);
    return own.length === 0 ? filters : filters.toSpliced(at(filters), 0, ...own);
  }, httpFilters);
  return { ...filter, typedConfig: { ...filter.typedConfig, httpFilters: placed } };
}

/** What asks servers of the user's, as policies of action CUSTOM want it, goes before all phases. */
const BEFORE_ALL = [PEER_METADATA_FILTER, EXT_AUTHZ_FILTER];

/** Where plugins of a phase go: before what the phase is named after; the last phase before the router. */
const PHASES: readonly {
  readonly phase: Plugin["phase"];
  readonly at: (filters: readonly HttpFilter[]) => number;
}[] = [
  { phase: "AUTHN", at: (filters) => indexAfter(filters, BEFORE_ALL) },
  {
    phase: "AUTHZ",
    at: (filters) => indexAfter(filters, [...BEFORE_ALL, JWT_FILTER], PLUGIN_OF_AUTHN),
  },
  { phase: "STATS", at: (filters) => filters.length - 1 },
  { phase: "UNSPECIFIED_PHASE", at: (filters) => filters.length - 1 },
];

/** Plugins of the phase before count as what they stand beside. */
const PLUGIN_OF_AUTHN = "extensions.istio.io/wasmplugin/";

function indexAfter(
  filters: readonly { readonly name?: string | undefined }[],
  names: readonly string[],
  prefix?: string,
): number {
  return (
    filters.findLastIndex(
      ({ name = "" }) => names.includes(name) || (prefix !== undefined && name.startsWith(prefix)),
    ) + 1
  );
}

function inPhases(
  plugins: readonly Plugin[],
  phases: readonly Plugin["phase"][],
): readonly Plugin[] {
  return phases.flatMap((phase) => plugins.filter((plugin) => plugin.phase === phase));
}

function httpFilter({ name }: Plugin): HttpFilter {
  return { name, configDiscovery: { configSource: ADS, typeUrls: HTTP_TYPES } };
}

function networkFilter({ name }: Plugin): Filter {
  return { name, configDiscovery: { configSource: ADS, typeUrls: NETWORK_TYPES } };
}
