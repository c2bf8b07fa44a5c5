import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  requestLabels,
  toLogEntry,
  type LogEntry,
  type RequestLabels,
  type RequestPoint,
  type SpanRecord,
} from "@heddle/telemetry";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { mountSmallDisk, noSmallDisk } from "../../../../../test/harness/small-disk.ts";
import { logFilter } from "../tail/log-filter.ts";
import type { TelemetryStore } from "../telemetry-store.ts";
import { openDuckDbStore } from "./duckdb-store.ts";

const scope = { tenant: "acme", mesh: "demo" };
const now = 1_800_000_000_000;
const range = { from: now - 600_000, to: now };

let directory: string;
let path: string;
let store: TelemetryStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "heddle-telemetry-"));
  path = join(directory, "telemetry.duckdb");
  store = await openDuckDbStore({ path, clock: () => now, expireEveryMs: 0 });
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

function labels(own: Partial<RequestLabels>): RequestLabels {
  const all = Object.fromEntries(requestLabels.map((name) => [name, "unknown"])) as RequestLabels;
  return {
    ...all,
    request_protocol: "http",
    response_code: "200",
    response_flags: "-",
    grpc_response_status: "",
    ...own,
  };
}

/** A call from productpage to one version of reviews, as one side reports it. */
function call(
  reporter: "source" | "destination",
  version: string,
  requests: number,
  own: Partial<RequestLabels> = {},
): RequestPoint {
  return {
    time: now - 5000,
    labels: labels({
      reporter,
      source_workload: "productpage-v1",
      source_workload_namespace: "default",
      source_canonical_service: "productpage",
      source_version: "v1",
      destination_workload: `reviews-${version}`,
      destination_workload_namespace: "default",
      destination_canonical_service: "reviews",
      destination_app: "reviews",
      destination_version: version,
      destination_service: "reviews.default.svc.cluster.local",
      destination_service_name: "reviews",
      destination_service_namespace: "default",
      connection_security_policy: reporter === "destination" ? "mutual_tls" : "unknown",
      ...own,
    }),
    requests,
    duration: {
      bounds: [1, 5, 10],
      counts: [0, requests, 0, 0],
      count: requests,
      sum: requests * 3,
    },
    requestBytes: 0,
    responseBytes: requests * 100,
    opened: 0,
    closed: 0,
    received: 0,
    sent: 0,
  };
}

function span(
  traceId: string,
  spanId: string,
  parentSpanId: string,
  service: string,
  startMs: number,
  durationMs: number,
  own: Partial<SpanRecord> = {},
): SpanRecord {
  return {
    traceId: traceId.padStart(32, "0"),
    spanId: spanId.padStart(16, "0"),
    parentSpanId: parentSpanId === "" ? "" : parentSpanId.padStart(16, "0"),
    service,
    operation: `GET /${service}`,
    kind: "server",
    startNs: BigInt(startMs) * 1_000_000n + 123n,
    durationNs: durationMs * 1e6,
    status: "unset",
    statusMessage: "",
    attributes: { "http.method": "GET", n: 1, on: true },
    resource: { "service.name": service },
    events: [{ name: "sent", offsetNs: 5, attributes: {} }],
    links: [],
    ...own,
  };
}

function log(own: Record<string, string>, timeMs = now - 1000): LogEntry {
  const attributes = {
    "heddle.reporter": "destination",
    "destination.service": "reviews.default.svc.cluster.local",
    "http.response.status_code": "200",
    ...own,
  };
  return toLogEntry({
    timeNs: BigInt(timeMs) * 1_000_000n,
    severity: "",
    body: own["body"] ?? "GET /",
    traceId: "",
    spanId: "",
    attributes,
    resource: {},
  });
}

