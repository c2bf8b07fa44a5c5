import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createDeltas,
  fromMetrics,
  mergeScrapes,
  parsePrometheus,
  requestDeltas,
  requestTotals,
  toMetrics,
  type MetricPoint,
  type ProxyTotals,
} from "../index.ts";

/** What a proxy exposes after these many requests of each code, each taking 3 ms. */
function scrape(uptime: number, codes: Record<string, number>, at = uptime * 1000): ProxyTotals {
  const lines = [
    `# TYPE envoy_server_uptime gauge`,
    `envoy_server_uptime{} ${uptime}`,
    "# TYPE envoy_mesh_istio_requests_total counter",
  ];
  for (const [code, count] of Object.entries(codes))
    lines.push(
      `envoy_mesh_istio_requests_total{reporter="source",response_code="${code}"} ${count}`,
    );
  lines.push("# TYPE envoy_mesh_istio_request_duration_milliseconds histogram");
  for (const [code, count] of Object.entries(codes)) {
    const name = "envoy_mesh_istio_request_duration_milliseconds";
    const labels = `reporter="source",response_code="${code}"`;
    for (const le of ["1", "5", "+Inf"])
      lines.push(`${name}_bucket{${labels},le="${le}"} ${le === "1" ? 0 : count}`);
    lines.push(`${name}_sum{${labels}} ${count * 3}`, `${name}_count{${labels}} ${count}`);
  }
  return requestTotals(
    mergeScrapes([{ labels: {}, families: parsePrometheus(`${lines.join("\n")}\n`) }]),
    at,
  );
}

const step = { time: 1000, watchedMs: 60_000 };
const requests = (points: { requests: number }[]) =>
  points.reduce((sum, point) => sum + point.requests, 0);

describe("request increments", () => {
  test("are what was added, with buckets of their own", () => {
    const points = requestDeltas(scrape(100, { 200: 10 }), scrape(105, { 200: 14, 503: 1 }), step);
    expect(points.map(({ labels, requests: count }) => [labels.response_code, count])).toEqual([
      ["200", 4],
      ["503", 1],
    ]);
    expect(points[0]!.duration).toEqual({ bounds: [1, 5], counts: [0, 4, 0], count: 4, sum: 12 });
  });

  test("of a restarted proxy start at zero and are never negative", () => {
    expect(
      requests(requestDeltas(scrape(100, { 200: 10 }), scrape(2, { 200: 3 }, 105_000), step)),
    ).toBe(3);
    expect(
      requests(requestDeltas(scrape(100, { 200: 10 }), scrape(2, { 200: 30 }, 105_000), step)),
    ).toBe(30);
  });

  test("go on while a proxy tells an uptime of some seconds ago", () => {
    expect(
      requests(
        requestDeltas(scrape(100, { 200: 10 }, 104_000), scrape(100, { 200: 11 }, 105_000), step),
      ),
    ).toBe(1);
    expect(
      requests(
        requestDeltas(scrape(100, { 200: 10 }, 100_000), scrape(105, { 200: 12 }, 109_900), step),
      ),
    ).toBe(2);
  });

  test("of a proxy that was away for long and started in between are all its totals", () => {
    expect(
      requests(
        requestDeltas(scrape(10, { 200: 10 }, 10_000), scrape(60, { 200: 12 }, 120_000), step),
      ),
    ).toBe(12);
  });

  test("of an evicted and returned series start at zero", () => {
    expect(
      requests(requestDeltas(scrape(100, { 200: 10, 503: 5 }), scrape(105, { 200: 10 }), step)),
    ).toBe(0);
    expect(
      requests(requestDeltas(scrape(105, { 200: 10 }), scrape(110, { 200: 10, 503: 2 }), step)),
    ).toBe(2);
  });

  test("of a proxy that ran before it was watched start from its first totals", () => {
    expect(requestDeltas(undefined, scrape(100, { 200: 10 }), step)).toEqual([]);
  });

  test("of a proxy that started while being watched are all its totals", () => {
    expect(requests(requestDeltas(undefined, scrape(20, { 200: 10 }), step))).toBe(10);
  });

  test("add up to the requests of all runs, whenever the proxy is scraped and restarted", () => {
    const action = fc.oneof(
      fc.record({ requests: fc.nat(20) }),
      fc.constant("scrape" as const),
      fc.constant("restart" as const),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        let [uptime, clock, total, sent, seen] = [0, 0, 0, 0, 0];
        let previous = scrape(0, {});
        const take = () => {
          [uptime, clock] = [uptime + 5, clock + 5000];
          const now = scrape(uptime, total > 0 ? { 200: total } : {}, clock);
          seen += requests(requestDeltas(previous, now, step));
          previous = now;
        };
        for (const one of actions) {
          if (one === "scrape") take();
          else if (one === "restart") {
            take();
            take();
            [uptime, total] = [0, 0];
          } else {
            total += one.requests;
            sent += one.requests;
          }
        }
        take();
        expect(seen).toBe(sent);
      }),
    );
  });
});

test("request points travel as standard metrics and come back", () => {
  const points = requestDeltas(scrape(100, { 200: 10 }), scrape(105, { 200: 14, 503: 1 }), step);
  const { requests: back, others } = fromMetrics(toMetrics(points, { pod: "a" }));
  expect(back).toEqual(points);
  expect(others).toEqual([]);
});

test("cumulative metrics of others become increments, resets included", () => {
  const point = (timeNs: bigint, startNs: bigint, value: number): MetricPoint => ({
    name: "jobs",
    unit: "1",
    startNs,
    timeNs,
    attributes: { queue: "a" },
    resource: {},
    value: { type: "sum", value, monotonic: true, temporality: "cumulative" },
  });
  const deltas = createDeltas({ sinceNs: 100n });
  const values = (points: MetricPoint[]) =>
    points.map(({ value }) => (value.type === "sum" ? [value.value, value.temporality] : []));
  expect(deltas([point(110n, 50n, 7)])).toEqual([]);
  expect(values(deltas([point(120n, 50n, 9)]))).toEqual([[2, "delta"]]);
  expect(values(deltas([point(130n, 125n, 4)]))).toEqual([[4, "delta"]]);
  expect(deltas([point(120n, 125n, 3)])).toEqual([]);
  const gauge: MetricPoint = { ...point(1n, 0n, 0), value: { type: "gauge", value: 5 } };
  expect(deltas([gauge])).toEqual([gauge]);
});
