import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { serve } from "@hono/node-server";
import {
  encodeLogs,
  encodeMetrics,
  encodeTraces,
  encodeTracesJson,
  requestLabels,
  toMetrics,
  type LogRecord,
  type RequestLabels,
  type SpanRecord,
} from "@heddle/telemetry";
import type {
  Graph,
  LogList,
  MutualTlsStatus,
  Problem,
  SeriesResult,
  ServiceList,
  ServicePage,
  TraceDetail,
  TraceList,
  WorkloadList,
} from "@heddle/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRouter } from "../http/router.ts";
import { errorAnswer } from "../http/failures.ts";
import { authentication, meshResolution } from "../http/auth.ts";
import { createTestPlane, type TestPlane } from "../testing/test-plane.ts";
import { openDuckDbStore } from "./duckdb/duckdb-store.ts";
import { telemetryRoutes } from "./routes.ts";
import type { TelemetryStore } from "./telemetry-store.ts";

let plane: TestPlane;
let store: TelemetryStore;
let directory: string;
let app: ReturnType<typeof createRouter>;
const reviews = "reviews.default.svc.cluster.local";

beforeAll(async () => {
  plane = await createTestPlane();
  directory = await mkdtemp(join(tmpdir(), "heddle-telemetry-"));
  store = await openDuckDbStore({ path: join(directory, "telemetry.duckdb"), expireEveryMs: 0 });
  for (const name of ["demo", "other"]) {
    const made = await plane.app.request("/v1/meshes", {
      method: "POST",
      headers: { ...bearer(), "content-type": "application/json" },
      body: JSON.stringify({ name }),
    });
    expect(made.status).toBe(201);
  }
  const deps = { ...plane.deps, telemetry: store };
  app = createRouter();
  for (const path of ["/v1/*", "/api/*"]) app.use(path, authentication(deps));
  app.use("/v1/meshes/:mesh/*", meshResolution(deps));
  const registry = () =>
    Promise.resolve({
      services: [
        {
          host: reviews,
          name: "reviews",
          namespace: "default",
          ports: [{ name: "http", port: 9080, protocol: "HTTP" }],
        },
        { host: "quiet.default.svc.cluster.local", name: "quiet", namespace: "default", ports: [] },
      ],
      workloads: [
        {
          name: "reviews-v1",
          namespace: "default",
          app: "reviews",
          version: "v1",
          serviceAccount: "bookinfo-reviews",
          pods: 2,
          services: [reviews],
          mtls: { mode: "PERMISSIVE" as const, ports: { 9090: "DISABLE" as const } },
        },
      ],
    });
  app.route("/", telemetryRoutes(deps, registry));
  app.onError(errorAnswer(deps));
});

afterAll(async () => {
  await store.close();
  await plane.close();
  await rm(directory, { recursive: true });
});

function bearer(): Record<string, string> {
  return { authorization: `Bearer ${plane.token}` };
}

function send(
  path: string,
  body: Uint8Array | string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const type = typeof body === "string" ? "application/json" : "application/x-protobuf";
  return Promise.resolve(
    app.request(path, {
      method: "POST",
      headers: { ...bearer(), "content-type": type, "x-heddle-mesh": "demo", ...headers },
      body: typeof body === "string" ? body : new Uint8Array(body),
    }),
  );
}

async function get<T>(path: string, mesh = "demo"): Promise<T> {
  const response = await app.request(`/v1/meshes/${mesh}${path}`, { headers: bearer() });
  return (await response.json()) as T;
}

function span(digit: string, service: string, own: Partial<SpanRecord> = {}): SpanRecord {
  return {
    traceId: digit.repeat(32),
    spanId: digit.repeat(16),
    parentSpanId: "",
    service,
    operation: `GET ${service}`,
    kind: "server",
    startNs: BigInt(Date.now() - 1000) * 1_000_000n,
    durationNs: 5e6,
    status: "unset",
    statusMessage: "",
    attributes: {},
    resource: { "service.name": service },
    events: [],
    links: [],
    ...own,
  };
}

function log(attributes: LogRecord["attributes"], own: Partial<LogRecord> = {}): LogRecord {
  return {
    timeNs: BigInt(Date.now()) * 1_000_000n,
    severity: "",
    body: "line",
    traceId: "",
    spanId: "",
    attributes,
    resource: {},
    ...own,
  };
}

