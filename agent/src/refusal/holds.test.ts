import { describe, expect, it } from "vitest";
import { objectKey } from "@heddle/model";
import { destinationRule, service, virtualService } from "../../../test/harness/objects.ts";
import { createHolds } from "./holds.ts";
import { rankSuspects } from "./suspects.ts";

const rule = (maxConnections: number) =>
  destinationRule("api", {
    host: "api",
    trafficPolicy: { connectionPool: { tcp: { maxConnections } } },
  });
const key = objectKey(rule(1));

function begin() {
  let now = 0;
  const holds = createHolds([], () => now);
  const change = (object: ReturnType<typeof rule> | null) => holds.pass([{ key, object }]);
  return { holds, change, later: (ms: number) => void (now += ms) };
}

describe("a hold", () => {
  it("puts an object back to what proxies took last, and lets go of it when it changes", () => {
    const { holds, change, later } = begin();
    later(60_000);
    change(rule(1));
    later(60_000);
    holds.prove(60_001);
    change(rule(2));
    expect(holds.hold(key)).toEqual({ key, object: rule(1) });
    expect(change(rule(2)).changes).toEqual([{ key, object: rule(1) }]);
    expect(change(rule(3))).toEqual({ changes: [{ key, object: rule(3) }], released: [key] });
    // What was refused in between is never gone back to.
    expect(holds.hold(key)).toEqual({ key, object: rule(1) });
    expect(holds.release(key)).toEqual({ key, object: rule(3) });
  });

  it("leaves a new object out, and does not touch what is a fact", () => {
    const { holds, change, later } = begin();
    later(60_000);
    change(rule(1));
    expect(holds.hold(key)).toEqual({ key, object: null });
    const [web] = service("web", [{ name: "http", port: 80 }], ["10.0.0.1"]);
    holds.pass([{ key: objectKey(web!), object: web! }]);
    expect(holds.hold(objectKey(web!))).toBeUndefined();
  });

  it("counts after a start as long as the object is the one that was refused", () => {
    const saved = [{ key, refused: rule(2), substitute: rule(1) }];
    const holds = createHolds(saved, () => 0);
    expect(holds.pass([{ key, object: rule(2) }]).changes).toEqual([{ key, object: rule(1) }]);
    const anew = createHolds(saved, () => 0);
    expect(anew.pass([{ key, object: rule(3) }]).changes).toEqual([{ key, object: rule(3) }]);
    expect(anew.all()).toEqual([]);
  });
});

it("suspects come in the order: repeated by Envoy, changed last, proven", () => {
  const named = virtualService("named", { hosts: ["named.example"] });
  const recent = (changedAt: number) => ({ before: null, changedAt, initial: false });
  const ranked = rankSuspects(
    [
      { key: "proven", object: null, unproven: undefined },
      { key: "older", object: null, unproven: recent(1) },
      { key: "newer", object: null, unproven: recent(2) },
      { key: "named", object: named, unproven: undefined },
    ],
    "no such thing: named.example",
  );
  expect(ranked.map(({ key: each }) => each)).toEqual(["named", "newer", "older", "proven"]);
});
