/** Which addresses Services are given. That they are reached there is a test of the whole cluster. */
import { expect, test } from "vitest";
import { assign, type Balanced } from "./load-balancer.ts";

const RANGE = "198.19.5.0/24";
const service = (name: string, more: Partial<Balanced> = {}): Balanced => ({
  ...{ name, wants: true, asked: undefined, has: [] },
  ...more,
});
const given = (...services: Balanced[]) => Object.fromEntries(assign(services, RANGE));

test("a Service is given an address that no other has, and keeps it", () => {
  const first = service("a/first", { has: ["198.19.5.1"] });
  expect(given(first, service("a/second"), service("a/third"))).toEqual({
    "a/second": ["198.19.5.2"],
    "a/third": ["198.19.5.3"],
  });
});

test("one that asks for an address is given that one, or none", () => {
  const has = service("a/has", { has: ["198.19.5.1"] });
  expect(
    given(
      has,
      service("a/any"),
      service("a/free", { asked: "198.19.5.2" }),
      service("a/taken", { asked: "198.19.5.1" }),
      service("a/elsewhere", { asked: "192.0.2.1" }),
    ),
  ).toEqual({ "a/free": ["198.19.5.2"], "a/any": ["198.19.5.3"] });
});

test("one that asks for another address now loses the one that it had", () => {
  const had = ["198.19.5.1"];
  expect(given(service("a/s", { has: had, asked: "198.19.5.9" }))).toEqual({
    "a/s": ["198.19.5.9"],
  });
  expect(given(service("a/s", { has: had, asked: "192.0.2.1" }))).toEqual({ "a/s": [] });
});

test("one that is of another type now gives its address back", () => {
  expect(given(service("a/s", { has: ["198.19.5.1"], wants: false }), service("a/t"))).toEqual({
    "a/s": [],
    "a/t": ["198.19.5.1"],
  });
});