describe("requests", () => {
  test("reported from both sides are counted once, and the servers' side tells of mutual TLS", async () => {
    await store.write(scope, {
      requests: ["v1", "v2"].flatMap((version) => [
        call("source", version, 10),
        call("destination", version, 10),
      ]),
    });
    const { nodes, edges } = await store.graph(scope, { ...range, view: "workload" });
    expect(
      edges.map(({ source, target, golden, mtls }) => [source, target, golden.requests, mtls]),
    ).toEqual([
      ["workload:default/productpage-v1", "workload:default/reviews-v1", 10, 1],
      ["workload:default/productpage-v1", "workload:default/reviews-v2", 10, 1],
    ]);
    expect(nodes.map(({ id, golden }) => [id, golden.requests])).toContainEqual([
      "workload:default/reviews-v1",
      10,
    ]);
    const [reviews] = await store.services(scope, range, 60_000);
    expect(reviews).toMatchObject({
      host: "reviews.default.svc.cluster.local",
      golden: { requests: 20, errorRate: 0, rate: 20 / 600 },
    });
    expect(reviews!.golden.p50).toBe(3);
    expect(reviews!.rateSeries).toHaveLength(10);
    expect(reviews!.rateSeries.at(-1)).toBeCloseTo(20 / 60);
  });

  test("that reached no server are errors of the service, seen by the client alone", async () => {
    const unreached = call("source", "v1", 5, {
      response_code: "503",
      response_flags: "UH",
      destination_workload: "unknown",
      destination_canonical_service: "unknown",
      destination_app: "unknown",
    });
    await store.write(scope, {
      requests: [call("source", "v1", 15), call("destination", "v1", 15), unreached],
    });
    const [reviews] = await store.services(scope, range, 60_000);
    expect(reviews).toMatchObject({
      golden: { requests: 20, errorRate: 0.25 },
      flags: { UH: 5 },
      codes: { 200: 15, 503: 5 },
    });
    const { edges } = await store.graph(scope, { ...range, view: "workload" });
    expect(edges.find(({ target }) => target === "service:default/reviews")).toMatchObject({
      golden: { errorRate: 1 },
      flags: { UH: 5 },
    });
  });

  test("are shown by service and by app too, and only those of a namespace where asked", async () => {
    await store.write(scope, { requests: [call("source", "v1", 4), call("source", "v2", 6)] });
    const byService = await store.graph(scope, { ...range, view: "service" });
    expect(byService.edges).toMatchObject([
      {
        source: "service:default/productpage",
        target: "service:default/reviews",
        golden: { requests: 10 },
      },
    ]);
    expect((await store.graph(scope, { ...range, view: "app", namespace: "other" })).edges).toEqual(
      [],
    );
  });

  test("outside the range don't count", async () => {
    await store.write(scope, { requests: [call("source", "v1", 4)] });
    expect(
      (await store.graph(scope, { from: now, to: now + 1000, view: "workload" })).edges,
    ).toEqual([]);
  });

  test("have a course by step and label", async () => {
    await store.write(scope, {
      requests: [
        call("destination", "v1", 30),
        { ...call("destination", "v2", 60), time: now - 65_000 },
      ],
    });
    const rate = await store.series(scope, {
      ...range,
      metric: "rate",
      stepMs: 60_000,
      by: "destination_version",
    });
    expect(
      rate.map(({ labels: by, values }) => [by["destination_version"], values.slice(-2)]),
    ).toEqual([
      ["v1", [0, 0.5]],
      ["v2", [1, 0]],
    ]);
    const [p95] = await store.series(scope, {
      ...range,
      metric: "p95",
      stepMs: 60_000,
      service: "reviews.default",
    });
    expect(p95!.values.slice(-3).map((value) => value && Math.round(value * 100))).toEqual([
      null,
      480,
      480,
    ]);
  });

  test("of TCP are connections and bytes", async () => {
    const tcp = {
      ...call("source", "v1", 0, { request_protocol: "tcp", response_code: "" }),
      opened: 3,
      received: 600,
      sent: 0,
    };
    await store.write(scope, { requests: [tcp] });
    const { edges } = await store.graph(scope, { ...range, view: "workload" });
    expect(edges).toMatchObject([
      { protocol: "tcp", golden: { requests: 3, bytesPerSecond: 1, errorRate: 0 } },
    ]);
  });
});