function requestMetrics(requests: number, own: Partial<RequestLabels> = {}): Uint8Array {
  const labels = {
    ...(Object.fromEntries(requestLabels.map((name) => [name, "unknown"])) as RequestLabels),
    reporter: "destination",
    source_workload: "productpage-v1",
    source_workload_namespace: "default",
    source_canonical_service: "productpage",
    destination_workload: "reviews-v1",
    destination_workload_namespace: "default",
    destination_canonical_service: "reviews",
    destination_principal: "spiffe://demo/ns/default/sa/from-certificate",
    destination_service: reviews,
    destination_service_name: "reviews",
    destination_service_namespace: "default",
    request_protocol: "http",
    response_code: "200",
    response_flags: "-",
    connection_security_policy: "mutual_tls",
    ...own,
  };
  const duration = { bounds: [1, 5], counts: [0, requests, 0], count: requests, sum: requests * 2 };
  const point = {
    time: Date.now() - 500,
    labels,
    requests,
    duration,
    requestBytes: 0,
    responseBytes: 0,
    opened: 0,
    closed: 0,
    received: 0,
    sent: 0,
  };
  return encodeMetrics(toMetrics([point], { "k8s.pod.name": "reviews-v1-0" }));
}

test("metrics sent as protobuf and gzip, twice under one number, are counted once in graph, services, workloads and series", async () => {
  const body = gzipSync(requestMetrics(7));
  const headers = { "content-encoding": "gzip", "x-heddle-batch": "agent/1" };
  const first = await send("/v1/otlp/v1/metrics", body, headers);
  expect([
    first.status,
    first.headers.get("content-type"),
    (await first.arrayBuffer()).byteLength,
  ]).toEqual([200, "application/x-protobuf", 0]);
  const again = await send("/v1/otlp/v1/metrics", body, headers);
  expect([again.status, again.headers.get("x-heddle-duplicate")]).toEqual([200, "true"]);

  const graph = await get<Graph>("/graph");
  expect(graph.edges).toMatchObject([
    {
      source: "workload:default/productpage-v1",
      target: "workload:default/reviews-v1",
      mtls: 1,
      golden: { requests: 7 },
    },
  ]);
  const services = await get<ServiceList>("/services");
  expect(
    services.items.map(({ host, golden, ports }) => [host, golden.requests, ports.length]),
  ).toEqual([
    ["quiet.default.svc.cluster.local", 0, 0],
    [reviews, 7, 1],
  ]);
  expect(services.items[1]!.workloads).toMatchObject([
    { name: "reviews-v1", pods: 2, serviceAccount: "bookinfo-reviews", golden: { requests: 7 } },
  ]);
  expect(services.items[0]!.rateSeries).toHaveLength(services.items[1]!.rateSeries.length);
  const page = await get<ServicePage>(`/services/${reviews}`);
  expect(page).toMatchObject({
    service: { name: "reviews" },
    inbound: [{ golden: { requests: 7 } }],
    outbound: [],
    codes: { 200: 7 },
  });
  const workloads = await get<WorkloadList>("/workloads");
  expect(workloads.items).toMatchObject([{ name: "reviews-v1", golden: { requests: 7 } }]);
  const series = await get<SeriesResult>("/series?metric=rate&step=60s&by=destination_workload");
  expect(series.series).toHaveLength(1);
  expect(series.series[0]).toMatchObject({ labels: { destination_workload: "reviews-v1" } });
  expect((await get<Graph>("/graph", "other")).edges).toEqual([]);
});

test("who came without an identity is named for each workload, by the address where somebody had it", async () => {
  const to = { "x-heddle-mesh": "other" };
  const came = (address: string, own: LogRecord["attributes"] = {}) =>
    log({
      "heddle.reporter": "destination",
      "destination.workload": "reviews-v1",
      "destination.namespace": "default",
      "source.principal": "unknown",
      "envoy.downstream.remote_address": address,
      ...own,
    });
  const nightly = { "heddle.caller.workload": "nightly", "heddle.caller.namespace": "batch" };
  const lines = [
    ...[came("10.0.0.9:1", nightly), came("10.0.0.8:2", nightly), came("[fd00::7]:3")],
    came("10.0.0.6:4", { "source.principal": "spiffe://demo/ns/default/sa/productpage" }),
    came("10.0.0.5:5", { "heddle.reporter": "source" }),
  ];
  await send("/v1/otlp/v1/logs", encodeLogs(lines), to);
  await send("/v1/otlp/v1/metrics", requestMetrics(5), to);
  await send("/v1/otlp/v1/metrics", requestMetrics(3, { connection_security_policy: "none" }), to);
  const { namespaces } = await get<MutualTlsStatus>("/mtls", "other");
  const destination = { namespace: "default", name: "reviews-v1" };
  expect(namespaces).toEqual([
    {
      namespace: "default",
      workloads: [
        {
          name: "reviews-v1",
          ...{ mode: "PERMISSIVE", ports: { 9090: "DISABLE" }, requests: 8, plaintext: 3 },
        },
      ],
      callers: [
        {
          ...{ source: { namespace: "batch", name: "nightly" }, destination, requests: 2 },
          ...{ address: "10.0.0.9", lastSeen: expect.any(String) as string },
        },
        {
          ...{ source: null, destination, requests: 1 },
          ...{ address: "fd00::7", lastSeen: expect.any(String) as string },
        },
      ],
    },
  ]);
});

