import type { FilterChainMatch, Listener } from "@heddle/envoy/config/listener/v3";
import { describe, expect, test } from "vitest";
import { takesMore, withLostChains } from "./chain-union.ts";

const listener = (chains: Readonly<Record<string, FilterChainMatch>>): Listener => ({
  name: "inbound",
  filterChains: Object.entries(chains).map(([name, filterChainMatch]) => ({
    name,
    filterChainMatch,
  })),
});
const TLS = { transportProtocol: "tls" };
const PLAIN = { transportProtocol: "raw_buffer" };
const ours = (...applicationProtocols: string[]) => ({ ...TLS, applicationProtocols });
const matches = (union: Listener | undefined) =>
  union?.filterChains?.map(({ name, filterChainMatch }) => [name, filterChainMatch]);

describe("a listener with what its last version took besides", () => {
  test("keeps chains that match what no new one does", () => {
    const union = withLostChains(listener({ plain: PLAIN }), listener({ mtls: TLS }));
    expect(matches(union)).toEqual([
      ["mtls", TLS],
      ["plain", PLAIN],
    ]);
  });

  test("is the new one where that takes all that the old one took", () => {
    const before = listener({ mtls: ours("istio"), plain: PLAIN });
    const next = listener({ other: PLAIN, mtls: ours("istio"), any: TLS });
    expect(withLostChains(before, next)).toBeUndefined();
    expect(takesMore(before, next)).toBe(true);
    expect(takesMore(next, before)).toBe(false);
  });

  test("shares application protocols out: Envoy refuses two chains that ask for the same one", () => {
    const union = withLostChains(
      listener({ old: ours("istio", "h2", "http/1.1") }),
      listener({ new: ours("h2") }),
    );
    expect(matches(union)).toEqual([
      ["new", ours("h2")],
      ["old", ours("istio", "http/1.1")],
    ]);
  });

  test("leaves applications' own TLS where it went, or already goes, in plain bytes", () => {
    const strict = listener({ mtls: ours("istio"), any: TLS });
    const disable = listener({ plain: {} });
    expect(matches(withLostChains(disable, strict))).toEqual([
      ["mtls", ours("istio")],
      ["plain-meanwhile", TLS],
      ["plain", {}],
    ]);
    expect(matches(withLostChains(strict, disable))).toEqual([
      ["plain", {}],
      ["mtls", ours("istio")],
      ["plain-meanwhile", TLS],
    ]);
  });

  test("leaves out a chain that shares one name or port with a new one", () => {
    const before = listener({ old: { ...TLS, serverNames: ["a.test", "b.test"] } });
    const next = listener({ new: { ...TLS, serverNames: ["b.test"] } });
    expect(withLostChains(before, next)).toBeUndefined();
  });

  test("looks at each connection as much as either version does", () => {
    const looks = (filterDisabled?: object) => ({
      listenerFilters: [{ name: "inspector", ...(filterDisabled ? { filterDisabled } : {}) }],
      listenerFiltersTimeout: "5s",
    });
    const at = (port: number) => ({ destinationPortRange: { start: port, end: port + 1 } });
    const strict = { ...listener({ mtls: TLS }), ...looks() };
    const unseen = listener({ plain: {} });
    expect(withLostChains(strict, unseen)).toMatchObject(looks());
    expect(withLostChains(unseen, strict)).toMatchObject(looks());
    const elsewhere = { ...strict, ...looks(at(80)) };
    expect(withLostChains(elsewhere, { ...unseen, ...looks(at(81)) })).toMatchObject(looks());
    expect(withLostChains(elsewhere, { ...unseen, ...looks(at(80)) })?.listenerFilters).toEqual(
      elsewhere.listenerFilters,
    );
  });
});
