import { expect, test } from "vitest";
import type { Route } from "@heddle/envoy/config/route/v3";
import { routedFor } from "./routed-for.ts";

const of = (...routes: Route[]) =>
  Object.fromEntries(routedFor({ virtualHosts: [{ name: "all", domains: ["*"], routes }] }));

const delay = (fixedDelay: string): Pick<Route, "typedPerFilterConfig"> => ({
  typedPerFilterConfig: {
    "envoy.filters.http.fault": {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
      delay: { fixedDelay },
    } as never,
  },
});

test("a request asks for its cluster after a delay, and for that of its mirror", () => {
  expect(
    of({ ...delay("20s"), route: { cluster: "a", requestMirrorPolicies: [{ cluster: "m" }] } }),
  ).toEqual({ a: 20_000, m: 20_000 });
});

test("the longest of all routes to a cluster counts", () => {
  const weightedClusters = { clusters: [{ name: "a" }, { name: "b" }] };
  expect(
    of(
      { ...delay("2s"), route: { weightedClusters } },
      { ...delay("3s"), route: { cluster: "b" } },
    ),
  ).toEqual({ a: 2000, b: 3000 });
});

test("the last retry begins before the time-out, or when all attempts before it have had their time", () => {
  const retryPolicy = { numRetries: 2 };
  const perTry = { numRetries: 2, perTryTimeout: "4s" };
  expect(of({ route: { cluster: "a", timeout: "30s", retryPolicy } })).toEqual({ a: 30_000 });
  expect(of({ route: { cluster: "a", timeout: "0s", retryPolicy: perTry } })).toEqual({ a: 8500 });
  expect(of({ route: { cluster: "a", timeout: "6s", retryPolicy: perTry } })).toEqual({ a: 6000 });
});

test("a request that is sent at once, and once, asks for nothing later", () => {
  expect(of({ route: { cluster: "a", timeout: "30s" } })).toEqual({});
  expect(of({ route: { cluster: "a", timeout: "0s", retryPolicy: { numRetries: 2 } } })).toEqual(
    {},
  );
});
