import { expect, test } from "vitest";
import { canonical } from "./canonical.ts";
import { merge } from "./merge.ts";

const CLUSTER = "envoy.config.cluster.v3.Cluster";
const HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const FILTER = "envoy.config.listener.v3.Filter";

test("reads either case of field names, and leaves keys of maps and structs alone", () => {
  expect(
    canonical(CLUSTER, {
      connect_timeout: "0.5s",
      lbPolicy: 1,
      metadata: { filter_metadata: { some_key: { inner_key: 1 } } },
    }),
  ).toEqual({
    connectTimeout: "0.500s",
    lbPolicy: "LEAST_REQUEST",
    metadata: { filterMetadata: { some_key: { inner_key: 1 } } },
  });
});

test("names the place of a field that there is not", () => {
  expect(() => canonical(CLUSTER, { outlier_detection: { consecutive5xx: 3 } })).not.toThrow();
  expect(() => canonical(CLUSTER, { outlier_detection: { consecutive_5xs: 3 } })).toThrow(
    /outlierDetection.*consecutive_5xs.*did you mean consecutive5xx/,
  );
});

test("a TypedStruct of a known type becomes that type", () => {
  const value = {
    name: "f",
    typed_config: {
      "@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
      type_url: `type.googleapis.com/${HCM}`,
      value: { stat_prefix: "x" },
    },
  };
  expect(canonical(FILTER, value)).toEqual({
    name: "f",
    typedConfig: { "@type": `type.googleapis.com/${HCM}`, statPrefix: "x" },
  });
});

test("lists append, messages merge, durations and map entries are replaced", () => {
  const base = {
    name: "a",
    connectTimeout: "10s",
    transportSocketMatches: [{ name: "one" }],
    circuitBreakers: { thresholds: [{ maxConnections: 1 }] },
    outlierDetection: { consecutive5xx: 5, interval: "3s" },
    typedExtensionProtocolOptions: {
      x: { "@type": "type.googleapis.com/google.protobuf.Struct", value: { a: 1 } },
    },
  };
  const patch = {
    connectTimeout: "1s",
    circuitBreakers: { thresholds: [{ maxRequests: 2 }] },
    outlierDetection: { interval: "9s" },
    typedExtensionProtocolOptions: {
      y: { "@type": "type.googleapis.com/google.protobuf.Struct", value: { b: 1 } },
    },
  };
  expect(merge(CLUSTER, base, patch)).toEqual({
    ...base,
    connectTimeout: "1s",
    circuitBreakers: { thresholds: [{ maxConnections: 1 }, { maxRequests: 2 }] },
    outlierDetection: { consecutive5xx: 5, interval: "9s" },
    typedExtensionProtocolOptions: {
      ...base.typedExtensionProtocolOptions,
      ...patch.typedExtensionProtocolOptions,
    },
  });
  expect(merge(CLUSTER, base, patch, "replace")["circuitBreakers"]).toEqual(patch.circuitBreakers);
  expect(base.connectTimeout).toBe("10s");
});

test("a member of a oneof drives out the others", () => {
  const ROUTE = "envoy.config.route.v3.Route";
  const base = { match: { prefix: "/" }, route: { cluster: "a", timeout: "0s" } };
  expect(merge(ROUTE, base, { route: { weightedClusters: { clusters: [] } } })).toEqual({
    match: { prefix: "/" },
    route: { timeout: "0s", weightedClusters: { clusters: [] } },
  });
  expect(merge(ROUTE, base, { redirect: { hostRedirect: "b" } })).toEqual({
    match: { prefix: "/" },
    redirect: { hostRedirect: "b" },
  });
});

test("a message of any type is merged inside where the type is the same, else replaced", () => {
  const typed = (type: string, fields: object) => ({
    typedConfig: { "@type": `type.googleapis.com/${type}`, ...fields },
  });
  const base = typed(HCM, { statPrefix: "a", httpFilters: [{ name: "r" }] });
  expect(merge(FILTER, base, typed(HCM, { xffNumTrustedHops: 2 }))).toEqual(
    typed(HCM, { statPrefix: "a", httpFilters: [{ name: "r" }], xffNumTrustedHops: 2 }),
  );
  const other = typed("envoy.extensions.filters.http.router.v3.Router", {});
  expect(merge(FILTER, base, other)).toEqual(other);
});
