import { describe, expect, it } from "vitest";
import { mergeConditions, saysTheSame } from "./conditions.ts";
import { mergeGatewayApiStatus } from "./gateway-api.ts";
import { mergeValidation } from "./validation.ts";

const EARLIER = "2026-01-01T00:00:00Z";
const stamp = { generation: 3, now: "2026-02-02T00:00:00Z" };
const accepted = { type: "Accepted", status: "True" as const, reason: "Accepted", message: "" };
const old = { ...accepted, observedGeneration: 2, lastTransitionTime: EARLIER };
const OURS = "heddle.dev/gateway-controller";

describe("conditions", () => {
  it("keep their time until they say something else, and are of the newest generation", () => {
    const [same] = mergeConditions([old], [accepted], () => true, stamp);
    expect(same).toEqual({ ...old, observedGeneration: 3 });
    const turned = { ...accepted, status: "False" as const };
    const [other] = mergeConditions([old], [turned], () => true, stamp);
    expect(other).toMatchObject({ status: "False", lastTransitionTime: stamp.now });
  });

  it("leave those of others, and take back our own that are not so any more", () => {
    const theirs = { type: "example.com/Seen", status: "True" };
    const before = [{ ...old, type: "ResolvedRefs" }, theirs, old];
    const merged = mergeConditions(before, [accepted], (type) => type === "ResolvedRefs", stamp);
    expect(merged.map(({ type }) => type)).toEqual(["Accepted", "example.com/Seen"]);
    expect(merged).toContain(theirs);
  });

  it("say the same in another order, and not with another word", () => {
    const [a, b] = [
      { type: "A", status: "True" },
      { type: "B", status: "True" },
    ];
    expect(saysTheSame({ conditions: [a, b] }, { conditions: [b, a] })).toBe(true);
    expect(saysTheSame({ conditions: [a, b] }, { conditions: [a] })).toBe(false);
    expect(saysTheSame({ list: ["a", "b"] }, { list: ["b", "a"] })).toBe(false);
  });
});

describe("the status of an object of the Gateway API", () => {
  const entry = (controllerName: string, name: string) => ({
    ...{ parentRef: { name }, controllerName, conditions: [old] },
  });
  it("has what other controllers say of a route's parents, and of ours only those that it still has", () => {
    const before = {
      parents: [entry("example.com/other", "a"), entry(OURS, "a"), entry(OURS, "b")],
    };
    const parents = [{ parentRef: { name: "b" }, controllerName: OURS, conditions: [accepted] }];
    const merged = mergeGatewayApiStatus(before, { parents }, stamp);
    expect(merged["parents"]).toEqual([
      before.parents[0],
      { ...parents[0], conditions: [{ ...old, observedGeneration: 3 }] },
    ]);
    expect(mergeGatewayApiStatus(before, { parents: [] }, stamp)["parents"]).toEqual([
      before.parents[0],
    ]);
  });

  it("is left alone for a route that nobody has spoken of and that has no parent of ours", () => {
    const before = {};
    expect(mergeGatewayApiStatus(before, { parents: [] }, stamp)).toBe(before);
  });

  it("keeps addresses that are not known here, and has one entry for each listener that is there", () => {
    const listener = {
      name: "http",
      supportedKinds: [],
      attachedRoutes: 2,
      conditions: [accepted],
    };
    const before = {
      addresses: [{ type: "IPAddress", value: "10.0.0.1" }],
      listeners: [
        { ...listener, attachedRoutes: 1, conditions: [old] },
        { ...listener, name: "gone" },
      ],
      attachedListenerSets: 1,
    };
    const wanted = { conditions: [accepted], listeners: [listener] };
    expect(mergeGatewayApiStatus(before, wanted, stamp)).toEqual({
      addresses: before.addresses,
      conditions: [{ ...old, observedGeneration: 3, lastTransitionTime: stamp.now }],
      listeners: [{ ...listener, conditions: [{ ...old, observedGeneration: 3 }] }],
    });
  });
});

describe("the status of an object of Istio's", () => {
  const finding = (code: string, level: "Error" | "Warning") => ({
    ...{ code, level, message: `about ${code}`, origin: "VirtualService default/a" },
  });
  it("has each code once, with the texts in a condition", () => {
    const found = [
      finding("IST0101", "Warning"),
      finding("IST0101", "Warning"),
      finding("HDL0001", "Error"),
    ];
    const status = mergeValidation({}, found, stamp);
    expect(status).toMatchObject({
      observedGeneration: 3,
      validationMessages: [
        {
          ...{ type: { code: "IST0101" }, level: "WARNING" },
          documentationUrl: expect.stringMatching(/\/ist0101\/$/),
        },
        { type: { code: "HDL0001" }, level: "ERROR" },
      ],
      conditions: [
        {
          ...{ type: "heddle.dev/Valid", status: "False", reason: "IST0101" },
          message: "IST0101: about IST0101; IST0101: about IST0101; HDL0001: about HDL0001",
        },
      ],
    });
    const after = mergeValidation(status, [], { ...stamp, now: EARLIER });
    expect(after).toMatchObject({ validationMessages: [], conditions: [{ status: "True" }] });
  });

  it("is not there where nothing was ever wrong, and leaves what else stands in it", () => {
    const before = { conditions: [{ type: "Reconciled", status: "True" }] };
    expect(mergeValidation(before, [], stamp)).toBe(before);
    const { conditions } = mergeValidation(before, [finding("IST0101", "Warning")], stamp);
    expect(conditions).toContainEqual(before.conditions[0]);
  });
});
