import { expect, it } from "vitest";
import type { RoomAgent } from "@heddle/sync";
import { createAlertWatch } from "./certificate-alerts.ts";

const HOUR = 3_600_000;
const hash = "a".repeat(64);
const leaf = (serialNumber: string, left: number) => ({
  ...{ spiffeId: "spiffe://td/ns/shop/sa/web", serialNumber, root: hash, issuer: "CN=a" },
  notBefore: new Date(left - 24 * HOUR).toISOString(),
  notAfter: new Date(left).toISOString(),
});
const agentWith = (...leaves: ReturnType<typeof leaf>[]) =>
  ({
    proxies: new Map(
      leaves.map((each, index) => [String(index), { trust: { leaf: each, pending: false } }]),
    ),
  }) as unknown as RoomAgent;

it("tells earlier of certificates that the plane signs itself", () => {
  const direct = { ...agentWith(leaf("1", 11 * HOUR)), authority: { roots: [], missing: [] } };
  expect(createAlertWatch()([direct as unknown as RoomAgent], 0)).toEqual({
    ...{ warning: 1, critical: 0, expired: 0 },
  });
});

it("tells of certificates that were not renewed in time, once until it changes, and when all is well again", () => {
  const alerts = createAlertWatch();
  const good = agentWith(leaf("1", 20 * HOUR));
  const late = agentWith(leaf("1", 20 * HOUR), leaf("2", 4 * HOUR), leaf("2", 4 * HOUR));
  expect(alerts([good], 0)).toBeUndefined();
  expect(alerts([late], 1_000)).toBeUndefined();
  expect(alerts([late], 20_000)).toEqual({ warning: 1, critical: 0, expired: 0 });
  expect(alerts([late], 40_000)).toBeUndefined();
  expect(alerts([late], 3 * HOUR)).toEqual({ warning: 0, critical: 1, expired: 0 });
  expect(alerts([late], 5 * HOUR)).toEqual({ warning: 0, critical: 0, expired: 1 });
  expect(alerts([good], 6 * HOUR)).toEqual({ warning: 0, critical: 0, expired: 0 });
});
