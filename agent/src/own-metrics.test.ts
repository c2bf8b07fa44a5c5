import { expect, it } from "vitest";
import { refusing } from "./own-metrics.ts";
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
