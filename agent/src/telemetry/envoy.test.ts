import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  parseLabels,
  parsePrometheus,
  requestLabels,
  toLogEntry,
  type RequestPoint,
} from "@heddle/telemetry";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTelemetry, type RunningTelemetry, type TelemetryOptions } from "./start-telemetry.ts";
import { freePorts } from "../testing/free-ports.ts";
import { startCollector, until, type Collector } from "./testing/collector.ts";
import { startEnvoyPair, type EnvoyPair } from "./testing/envoy-pair.ts";

const envoy = process.env["HEDDLE_ENVOY"];

describe.skipIf(!envoy)("with two real Envoys", () => {
  let collector: Collector;
  let telemetry: RunningTelemetry;
  let pair: EnvoyPair;
  let directory: string;
  let options: TelemetryOptions;
  let sent = 0;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "heddle-agent-telemetry-"));
    collector = await startCollector();
    const [otlp, metrics, ...ports] = await freePorts(9);
    pair = await startEnvoyPair(envoy!, otlp!, ports);
    options = {
      otlpAddress: `127.0.0.1:${otlp}`,
      metricsAddress: `127.0.0.1:${metrics}`,
      plane: collector.url,
      token: "secret",
      mesh: "demo",
      spoolDir: directory,
      scrapeIntervalMs: 300,
      batchMs: 200,
      proxies: () => [
        { name: "frontend-v1-abc.shop", address: pair.targets.client },
        { name: "reviews-v2-xyz.shop", address: pair.targets.server },
      ],
      ownMetrics: () => "# TYPE heddle_xds_pushes_total counter\nheddle_xds_pushes_total 3\n",
    };
    telemetry = await startTelemetry(options);
    await until("a first scrape of both", async () => {
      const up = (await exposed("/metrics")).find(({ name }) => name === "heddle_proxy_up");
      return up?.samples.filter(({ value }) => value === 1).length === 2;
    });
  });

  afterAll(async () => {
    await telemetry.close();
    await pair.close();
    await collector.close();
    await rm(directory, { recursive: true });
  });

  async function call(count: number, path = "/reviews/0"): Promise<void> {
    for (let index = 0; index < count; index++) await pair.call(path);
    sent += count;
  }

  async function exposed(path: string) {
    const response = await fetch(`http://127.0.0.1:${telemetry.ports.metrics}${path}`);
    return parsePrometheus(await response.text());
  }

  const total = (points: RequestPoint[], reporter: string) =>
    points
      .filter(({ labels }) => labels.reporter === reporter)
      .reduce((sum, { requests }) => sum + requests, 0);

  test("Prometheus sees every label of Istio's list from both reporters, and the sum of requests sent", async () => {
    await call(40);
    await call(10, "/fail");
    // Each end counts every request.
    await until("both proxies' counts", async () => {
      const families = await exposed("/stats/prometheus");
      const { samples = [] } = families.find(({ name }) => name === "istio_requests_total") ?? {};
      return samples.reduce((sum, { value }) => sum + value, 0) === 2 * sent;
    });
    const families = await exposed("/stats/prometheus");
    const requests = families.find(({ name }) => name === "istio_requests_total")!;
    const series = requests.samples.map(({ labels, value }) => ({
      labels: parseLabels(labels),
      value,
    }));
    for (const { labels } of series)
      expect(Object.keys(labels).sort()).toEqual([...requestLabels, "pod", "namespace"].sort());
    expect(requests.type).toBe("counter");
    const counted = (reporter: string, code: string) =>
      series
        .filter(({ labels }) => labels["reporter"] === reporter && labels["response_code"] === code)
        .reduce((sum, { value }) => sum + value, 0);
    expect([
      counted("source", "200"),
      counted("source", "503"),
      counted("destination", "200"),
      counted("destination", "503"),
    ]).toEqual([40, 10, 40, 10]);
    expect(series.find(({ labels }) => labels["reporter"] === "source")!.labels).toMatchObject({
      pod: "frontend-v1-abc",
      namespace: "shop",
      destination_principal: "spiffe://demo/ns/shop/sa/reviews",
    });
    await until("histograms, which Envoy renews every five seconds", async () => {
      const duration = (await exposed("/stats/prometheus")).find(
        ({ name }) => name === "istio_request_duration_milliseconds",
      );
      return duration?.type === "histogram";
    });
    const [all] = await Promise.all([exposed("/metrics")]);
    expect(all.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "istio_requests_total",
        "heddle_xds_pushes_total",
        "heddle_proxy_up",
        "heddle_telemetry_received_requests_total",
      ]),
    );
  });

  test("a real Prometheus that scrapes the agent counts the same", async (context) => {
    const binary = (process.env["PATH"] ?? "")
      .split(":")
      .map((path) => join(path, "prometheus"))
      .find((file) => existsSync(file));
    if (!binary) return context.skip("prometheus is not installed");
    const [port] = await freePorts(1);
    const config = join(directory, "prometheus.yml");
    const target = { targets: [`127.0.0.1:${telemetry.ports.metrics}`] };
    await writeFile(
      config,
      JSON.stringify({
        global: { scrape_interval: "1s" },
        scrape_configs: [{ job_name: "heddle", honor_labels: true, static_configs: [target] }],
      }),
    );
    const args = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory, "tsdb")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ];
    const prometheus = spawn(binary, args, { stdio: ["ignore", "inherit", "inherit"] });
    try {
      const query = async (text: string) => {
        const response = await fetch(
          `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(text)}`,
        );
        const { data } = (await response.json()) as {
          data: { result: { metric: Record<string, string>; value: [number, string] }[] };
        };
        return data.result;
      };
      await until(
        "a scrape by Prometheus",
        async () => (await query("istio_requests_total").catch(() => [])).length > 0,
      );
      const sums = await query("sum by (reporter) (istio_requests_total)");
      expect(
        Object.fromEntries(sums.map(({ metric, value }) => [metric["reporter"], Number(value[1])])),
      ).toEqual({ source: sent, destination: sent });
      // To Prometheus an empty label is none: HTTP requests have no gRPC status there, as with Istio.
      const [first] = await query("istio_requests_total");
      expect(Object.keys(first!.metric)).toEqual(
        expect.arrayContaining([
          ...requestLabels.filter((name) => name !== "grpc_response_status"),
          "pod",
          "namespace",
        ]),
      );
      const [p95] = await query(
        "histogram_quantile(0.95, sum by (le) (istio_request_duration_milliseconds_bucket))",
      );
      expect(Number(p95!.value[1])).toBeGreaterThan(0);
    } finally {
      prometheus.kill();
      await once(prometheus, "exit");
    }
  });

  test("increments, access logs and spans reach the plane with token, mesh and batch number", async () => {
    await until(
      "all requests at the plane",
      () =>
        total(collector.points, "source") === sent &&
        total(collector.points, "destination") === sent,
    );
    // Longer than a proxy's uptime may be out of date: nothing is counted again.
    await new Promise((resolve) => setTimeout(resolve, 3500));
    expect([total(collector.points, "source"), total(collector.points, "destination")]).toEqual([
      sent,
      sent,
    ]);
    const durations = collector.points.reduce(
      (sum, { duration }) => sum + (duration?.count ?? 0),
      0,
    );
    expect(durations).toBe(2 * sent);
    await until("all log lines", () => collector.logs.length === 2 * sent);
    const lines = collector.logs.map(toLogEntry);
    expect(lines.filter(({ status }) => status === 503)).toHaveLength(20);
    expect(lines.find(({ reporter }) => reporter === "source")).toMatchObject({
      method: "GET",
      sourceWorkload: "frontend-v1",
      destinationService: "reviews.shop.svc.cluster.local",
    });
    await until(
      "spans of both proxies",
      () => new Set(collector.spans.map(({ service }) => service)).size === 2,
    );
    const one = collector.spans.find(({ parentSpanId }) => parentSpanId !== "")!;
    expect(
      collector.spans.filter(({ traceId }) => traceId === one.traceId).length,
    ).toBeGreaterThanOrEqual(2);
    expect(collector.requests[0]!.headers).toMatchObject({
      authorization: "Bearer secret",
      "x-heddle-mesh": "demo",
      "content-encoding": "gzip",
    });
  });

  test("a restarted proxy's counts go on, never negative", async () => {
    await pair.restartClient();
    await call(25);
    await until(
      "requests from after the restart",
      () =>
        total(collector.points, "source") === sent &&
        total(collector.points, "destination") === sent,
    );
    expect(collector.points.every(({ requests }) => requests >= 0)).toBe(true);
  });

  test("requests made while the agent was away are counted when it is back, once", async () => {
    await telemetry.close();
    await call(15);
    telemetry = await startTelemetry(options);
    await until(
      "requests from in between",
      () =>
        total(collector.points, "source") === sent &&
        total(collector.points, "destination") === sent,
    );
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect([total(collector.points, "source"), total(collector.points, "destination")]).toEqual([
      sent,
      sent,
    ]);
  });

  test("a killed telemetry process is started again and counts nothing twice", async () => {
    const { pid } = telemetry;
    process.kill(pid!, "SIGKILL");
    await until("another process", () => telemetry.pid !== pid);
    await call(5);
    await until(
      "an exposition",
      async () => (await exposed("/stats/prometheus").catch(() => [])).length > 0,
    );
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(total(collector.points, "source")).toBeLessThanOrEqual(sent);
    await call(5);
    const before = total(collector.points, "source");
    await until("further requests", () => total(collector.points, "source") >= before + 5);
    expect(total(collector.points, "source")).toBeLessThanOrEqual(sent);
  });
});
