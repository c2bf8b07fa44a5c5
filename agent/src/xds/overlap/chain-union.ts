/** What a listener takes by its filter chains: what is lost and what is new from one version of it to the next. */
import type {
  FilterChain,
  FilterChainMatch,
  Listener,
  ListenerFilter,
} from "@heddle/envoy/config/listener/v3";
import { durationOf } from "@heddle/model";

/** The next version with those chains of the one before that it has nothing for; undefined where nothing would be lost. */
export function withLostChains(before: Listener, next: Listener): Listener | undefined {
  const chains = next.filterChains ?? [];
  const lost = lostChains(before, next);
  if (lost.length === 0) return undefined;
  const filterChains = [
    ...chains.map((chain) => leaving(chain, chains, lost)),
    ...lost.map((chain) => leaving(chain, before.filterChains ?? [], chains)),
  ];
  return { ...next, ...filtersOfBoth(before, next), filterChains };
}

function lostChains(before: Listener, next: Listener): readonly FilterChain[] {
  return unclaimedBy(next.filterChains ?? [], before.filterChains ?? []);
}

/**
 * For how long a connection that says nothing is looked at before a chain has it which the next version lacks, milliseconds. One
 * that is still looked at then meets the next version.
 */
export function silenceBetween(before: Listener, next: Listener): number {
  const silent = lostChains(before, next).some(
    ({ filterChainMatch }) => filterChainMatch?.transportProtocol !== "tls",
  );
  const { listenerFilters = [], listenerFiltersTimeout = "0s" } = before;
  return silent && listenerFilters.length > 0 ? (durationOf(listenerFiltersTimeout) ?? 0) : 0;
}

/** Chains of either version are chosen by what its listener filters see: of each connection both are to see as much as either. */
function filtersOfBoth(before: Listener, next: Listener): Partial<Listener> {
  const old = before.listenerFilters ?? [];
  const filters = (next.listenerFilters ?? []).map((filter) => {
    const twin = old.find(({ name }) => name === filter.name);
    return twin === undefined || text(twin) === text(filter) ? filter : everywhere(filter);
  });
  const missing = old.filter(({ name }) => !filters.some((filter) => filter.name === name));
  if (filters.length === 0 && missing.length === 0) return {};
  const { listenerFiltersTimeout, continueOnListenerFiltersTimeout } = before;
  return {
    ...(next.listenerFiltersTimeout === undefined && listenerFiltersTimeout !== undefined
      ? { listenerFiltersTimeout }
      : {}),
    ...(next.continueOnListenerFiltersTimeout === undefined &&
    continueOnListenerFiltersTimeout !== undefined
      ? { continueOnListenerFiltersTimeout }
      : {}),
    listenerFilters: [...filters, ...missing],
  };
}

function everywhere({ filterDisabled: _, ...filter }: ListenerFilter): ListenerFilter {
  return filter;
}

/** Whether connections will be taken for which there was nothing before. */
export function takesMore(before: Listener, next: Listener): boolean {
  return unclaimedBy(before.filterChains ?? [], next.filterChains ?? []).length > 0;
}

/** Names of the secrets without which the listener does not come into force. */
export function secretsOf({ filterChains = [] }: Listener): readonly string[] {
  const names = filterChains.flatMap(({ transportSocket }) => {
    const { commonTlsContext: tls } = (transportSocket?.typedConfig ?? {}) as TlsConfig;
    return [
      ...(tls?.tlsCertificateSdsSecretConfigs ?? []),
      tls?.validationContextSdsSecretConfig,
      tls?.combinedValidationContext?.validationContextSdsSecretConfig,
    ].flatMap((config) => config?.name ?? []);
  });
  return [...new Set(names)];
}

interface SecretConfig {
  readonly name?: string;
}

interface TlsConfig {
  readonly commonTlsContext?: {
    readonly tlsCertificateSdsSecretConfigs?: readonly SecretConfig[];
    readonly validationContextSdsSecretConfig?: SecretConfig;
    readonly combinedValidationContext?: {
      readonly validationContextSdsSecretConfig?: SecretConfig;
    };
  };
}

function unclaimedBy(
  claimed: readonly FilterChain[],
  chains: readonly FilterChain[],
): readonly FilterChain[] {
  return chains.flatMap((chain) => unclaimed(claimed, chain) ?? []);
}

/**
 * What of a chain's match is left besides others. Envoy refuses two chains that match alike, be it by one application protocol
 * of many; one that asks for none in particular stands beside those that do.
 */
function unclaimed(claimed: readonly FilterChain[], chain: FilterChain): FilterChain | undefined {
  const { filterChainMatch: match = {} } = chain;
  const asked = match.applicationProtocols ?? [];
  let left = asked;
  for (const { filterChainMatch: other = {} } of claimed) {
    if (!alikeButForProtocols(match, other)) continue;
    const theirs = other.applicationProtocols ?? [];
    if (asked.length === 0 && theirs.length === 0) return undefined;
    left = left.filter((protocol) => !theirs.includes(protocol));
    if (asked.length > 0 && left.length === 0) return undefined;
  }
  if (left.length === asked.length) return chain;
  return { ...chain, filterChainMatch: { ...match, applicationProtocols: left } };
}

/**
 * A chain for any TLS would take TLS of applications' own from a chain of the other version that takes whatever comes. The
 * mesh's own is told by its protocols and has a chain for them, so the other one goes on with all else; Envoy looks no further
 * than chains for TLS once there is one, so it does by a match of that kind.
 */
function leaving(
  chain: FilterChain,
  own: readonly FilterChain[],
  others: readonly FilterChain[],
): FilterChain {
  const { transportProtocol, ...rest } = chain.filterChainMatch ?? {};
  if (!transportProtocol || asksForProtocols(chain)) return chain;
  const beside = own.some(
    (each) => asksForProtocols(each) && alike(each, chain.filterChainMatch ?? {}),
  );
  const broad = others.find((each) => !asksForProtocols(each) && alike(each, rest));
  if (!beside || broad === undefined) return chain;
  return {
    ...broad,
    name: `${broad.name ?? ""}-meanwhile`,
    filterChainMatch: chain.filterChainMatch,
  };
}

const asksForProtocols = ({ filterChainMatch }: FilterChain): boolean =>
  (filterChainMatch?.applicationProtocols ?? []).length > 0;

const alike = ({ filterChainMatch = {} }: FilterChain, match: FilterChainMatch): boolean =>
  alikeButForProtocols(filterChainMatch, match);

const SINGLE = ["destinationPort", "addressSuffix", "transportProtocol", "sourceType"] as const;
const LISTS = [
  "prefixRanges",
  "serverNames",
  "directSourcePrefixRanges",
  "sourcePrefixRanges",
  "sourcePorts",
] as const;

function alikeButForProtocols(a: FilterChainMatch, b: FilterChainMatch): boolean {
  return (
    SINGLE.every((field) => text(a[field]) === text(b[field])) &&
    LISTS.every((field) => meet(a[field] ?? [], b[field] ?? []))
  );
}

function meet(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length === 0 || b.length === 0) return a.length === b.length;
  const known = new Set(a.map(text));
  return b.some((each) => known.has(text(each)));
}

const text = (value: unknown): string => JSON.stringify(value) ?? "";