describe("traces", () => {
  test("are found by any span and summed up whole", async () => {
    await store.write(scope, {
      spans: [
        span("a", "1", "", "productpage.default", now - 3000, 40),
        span("a", "2", "1", "reviews.default", now - 2990, 20, { status: "error" }),
        span("b", "3", "", "productpage.default", now - 2000, 5),
      ],
    });
    const all = await store.traces(scope, { ...range, limit: 10 });
    expect(all.map(({ traceId }) => traceId.at(-1))).toEqual(["b", "a"]);
    const [found, ...others] = await store.traces(scope, {
      ...range,
      limit: 10,
      service: "reviews.default.svc.cluster.local",
    });
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      rootService: "productpage.default",
      rootOperation: "GET /productpage.default",
      durationMs: 40,
      spans: 2,
      errors: 1,
    });
    expect(await store.traces(scope, { ...range, limit: 10, minDurationMs: 30 })).toHaveLength(1);
    expect(await store.traces(scope, { ...range, limit: 10, status: "ok" })).toMatchObject([
      { errors: 0 },
    ]);
    expect(
      await store.traces(scope, {
        ...range,
        limit: 10,
        attributes: { "http.method": "GET", on: "true" },
      }),
    ).toHaveLength(2);
    expect(
      await store.traces(scope, { ...range, limit: 10, attributes: { "http.method": "POST" } }),
    ).toEqual([]);
  });

  test("come back with exact times, attributes and events", async () => {
    await store.write(scope, {
      spans: [
        span("a", "2", "1", "reviews", now - 2990, 20),
        span("a", "1", "", "productpage", now - 3000, 40),
      ],
    });
    const spans = await store.trace(scope, "a".padStart(32, "0"));
    expect(
      spans.map(({ service, offsetNs, parentSpanId }) => [service, offsetNs, parentSpanId?.at(-1)]),
    ).toEqual([
      ["productpage", 0, undefined],
      ["reviews", 10_000_000, "1"],
    ]);
    expect(spans[0]).toMatchObject({
      start: "2027-01-15T07:59:57.000000123Z",
      attributes: { "http.method": "GET", n: 1, on: true },
      events: [{ name: "sent", offsetNs: 5 }],
    });
    expect(await store.trace(scope, "f".repeat(32))).toEqual([]);
    expect(await store.traceServices(scope, range)).toEqual(["productpage", "reviews"]);
    expect(await store.traceOperations(scope, range, "reviews")).toEqual([
      { name: "GET /reviews", kind: "server" },
    ]);
  });
});

test("logs are filtered by service, status, flag and text, newest first", async () => {
  await store.write(scope, {
    logs: [
      log({ "url.path": "/Slow" }, now - 3000),
      log({ "http.response.status_code": "503", "envoy.response_flags": "URX,UF" }, now - 2000),
      log({ "destination.service": "ratings.default.svc.cluster.local" }),
    ],
  });
  const count = async (query: object) =>
    (await store.logs(scope, { ...range, limit: 10, ...query })).length;
  expect(
    (await store.logs(scope, { ...range, limit: 2 })).map(
      ({ destination }) => destination.service.split(".")[0],
    ),
  ).toEqual(["ratings", "reviews"]);
  expect(await count({ service: "reviews" })).toBe(2);
  expect(await count({ status: "5xx" })).toBe(1);
  expect(await count({ flags: "UF" })).toBe(1);
  expect(await count({ flags: "U" })).toBe(0);
  expect(await count({ text: "slow" })).toBe(1);
  expect(await count({ text: "' OR 1=1 --" })).toBe(0);
});

