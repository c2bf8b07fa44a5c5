import fc from "fast-check";
import { expect, test } from "vitest";
import {
  istioName,
  mergeScrapes,
  parseLabels,
  parsePrometheus,
  writeLabels,
  writePrometheus,
} from "../index.ts";

const exposition = `# TYPE envoy_mesh_istio_requests_total counter
envoy_mesh_istio_requests_total{reporter="source",response_code="200"} 12

# HELP envoy_mesh_istio_request_duration_milliseconds How long, "quoted" \\\\ and \\n broken.
# TYPE envoy_mesh_istio_request_duration_milliseconds histogram
envoy_mesh_istio_request_duration_milliseconds_bucket{reporter="source",le="1"} 3
envoy_mesh_istio_request_duration_milliseconds_bucket{reporter="source",le="+Inf"} 12
envoy_mesh_istio_request_duration_milliseconds_sum{reporter="source"} 40.5
envoy_mesh_istio_request_duration_milliseconds_count{reporter="source"} 12
# TYPE envoy_server_uptime gauge
envoy_server_uptime{} 7 1700000000000
no_header 1
`;

test("families keep their samples, types and help", () => {
  const families = parsePrometheus(exposition);
  expect(families.map(({ name, type, samples }) => [name, type, samples.length])).toEqual([
    ["envoy_mesh_istio_requests_total", "counter", 1],
    ["envoy_mesh_istio_request_duration_milliseconds", "histogram", 4],
    ["envoy_server_uptime", "gauge", 1],
    ["no_header", "untyped", 1],
  ]);
  expect(families[1]!.help).toBe('How long, "quoted" \\ and \n broken.');
  expect(families[2]!.samples[0]).toEqual({
    name: "envoy_server_uptime",
    labels: "",
    value: 7,
    timestamp: 1700000000000,
  });
});

test("what is written parses to the same families", () => {
  const families = parsePrometheus(exposition);
  expect(parsePrometheus(writePrometheus(families))).toEqual(families);
});

test("families that nobody wants are not read", () => {
  expect(
    parsePrometheus(exposition, (name) => name.includes("istio_requests")).map(({ name }) => name),
  ).toEqual(["envoy_mesh_istio_requests_total"]);
});

test("label values of any text come back", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/), fc.string({ unit: "grapheme" })),
      (labels) => {
        const line = `m{${writeLabels(labels)}} 1\n`;
        const [family] = parsePrometheus(line);
        expect(parseLabels(family!.samples[0]!.labels)).toEqual({ ...labels });
      },
    ),
  );
});

test("a broken line is refused with its number", () => {
  expect(() => parsePrometheus('a 1\nb{x="1" 2\n')).toThrow(
    expect.objectContaining({ code: "HDL5003", where: "line 2" }),
  );
  expect(() => parsePrometheus("a one\n")).toThrow(expect.objectContaining({ code: "HDL5003" }));
  expect(() => parseLabels("=1")).toThrow(expect.objectContaining({ code: "HDL5003" }));
});

test("Istio's names come back from under any stats prefix", () => {
  expect(istioName("envoy_mesh_istio_requests_total")).toBe("istio_requests_total");
  expect(istioName("envoy_istio_requests_total")).toBe("istio_requests_total");
  expect(istioName("envoy_wasm_custom_istio_tcp_sent_bytes_total")).toBe(
    "istio_tcp_sent_bytes_total",
  );
  expect(istioName("envoy_cluster_upstream_rq_total")).toBe("envoy_cluster_upstream_rq_total");
});

test("merged scrapes keep every proxy's series apart under one family", () => {
  const families = parsePrometheus(exposition);
  const merged = mergeScrapes([
    { labels: { pod: "a", namespace: "shop" }, families },
    { labels: { pod: "b", namespace: "shop" }, families },
  ]);
  const requests = merged.find(({ name }) => name === "istio_requests_total")!;
  expect(requests.samples.map(({ labels }) => parseLabels(labels))).toEqual([
    { pod: "a", namespace: "shop", reporter: "source", response_code: "200" },
    { pod: "b", namespace: "shop", reporter: "source", response_code: "200" },
  ]);
  expect(merged.filter(({ name }) => name === "istio_request_duration_milliseconds")).toHaveLength(
    1,
  );
  expect(writePrometheus(merged)).toContain(
    'istio_request_duration_milliseconds_bucket{pod="a",namespace="shop",reporter="source",le="1"} 3',
  );
});

test("a series' own label wins over the proxy's", () => {
  const [family] = mergeScrapes([
    { labels: { pod: "a" }, families: parsePrometheus('m{pod="own"} 1\n') },
  ]);
  expect(parseLabels(family!.samples[0]!.labels)).toEqual({ pod: "own" });
});
