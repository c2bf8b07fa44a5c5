import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, Client } from "@grpc/grpc-js";
import { encodeLogs, type LogRecord } from "@heddle/telemetry";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTelemetry, type RunningTelemetry } from "./start-telemetry.ts";
import { freePorts } from "../testing/free-ports.ts";
import { startCollector, until, type Collector } from "./testing/collector.ts";

let dir: string;
let collector: Collector;
let telemetry: RunningTelemetry | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "heddle-telemetry-"));
  collector = await startCollector();
});

afterEach(async () => {
  await telemetry?.close();
  telemetry = undefined;
  await collector.close();
  await rm(dir, { recursive: true });
});

const nobody = () => [];

function log(body: string): LogRecord {
  return {
    timeNs: 5n,
    severity: "INFO",
    body,
    traceId: "",
    spanId: "",
    attributes: { "http.request.method": "GET" },
    resource: { pod: "a" },
  };
}

/** As a sender calls the receiver. */
function exportLogs(client: Client, content: Uint8Array): Promise<Error | null> {
  const path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      path,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      Buffer.from(content),
      (error) => resolve(error),
    );
  });
}

test("a flood of logs does not hold up the process that serves configuration, and none is lost that was taken", async () => {
  telemetry = await startTelemetry({
    otlpAddress: "127.0.0.1:0",
    plane: collector.url,
    token: "t",
    spoolDir: dir,
    batchMs: 100,
    proxies: nobody,
  });
  const sender = spawn(
    process.execPath,
    ["--input-type=module", "-e", flood(telemetry.ports.otlp ?? 0)],
    { stdio: ["ignore", "pipe", "inherit"], cwd: import.meta.dirname },
  );
  const delays: number[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    delays.push(performance.now() - last - 5);
    last = performance.now();
  }, 5);
  const output = (await sender.stdout.toArray()).join("");
  clearInterval(timer);
  const taken = Number(/taken (\d+)/.exec(output)![1]);
  expect(taken).toBeGreaterThanOrEqual(FLOOD);
  await until("all lines that were taken", () => collector.logs.length === taken);
  delays.sort((a, b) => a - b);
  expect(delays[Math.floor(delays.length * 0.95)]).toBeLessThan(50);
});

/** Lines, of which a machine with nothing else to do takes as many in two seconds. */
const FLOOD = 20_000;

/** Sends until so many are taken, twenty requests of a hundred lines at a time, and prints how many were. */
function flood(port: number): string {
  const line = { timeNs: "5n", body: "x".repeat(200) };
  return `import { Client, credentials } from "@grpc/grpc-js";
    import { encodeLogs } from ${JSON.stringify(import.meta.resolve("@heddle/telemetry"))};
    const resource = {};
    const content = Buffer.from(encodeLogs(Array.from({ length: 100 }, () => ({ timeNs: 5n, severity: "INFO", body: "${line.body}", traceId: "", spanId: "", attributes: {}, resource }))));
    const client = new Client("127.0.0.1:${port}", credentials.createInsecure());
    const identity = (bytes) => bytes;
    let taken = 0;
    const end = Date.now() + 30_000;
    await Promise.all(Array.from({ length: 20 }, async () => {
      while (taken < ${FLOOD} && Date.now() < end) {
        const error = await new Promise((resolve) => client.makeUnaryRequest("/opentelemetry.proto.collector.logs.v1.LogsService/Export", identity, identity, content, resolve));
        if (!error) taken += 100;
      }
    }));
    console.log("taken " + taken);
    client.close();`;
}

test("what is not OTLP is refused at the receiver and spoils no batch", async () => {
  telemetry = await startTelemetry({
    otlpAddress: "127.0.0.1:0",
    plane: collector.url,
    token: "t",
    spoolDir: dir,
    batchMs: 50,
    separate: false,
    proxies: nobody,
  });
  const client = new Client(`127.0.0.1:${telemetry.ports.otlp}`, credentials.createInsecure());
  expect(await exportLogs(client, Uint8Array.of(1, 2, 3))).toMatchObject({
    code: 3,
    details: expect.stringContaining("HDL5001"),
  });
  expect(await exportLogs(client, encodeLogs([log("good")]))).toBeNull();
  await until("the good line", () => collector.logs.length === 1);
  client.close();
});

test("an address that is taken is named", async () => {
  const options = {
    otlpAddress: `127.0.0.1:${collector.port}`,
    plane: collector.url,
    spoolDir: dir,
    proxies: nobody,
  };
  await expect(startTelemetry(options)).rejects.toThrow(/HDL5202.*127\.0\.0\.1/);
  await expect(
    startTelemetry({
      ...options,
      otlpAddress: "127.0.0.1:0",
      metricsAddress: `127.0.0.1:${collector.port}`,
      separate: false,
    }),
  ).rejects.toThrow(/HDL5204/);
  await expect(startTelemetry({ ...options, otlpAddress: "nonsense" })).rejects.toThrow(/HDL5201/);
});

test("readiness and own metrics are those of the control process", async () => {
  let ready = false;
  telemetry = await startTelemetry({
    otlpAddress: "127.0.0.1:0",
    metricsAddress: "127.0.0.1:0",
    spoolDir: dir,
    proxies: nobody,
    ready: () => ready,
    ownMetrics: () => "heddle_xds_streams 4\n",
  });
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${telemetry!.ports.metrics}${path}`);
    return [response.status, await response.text()] as const;
  };
  expect((await ask("/readyz"))[0]).toBe(503);
  ready = true;
  expect((await ask("/readyz"))[0]).toBe(200);
  expect((await ask("/healthz"))[0]).toBe(200);
  expect((await ask("/metrics"))[1]).toContain("heddle_xds_streams 4\n");
  expect((await ask("/elsewhere"))[0]).toBe(404);
});

test("the telemetry process ends with a control process that is killed", async () => {
  const [port] = await freePorts(1);
  const code = `import { startTelemetry } from ${JSON.stringify(new URL("./start-telemetry.ts", import.meta.url).href)};
    const telemetry = await startTelemetry({ otlpAddress: "127.0.0.1:${port}", spoolDir: ${JSON.stringify(dir)}, proxies: () => [] });
    console.log("pid " + telemetry.pid);
    setInterval(() => {}, 1000);`;
  const control = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const pid = Number(
    /pid (\d+)/.exec(
      String((await control.stdout.iterator({ destroyOnReturn: false }).next()).value),
    )![1],
  );
  control.kill("SIGKILL");
  await until("the end of the telemetry process", () => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
});