test("spans sent as JSON, protobuf and Zipkin are one list of traces", async () => {
  expect(
    (
      await send(
        "/v1/otlp/v1/traces",
        encodeTracesJson([span("a", "productpage", { attributes: { error: "true" } })]),
      )
    ).status,
  ).toBe(200);
  expect((await send("/v1/otlp/v1/traces", encodeTraces([span("b", "reviews")]))).status).toBe(200);
  const zipkin = [
    {
      traceId: "c".repeat(16),
      id: "c".repeat(16),
      name: "get",
      timestamp: (Date.now() - 500) * 1000,
      duration: 10,
      localEndpoint: { serviceName: "ratings" },
    },
  ];
  expect((await send("/api/v2/spans", JSON.stringify(zipkin))).status).toBe(202);
  const list = await get<TraceList>("/traces");
  expect(list.items.map(({ rootService, errors }) => [rootService, errors]).sort()).toEqual([
    ["productpage", 1],
    ["ratings", 0],
    ["reviews", 0],
  ]);
  expect(list.services).toEqual(["productpage", "ratings", "reviews"]);
  expect((await get<TraceList>("/traces?status=error")).items).toHaveLength(1);
  expect((await get<TraceList>("/traces?minDuration=6ms")).items).toEqual([]);
  expect(await get<TraceDetail>(`/traces/${"b".repeat(32)}`)).toMatchObject({
    durationMs: 5,
    spans: [{ service: "reviews" }],
  });
  expect(await get<Problem>(`/traces/${"9".repeat(32)}`)).toMatchObject({
    status: 404,
    code: "HDL5116",
  });
});

test("log lines are listed, and told live to those who follow with the same filter", async () => {
  const response = await app.request("/v1/meshes/demo/logs/stream?status=5xx", {
    headers: bearer(),
  });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  await reader.read();
  const lines = ["200", "503"].map((status) =>
    log({
      "heddle.reporter": "destination",
      "http.response.status_code": status,
      "destination.service": reviews,
    }),
  );
  expect((await send("/v1/otlp/v1/logs", encodeLogs(lines))).status).toBe(200);
  const { value } = await reader.read();
  expect(value).toContain("event: log");
  expect(JSON.parse(value!.split("data: ")[1]!)).toMatchObject({
    status: 503,
    severity: "ERROR",
    destination: { service: reviews },
  });
  await reader.cancel();
  expect((await get<LogList>("/logs?service=reviews")).items).toHaveLength(2);
  expect((await get<LogList>("/logs?status=5xx")).items).toHaveLength(1);
});

test("a follower of a flood gets what a person can read and the number of the rest", async () => {
  const response = await app.request("/v1/meshes/demo/logs/stream?q=flood", { headers: bearer() });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  await reader.read();
  for (let batch = 0; batch < 2; batch++)
    await send(
      "/v1/otlp/v1/logs",
      encodeLogs(Array.from({ length: 300 }, () => log({}, { body: "flood" }))),
    );
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await send("/v1/otlp/v1/logs", encodeLogs([log({}, { body: "flood" })]));
  let text = "";
  while (!text.includes("event: skipped")) text += (await reader.read()).value;
  await reader.cancel();
  expect(Number(/"count":(\d+)/.exec(text)![1])).toBeGreaterThanOrEqual(100);
});

test("what can't be taken is refused before it is decoded, and says why", async () => {
  const refusal = async (response: Promise<Response>) => {
    const problem = (await (await response).json()) as Problem;
    return [problem.status, problem.code];
  };
  const body = encodeTraces([span("d", "x")]);
  expect(await refusal(send("/v1/otlp/v1/traces", body, { authorization: "" }))).toEqual([
    401,
    "HDL1010",
  ]);
  expect(await refusal(send("/v1/otlp/v1/traces", body, { "x-heddle-mesh": "nowhere" }))).toEqual([
    400,
    "HDL5114",
  ]);
  expect(await refusal(send("/v1/otlp/v1/traces", body, { "content-type": "text/plain" }))).toEqual(
    [415, "HDL5112"],
  );
  expect(await refusal(send("/v1/otlp/v1/traces", body, { "content-encoding": "br" }))).toEqual([
    415,
    "HDL5112",
  ]);
  expect(await refusal(send("/v1/otlp/v1/traces", body, { "content-encoding": "gzip" }))).toEqual([
    400,
    "HDL5110",
  ]);
  expect(await refusal(send("/v1/otlp/v1/traces", body, { "x-heddle-batch": "one" }))).toEqual([
    400,
    "HDL5118",
  ]);
  expect(await refusal(send("/v1/otlp/v1/traces", Uint8Array.of(7, 7, 7)))).toEqual([
    400,
    "HDL5110",
  ]);
  expect(await refusal(send("/v1/otlp/v1/traces", "{"))).toEqual([400, "HDL5110"]);
  expect(await refusal(send("/v1/otlp/v1/traces", new Uint8Array(9 * 1024 * 1024)))).toEqual([
    413,
    "HDL5111",
  ]);
  const bomb = gzipSync(new Uint8Array(40 * 1024 * 1024));
  expect(await refusal(send("/v1/otlp/v1/traces", bomb, { "content-encoding": "gzip" }))).toEqual([
    413,
    "HDL5111",
  ]);
});

