/** OTLP by TLS, from a client to the plane: the telemetry process asks the control process whose a token is, and says so. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { encodeLogs, encodeMetrics, type LogRecord, type Sender } from "@heddle/telemetry";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createAuthority, type TestAuthority } from "../../../test/harness/certificates.ts";
import { CallerRefused } from "../callers/index.ts";
import type { ShownCertificate } from "../identity/shown-certificate.ts";
import { type RunningTelemetry, startTelemetry } from "./start-telemetry.ts";
import { type Collector, startCollector, until } from "./testing/collector.ts";

const AGENT = "heddle-agent.heddle-system.svc";
const TOKEN = "pod.web.1";
const WEB: Sender = {
  ...{ pod: "web-1", uid: "7", namespace: "shop", workload: "web", app: "web", version: "v1" },
  ...{ canonicalService: "web", canonicalRevision: "v1", cluster: "c1" },
  principal: "spiffe://td/ns/shop/sa/web",
};

let folder: string;
let collector: Collector;
let telemetry: RunningTelemetry | undefined;
let authority: TestAuthority;
let shown: ShownCertificate | undefined;
let asked: string[];
const listeners = new Set<() => void>();

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-otlp-tls-"));
  collector = await startCollector();
  authority = await createAuthority();
  shown = undefined;
  asked = [];
});
afterEach(async () => {
  await telemetry?.close();
  telemetry = undefined;
  await collector.close();
  await rm(folder, { recursive: true });
});

async function start(): Promise<void> {
  telemetry = await startTelemetry({
    ...{ otlpTlsAddress: "127.0.0.1:0", plane: collector.url, spoolDir: folder, batchMs: 50 },
    proxies: () => [],
    tls: {
      shown: () => shown,
      subscribe(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      async prove(token) {
        asked.push(token);
        if (token === TOKEN) return WEB;
        throw new CallerRefused("HDL7251", "The token is not good: it is another's.");
      },
    },
    whoHas: (address) =>
      address === "10.0.0.9" ? { workload: "nightly", namespace: "batch" } : undefined,
  });
}

async function show(from = authority): Promise<void> {
  const { chain, key } = await from.issue(AGENT);
  shown = { chain, privateKey: key };
  for (const listener of listeners) listener();
}

/** `ok`, or the gRPC status and what is said of it. */
async function send(
  signal: "logs" | "metrics",
  token: string | undefined,
  root = authority,
  content: Uint8Array = encodeLogs([claim]),
): Promise<string> {
  const client = new Client(
    `127.0.0.1:${telemetry?.ports.otlpTls}`,
    credentials.createSsl(Buffer.from(root.certificate)),
    { "grpc.ssl_target_name_override": AGENT, "grpc.default_authority": AGENT },
  );
  const service = `${signal === "logs" ? "logs.v1.Logs" : "metrics.v1.Metrics"}Service`;
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  const same = (bytes: Buffer) => bytes;
  const error = await new Promise<ServiceError | null>((resolve) =>
    client.makeUnaryRequest(
      `/opentelemetry.proto.collector.${service}/Export`,
      ...([same, same, Buffer.from(content), metadata] as const),
      { deadline: Date.now() + 20_000 },
      resolve,
    ),
  );
  client.close();
  return error ? `${error.code} ${error.details}` : "ok";
}

const claim: LogRecord = {
  ...{ timeNs: 5n, severity: "INFO", body: "GET /", traceId: "", spanId: "" },
  attributes: { "heddle.reporter": "source", "source.workload": "vault" },
  resource: { "service.name": "vault.bank", "k8s.namespace.name": "bank" },
};

test("what is sent with a pod's token is that pod's, whatever it says of itself", async () => {
  await show();
  await start();
  expect(await send("logs", TOKEN)).toBe("ok");
  await until("the record", () => collector.logs.length === 1);
  expect(collector.logs[0]).toMatchObject({
    attributes: { "heddle.reporter": "source", "source.workload": "web" },
    resource: { "service.name": "web.shop", "k8s.namespace.name": "shop", "k8s.pod.name": "web-1" },
  });
  // Whose it is holds for some seconds: the control process is not asked with every request.
  expect(await send("logs", TOKEN)).toBe("ok");
  expect(asked).toEqual([TOKEN]);
});

test("a caller that proved nothing is named by the address that it came from", async () => {
  await show();
  await start();
  const attributes = {
    ...{ "heddle.reporter": "destination", "source.principal": "unknown" },
    "envoy.downstream.remote_address": "10.0.0.9:4711",
  };
  expect(await send("logs", TOKEN, authority, encodeLogs([{ ...claim, attributes }]))).toBe("ok");
  await until("the record", () => collector.logs.length === 1);
  expect(collector.logs[0]?.attributes).toMatchObject({
    "heddle.caller.workload": "nightly",
    "heddle.caller.namespace": "batch",
  });
});

test("nothing is taken without a token, with one that proves nobody, or of metrics, which nobody sends", async () => {
  await show();
  await start();
  expect(await send("logs", undefined)).toMatch(/^16 HDL7250 /);
  expect(await send("logs", "some.body.else")).toMatch(/^16 HDL7251 .*another's/);
  expect(await send("metrics", TOKEN, authority, encodeMetrics([]))).toMatch(/^12 /);
  expect(await send("logs", TOKEN, authority, Uint8Array.of(1, 2, 3))).toMatch(/^3 HDL5001/);
  expect(collector.requests).toEqual([]);
});

test("the port shows the newest certificate, and none is no reason not to start", async () => {
  await start();
  expect(await send("logs", TOKEN)).toMatch(/^14 /);
  await show();
  await expect.poll(() => send("logs", TOKEN), { timeout: 20_000 }).toBe("ok");
  const next = await createAuthority("next root");
  await show(next);
  await expect.poll(() => send("logs", TOKEN, next), { timeout: 20_000 }).toBe("ok");
  expect(await send("logs", TOKEN)).toMatch(/^14 /);
});

test("a certificate that comes while the process is being started is not missed", async () => {
  const started = start();
  await show();
  await started;
  await expect.poll(() => send("logs", TOKEN), { timeout: 20_000 }).toBe("ok");
});
