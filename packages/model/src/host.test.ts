import { describe, expect, test } from "vitest";
import { bySpecificity, hostMatches, resolveHost, splitServiceHost } from "./host.ts";

describe("hosts", () => {
  test.each([
    ["reviews", "reviews.shop.svc.cluster.local"],
    ["Reviews", "reviews.shop.svc.cluster.local"],
    ["reviews.other.svc.cluster.local", "reviews.other.svc.cluster.local"],
    ["example.com", "example.com"],
    ["*", "*"],
    ["10.0.0.1", "10.0.0.1"],
  ])("makes %s the full name %s", (host, full) => {
    expect(resolveHost(host, "shop", "cluster.local")).toBe(full);
  });

  test.each([
    ["*", "a.b", true],
    ["*.b", "a.b", true],
    ["*.b", "b", false],
    ["*.b", "*.a.b", true],
    ["*.a.b", "*.b", false],
    ["a.b", "a.b", true],
    ["a.b", "*.b", false],
    ["*.b", "*.b", true],
  ])("%s covers %s: %s", (pattern, host, expected) => {
    expect(hostMatches(pattern, host)).toBe(expected);
  });

  test("puts specific hosts before wide ones", () => {
    const hosts = ["*", "*.com", "a.com", "*.shop.com", "b.com"];
    expect(hosts.toSorted(bySpecificity)).toEqual(["a.com", "b.com", "*.shop.com", "*.com", "*"]);
  });

  test("takes a service's full name apart", () => {
    expect(splitServiceHost("a.b.svc.cluster.local", "cluster.local")).toEqual({
      name: "a",
      namespace: "b",
    });
    expect(splitServiceHost("a.com", "cluster.local")).toBeUndefined();
  });
});