test("records far from now are rejected in the answer, the others stored", async () => {
  const response = await send(
    "/v1/otlp/v1/traces",
    encodeTracesJson([span("e", "past", { startNs: 5n }), span("f", "present")]),
  );
  expect(await response.json()).toMatchObject({
    partialSuccess: { rejectedSpans: "1", errorMessage: expect.stringContaining("30 days") },
  });
  expect((await get<TraceList>("/traces?service=present")).items).toHaveLength(1);
});

test("a wrong range or parameter is a problem that names it", async () => {
  const code = async (path: string) => {
    const { code: found, detail } = await get<Problem>(path);
    return `${found} ${detail}`;
  };
  expect(await code("/graph?from=yesterday")).toMatch(/^HDL5115 .*from/);
  expect(await code("/graph?from=2000&to=1000")).toMatch(/^HDL5115 .*not before/);
  expect(await code("/series?metric=rate&step=1ms")).toMatch(/^HDL5118 .*step/);
  expect(
    await code("/series?metric=rate&step=1s&from=2026-01-01T00:00:00Z&to=2026-01-20T00:00:00Z"),
  ).toMatch(/^HDL5118 .*5000/);
  expect(await code("/traces?minDuration=long")).toMatch(/^HDL5118 .*minDuration/);
  expect(await code("/traces/xyz")).toMatch(/^HDL1004/);
  expect(await code("/logs?status=bad")).toMatch(/^HDL1004/);
  expect(await code("/services/nothing.here")).toMatch(/^HDL5117/);
});

test("without a store every route says that there is none", async () => {
  const bare = createRouter();
  bare.use("/v1/*", authentication(plane.deps));
  bare.route("/", telemetryRoutes(plane.deps));
  bare.onError(errorAnswer(plane.deps));
  for (const [method, path] of [
    ["GET", "/v1/meshes/demo/graph"],
    ["POST", "/v1/otlp/v1/logs"],
  ] as const) {
    const response = await bare.request(path, { method, headers: bearer() });
    expect([response.status, ((await response.json()) as Problem).code]).toEqual([501, "HDL5119"]);
  }
});

test("telemetry of a Python OpenTelemetry SDK is taken as it sends it", async (context) => {
  const probe = spawn("python3", [
    "-c",
    "import opentelemetry.exporter.otlp.proto.http, opentelemetry.sdk",
  ]);
  if ((await new Promise((resolve) => probe.on("exit", resolve))) !== 0)
    context.skip("python3 with opentelemetry-exporter-otlp-proto-http is not installed");
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const script = `
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
provider = TracerProvider(resource=Resource.create({"service.name": "python"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint="http://127.0.0.1:${port}/v1/otlp/v1/traces", headers={"authorization": "Bearer ${plane.token}", "x-heddle-mesh": "demo"}, compression=Compression.Gzip)))
tracer = provider.get_tracer("t")
for i in range(20):
    with tracer.start_as_current_span("parent") as parent:
        parent.set_attribute("list", ["a", "b"])
        with tracer.start_as_current_span("child") as child:
            child.add_event("happened", {"n": i})
provider.shutdown()
`;
  const python = spawn("python3", ["-c", script], { stdio: ["ignore", "inherit", "inherit"] });
  expect(await new Promise((resolve) => python.on("exit", resolve))).toBe(0);
  const { items } = await get<TraceList>("/traces?service=python&limit=100");
  expect(items).toHaveLength(20);
  const trace = await get<TraceDetail>(`/traces/${items[0]!.traceId}`);
  expect(
    trace.spans.map(({ operation, attributes, events }) => [
      operation,
      attributes["list"],
      events.length,
    ]),
  ).toEqual([
    ["parent", '["a","b"]', 0],
    ["child", undefined, 1],
  ]);
  server.close();
});