test("logs are filtered by request, workload and refusal, in the store as in the tail", async () => {
  const to = { "destination.workload": "web", "destination.namespace": "shop" };
  const lines = [
    log({ ...to, "envoy.response_code_details": "via_upstream", "http.request.id": "one" }),
    log({ "envoy.response_code_details": "rbac_access_denied_matched_policy[none]" }),
    log({ "envoy.response_code_details": "jwt_authn_access_denied{Jwt_is_missing}" }),
    log({
      ...to,
      "heddle.request_validation.object": "shop/checks",
      "envoy.response_code_details":
        "rbac_access_denied_matched_policy[request-validation/shop/checks/limits.urlBytes]",
    }),
    log({
      "heddle.request_validation.object": "shop/checks",
      "heddle.request_validation.report": "request-validation/shop/checks/limits.urlBytes",
    }),
  ];
  await store.write(scope, { logs: lines });
  for (const [filter, wanted] of [
    [{}, 5],
    [{ requestId: "one" }, 1],
    [{ requestId: "two" }, 0],
    [{ workload: "shop/web" }, 2],
    [{ refused: true }, 3],
    [{ refused: true, workload: "shop/web" }, 1],
  ] as const) {
    expect((await store.logs(scope, { ...range, limit: 10, ...filter })).length).toBe(wanted);
    expect(lines.filter(logFilter(filter)).length).toBe(wanted);
  }
});

test("other metrics are a rate by any label", async () => {
  const point = {
    name: "jobs",
    unit: "1",
    startNs: 0n,
    timeNs: BigInt(now - 1000) * 1_000_000n,
    resource: {},
  };
  const sum = (queue: string, value: number) => ({
    ...point,
    attributes: { queue },
    value: { type: "sum" as const, value, monotonic: true, temporality: "delta" as const },
  });
  await store.write(scope, { metrics: [sum("a", 60), sum("b", 120)] });
  const series = await store.series(scope, {
    ...range,
    metric: "jobs",
    stepMs: 60_000,
    by: "queue",
  });
  expect(series.map(({ labels: by, values }) => [by["queue"], values.at(-1)])).toEqual([
    ["a", 1],
    ["b", 2],
  ]);
});

