import { expect, it } from "vitest";
import { differences } from "./verify.ts";

it("lets the API server and others add what they like", () => {
  const wanted = { spec: { ports: [{ port: 1 }] }, metadata: { labels: { a: "b" } } };
  const there = {
    spec: { ports: [{ port: 1, protocol: "TCP" }], type: "ClusterIP" },
    metadata: { labels: { a: "b", c: "d" }, uid: "1" },
    status: {},
  };
  expect(differences(wanted, there, "")).toEqual([]);
});

it("says where something is another, is missing, or is more", () => {
  const wanted = { a: 1, b: { c: "x" }, d: [1], e: true };
  const there = { a: 2, b: {}, d: [1, 2] };
  expect(differences(wanted, there, "")).toEqual([
    "a is 2 and should be 1",
    'b.c is missing and should be "x"',
    "d is [1,2] and should be [1]",
    "e is missing and should be true",
  ]);
});

it("takes what is empty as not said", () => {
  expect(differences({ limits: {}, list: [] }, {}, "")).toEqual([]);
  expect(differences({ limits: {} }, { limits: { cpu: "1" } }, "")).toEqual([]);
  expect(differences({ delay: 0, on: false, name: "" }, {}, "")).toEqual([]);
  expect(differences({ delay: 0 }, { delay: 1 }, "")).toEqual(["delay is 1 and should be 0"]);
});

it("leaves Helm its label", () => {
  const labels = (by: string) => ({ metadata: { labels: { "app.kubernetes.io/managed-by": by } } });
  expect(differences(labels("heddle"), labels("Helm"), "")).toEqual([]);
});
