import { expect, it } from "vitest";
import { issuerMetrics, refusing } from "./own-metrics.ts";
import type { TypeStatus } from "./xds/index.ts";

const fine: TypeStatus = {
  ...{ version: "1", acknowledgedVersion: "1", acknowledgedAt: 1, nonce: "1", resources: 1 },
};
const refused: TypeStatus = { ...fine, error: "no such cluster" };

it("counts a proxy that refuses something once, whatever its streams", () => {
  expect(
    refusing([
      { id: "a", types: { cluster: fine, listener: refused } },
      { id: "a", types: { route: refused } },
      { id: "b", types: { cluster: fine } },
      { id: "c", types: {} },
    ]),
  ).toBe(1);
});

it("says of each issuer of each policy whether there are keys, and whether they cannot be fetched", () => {
  const of = (policy: string, available: boolean, code?: string, issuer = 'https://"me"') => ({
    ...{ policy, issuer, available, code },
  });
  const values = issuerMetrics([
    of("shop/tokens", true),
    of("shop/tokens", false, "HDL7290"),
    of("shop/kept", true, "HDL7291"),
    of("shop/fine", true, undefined, "https://issuer.test"),
  ]).filter((line) => !line.startsWith("#"));
  expect(values).toEqual([
    'heddle_agent_issuer_keys_available{policy="shop/tokens",issuer="https://\\"me\\""} 0',
    'heddle_agent_issuer_keys_available{policy="shop/kept",issuer="https://\\"me\\""} 1',
    'heddle_agent_issuer_keys_available{policy="shop/fine",issuer="https://issuer.test"} 1',
    'heddle_agent_issuer_keys_failing{policy="shop/tokens",issuer="https://\\"me\\""} 1',
    'heddle_agent_issuer_keys_failing{policy="shop/kept",issuer="https://\\"me\\""} 1',
    'heddle_agent_issuer_keys_failing{policy="shop/fine",issuer="https://issuer.test"} 0',
  ]);
  expect(issuerMetrics([])).toEqual([]);
});