describe("a batch", () => {
  const batch = { requests: [call("source", "v1", 1)] };
  const total = async () =>
    (await store.graph(scope, { ...range, view: "workload" })).edges.reduce(
      (sum, { golden }) => sum + golden.requests,
      0,
    );

  test("that is sent again is stored once, also when both are under way, and after the file was closed", async () => {
    const id = { stream: "agent-1", number: 1 };
    const results = await Promise.all([
      store.write(scope, batch, id),
      store.write(scope, batch, id),
      store.write(scope, batch, { stream: "agent-1", number: 2 }),
    ]);
    expect(results.map(({ stored }) => stored)).toEqual([true, false, true]);
    await store.close();
    store = await openDuckDbStore({ path, clock: () => now, expireEveryMs: 0 });
    expect(await store.write(scope, batch, id)).toEqual({ stored: false });
    expect(await store.write(scope, batch, { stream: "agent-2", number: 1 })).toEqual({
      stored: true,
    });
    expect(await total()).toBe(3);
  });

  test("of another tenant or mesh is never seen", async () => {
    await store.write(scope, batch);
    await store.write(
      { tenant: "other", mesh: "demo" },
      {
        requests: [call("source", "v1", 1000)],
        spans: [span("a", "1", "", "x", now - 1, 1)],
        logs: [log({})],
      },
    );
    expect(await total()).toBe(1);
    expect(await store.traces(scope, { ...range, limit: 10 })).toEqual([]);
    expect(await store.trace(scope, "a".padStart(32, "0"))).toEqual([]);
    expect(await store.logs(scope, { ...range, limit: 10 })).toEqual([]);
    expect(await store.services({ tenant: "acme", mesh: "unknown" }, range, 60_000)).toEqual([]);
  });

  test("that can't be stored fails alone and leaves nothing behind", async () => {
    const broken = {
      requests: [call("source", "v9", 1)],
      spans: [span("c", "1", "", "x", now, 1, { startNs: 2n ** 70n })],
    };
    const results = await Promise.allSettled([
      store.write(scope, batch),
      store.write(scope, broken, { stream: "s", number: 1 }),
      store.write(scope, batch),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await total()).toBe(2);
    expect(
      await store.write(scope, { requests: [call("source", "v9", 1)] }, { stream: "s", number: 1 }),
    ).toEqual({ stored: true });
    expect(await total()).toBe(3);
  });
});

test("rows older than their retention are dropped, younger ones kept", async () => {
  await store.write(scope, {
    logs: [log({}), log({}, now - 4 * 86_400_000)],
    spans: [span("a", "1", "", "x", now - 4 * 86_400_000, 1)],
  });
  expect(await store.expire(now)).toBe(2);
  expect(await store.status()).toMatchObject({ logs: 1, spans: 0 });
});

test("a file that another process holds is refused with its name", async () => {
  const code = `import { openDuckDbStore } from ${JSON.stringify(new URL("./duckdb-store.ts", import.meta.url).href)};
    try { await openDuckDbStore({ path: ${JSON.stringify(path)} }); console.log("opened"); } catch (error) { console.log(error.code, error.message); }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = (await child.stdout.toArray()).join("");
  expect(output).toContain("HDL5101");
  expect(output).toContain(path);
});

test("what was acknowledged survives SIGKILL, and a batch is whole or absent", async () => {
  await store.close();
  const code = `import { openDuckDbStore } from ${JSON.stringify(new URL("./duckdb-store.ts", import.meta.url).href)};
    const store = await openDuckDbStore({ path: ${JSON.stringify(path)} });
    const span = (i, n) => ({ traceId: String(n).padStart(32, "0"), spanId: String(i).padStart(16, "0"), parentSpanId: "", service: "s", operation: "o", kind: "server", startNs: 1800000000000000000n - 1000000n, durationNs: 1, status: "unset", statusMessage: "", attributes: {}, resource: {}, events: [], links: [] });
    for (let number = 1; ; number++) {
      await store.write({ tenant: "acme", mesh: "demo" }, { spans: Array.from({ length: 100 }, (_, i) => span(i, number)) }, { stream: "a", number });
      process.stdout.write(number + "\\n");
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let acknowledged = 0;
  for await (const text of child.stdout) {
    acknowledged = Number(String(text).trim().split("\n").at(-1));
    if (acknowledged >= 50) child.kill("SIGKILL");
  }
  store = await openDuckDbStore({ path, clock: () => now, expireEveryMs: 0 });
  const { spans } = await store.status();
  expect(spans % 100).toBe(0);
  expect(spans).toBeGreaterThanOrEqual(acknowledged * 100);
  expect(await store.write(scope, {}, { stream: "a", number: acknowledged })).toEqual({
    stored: false,
  });
});

test.skipIf(noSmallDisk !== undefined)(
  `a long write-ahead log goes into the file, but not where the disk has no room${noSmallDisk ? ` (${noSmallDisk})` : ""}`,
  async () => {
    const disk = mountSmallDisk(join(directory, "disk"), 100);
    const options = { path: join(directory, "disk/full.duckdb"), expireEveryMs: 0, logBytes: 2e6 };
    const full = await openDuckDbStore({ ...options, clock: () => now });
    const walBytes = async () => {
      // Comes in turn after the checkpoint of the last write.
      await full.expire(now);
      return (await stat(`${options.path}.wal`).catch(() => undefined))?.size ?? 0;
    };
    const lines = () => ({
      logs: Array.from({ length: 2_000 }, () => log({ body: randomBytes(300).toString("hex") })),
    });
    try {
      for (let number = 1; number <= 2; number++)
        await full.write(scope, lines(), { stream: "a", number });
      expect(await walBytes()).toBeLessThan(2e6);

      // Room for the log of two batches, and for no checkpoint of it.
      disk.fill(4e6);
      let number = 3;
      const refused = async () => {
        for (; number < 20; number++) await full.write(scope, lines(), { stream: "a", number });
      };
      await expect(refused()).rejects.toThrow(/Failed to commit: .*No space left on device/);
      expect(number).toBeGreaterThan(3);
      await expect(refused()).rejects.toThrow(/Failed to commit: .*No space left on device/);
      expect((await full.status()).logs).toBe((number - 1) * 2_000);

      disk.free();
      expect(await full.write(scope, lines(), { stream: "a", number })).toEqual({ stored: true });
      expect((await full.status()).logs).toBe(number * 2_000);
      expect(await walBytes()).toBeLessThan(2e6);
    } finally {
      await full.close();
      disk.unmount();
    }
  },
);
