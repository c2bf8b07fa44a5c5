/** What logs and spans of real Envoys still say when they have left the cluster: at the plane's address, and on disk on the way to it. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { Redaction, RedactionDetector, RedactionForm, RedactionRule } from "@heddle/model";
import { encodeLogs, parsePrometheus, type Sender } from "@heddle/telemetry";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type RunningTelemetry,
  startTelemetry,
  type TelemetryOptions,
} from "../../../agent/src/telemetry/start-telemetry.ts";
import {
  type Collector,
  startCollector,
  until,
} from "../../../agent/src/telemetry/testing/collector.ts";
import { type EnvoyPair, startEnvoyPair } from "../../../agent/src/telemetry/testing/envoy-pair.ts";
import { freePorts } from "../../../agent/src/testing/free-ports.ts";
import { createAuthority } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { proves } from "../proves.ts";

const ROOT = "istio-system";
const AGENT = "heddle-agent.heddle-system.svc";
const TOKEN = "pod.web.1";
const OTHER_TOKEN = "pod.api.1";
/** Proxies send what they have each 200 ms, and the agent each 100. */
const QUIET_MS = 500;

describe.skipIf(!envoyBinary)("redaction", () => {
  let folder: string;
  let collector: Collector;
  let pair: EnvoyPair;
  let telemetry: RunningTelemetry;
  let certificate: string;
  let settings: ReturnType<NonNullable<TelemetryOptions["redaction"]>>;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-redaction-"));
    collector = await startCollector();
    const authority = await createAuthority();
    ({ certificate } = authority);
    const { chain, key } = await authority.issue(AGENT);
    const [otlp, metrics, ...ports] = await freePorts(9);
    pair = await startEnvoyPair(envoyBinary!, otlp!, ports);
    telemetry = await startTelemetry({
      ...{ otlpAddress: `127.0.0.1:${otlp}`, otlpTlsAddress: "127.0.0.1:0" },
      ...{ metricsAddress: `127.0.0.1:${metrics}`, plane: collector.url, token: "t" },
      ...{ spoolDir: folder, batchMs: 100, scrapeIntervalMs: 60_000 },
      proxies: () => [],
      redaction: () => settings,
      tls: {
        shown: () => ({ chain, privateKey: key }),
        subscribe: () => () => {},
        prove: (token) => Promise.resolve(pods[token]!),
      },
    });
  });
  afterAll(async () => {
    await telemetry.close();
    await pair.close();
    await collector.close();
    await rm(folder, { recursive: true });
  });

  const hold = (...specs: Redaction[]) => {
    const objects = specs.map((spec, index) => ({ namespace: ROOT, name: `r${index}`, spec }));
    settings = { key: "k", policy: { rootNamespace: ROOT, objects } };
    telemetry.update();
  };

  /** What the plane is told of one request: by both proxies, in their logs and in their spans. */
  async function told(target: string, ...specs: Redaction[]) {
    hold(...specs);
    const { logs, spans } = collector;
    let last = -1;
    while (last !== (last = logs.length + spans.length))
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    logs.length = spans.length = 0;
    await pair.call(target);
    await until("logs and spans of both", () => logs.length >= 2 && spans.length >= 2);
    const [log] = logs;
    const paths = new Set(logs.map(({ attributes }) => attributes["url.path"]));
    const urls = new Set(spans.map(({ attributes }) => attributes["http.url"]));
    expect([paths.size, urls.size]).toEqual([1, 1]);
    return {
      path: log?.attributes["url.path"],
      url: String([...urls][0]).replace(/^https?:\/\/[^/]*/, ""),
      body: log?.body,
      log,
    };
  }
  const rules = (...all: RedactionRule[]): Redaction => ({ secrets: "PASS", rules: all });

  /** Bytes of what waits on disk. */
  async function onDisk(): Promise<string> {
    const names = await readdir(path.join(folder, "spool"));
    const batches = await Promise.all(
      names
        .filter((name) => name.endsWith(".gz"))
        .map((name) => readFile(path.join(folder, "spool", name)).catch(() => undefined)),
    );
    return batches.map((batch) => (batch ? gunzipSync(batch).toString("latin1") : "")).join("\n");
  }

  test("nothing is taken before it is known what to redact", async () => {
    expect(settings).toBeUndefined();
    await pair.call("/early?token=early-secret");
    // Two proxies have a log and a span each.
    await until("refusals", async () => {
      const response = await fetch(`http://127.0.0.1:${telemetry.ports.metrics}/metrics`);
      const families = parsePrometheus(await response.text());
      const refused = families.find(
        ({ name }) => name === "heddle_telemetry_refused_requests_total",
      );
      return (
        (refused?.samples ?? [])
          .filter(({ labels }) => labels.includes('reason="starting"'))
          .reduce((sum, { value }) => sum + value, 0) >= 4
      );
    });
    expect(collector.requests).toEqual([]);
    expect(await readdir(path.join(folder, "spool"))).toEqual([]);
  });

  const SECRET_PATH =
    "/a?access_token=hunter2secret&x=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2ln&k=AKIAIOSFODNN7EXAMPLE&page=2";

  proves(
    "Redaction",
    ["secrets={REDACT,PASS}"],
    "takes secrets out of logs and spans where no object says anything, and passes them where one says so",
    async () => {
      const left = "/a?access_token=[redacted]&x=[redacted]&k=[redacted]&page=2";
      const quiet = await told(SECRET_PATH);
      expect(quiet).toMatchObject({ path: left, url: left, body: `GET ${left} 200` });
      expect(await told(SECRET_PATH, { secrets: "PASS" })).toMatchObject({ path: SECRET_PATH });
      // Of two as narrow one that redacts counts.
      const both = await told(SECRET_PATH, { secrets: "PASS" }, { secrets: "REDACT" });
      expect(both).toMatchObject({ path: left, url: left });
    },
  );

  test("what waits on disk while the plane is away holds no secret either", async () => {
    hold();
    collector.answer = 503;
    const before = collector.requests.length;
    await pair.call("/waits?password=hunter2secret");
    await until("batches on disk", async () => {
      const bytes = await onDisk();
      return /\/waits/.test(bytes) && collector.requests.length > before + 1;
    });
    const bytes = await onDisk();
    collector.answer = 200;
    expect(bytes).toContain("/waits?password=[redacted]");
    expect(bytes).not.toContain("hunter2");
    await until("the end of the wait", async () => (await onDisk()) === "");
  });

  proves(
    "Redaction",
    ["rules[].where.{attributes,queryParameters,body,path}"],
    "takes all of a place: attributes and parameters by their names, a log's text, a URL's path",
    async () => {
      const target = "/users/7?name=anna&q=1";
      const at = (where: RedactionRule["where"]) => told(target, rules({ where: where! }));
      expect(await at({ attributes: ["url.*", "http.url"] })).toMatchObject({
        ...{ path: "[redacted]", url: "[redacted]", body: `GET ${target} 200` },
      });
      const asked = "/users/7?name=[redacted]&q=1";
      expect(await at({ queryParameters: ["NAME"] })).toMatchObject({
        ...{ path: asked, url: asked, body: `GET ${asked} 200` },
      });
      expect(await at({ body: true })).toMatchObject({ path: target, body: "[redacted]" });
      const walked = "/[redacted]?name=anna&q=1";
      expect(await at({ path: true })).toMatchObject({
        ...{ path: walked, url: walked, body: `GET ${walked} 200` },
      });
    },
  );

  proves(
    "Redaction",
    ["rules[].where.signals={LOGS,TRACES}"],
    "holds for logs or for spans where it says so",
    async () => {
      const target = "/users?name=anna";
      const where = { queryParameters: ["name"] };
      const only = (signal: "LOGS" | "TRACES") =>
        told(target, rules({ where: { ...where, signals: [signal] } }));
      const gone = "/users?name=[redacted]";
      expect(await only("LOGS")).toMatchObject({ path: gone, url: target });
      expect(await only("TRACES")).toMatchObject({ path: target, url: gone });
    },
  );

  const FOUND: Readonly<Partial<Record<RedactionDetector, readonly [string, string]>>> = {
    CREDENTIALS: ["/a?password=p1", "/a?password=[redacted]"],
    JWT: ["/a/eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln", "/a/[redacted]"],
    ACCESS_KEY: ["/a/AKIAIOSFODNN7EXAMPLE", "/a/[redacted]"],
    EMAIL: ["/a/anna@example.org?b=bob%40example.org", "/a/[redacted]?b=[redacted]"],
    CARD_NUMBER: ["/a/4111-1111-1111-1111", "/a/[redacted]"],
    IBAN: ["/a/DE89370400440532013000", "/a/[redacted]"],
    IP_ADDRESS: ["/a/192.0.2.7", "/a/[redacted]"],
  };
  const OTHERS: Readonly<Partial<Record<RedactionDetector, string>>> = {
    EMAIL: "/a/anna@localhost",
    CARD_NUMBER: "/a/4111-1111-1111-1112",
    IBAN: "/a/DE88370400440532013000",
    IP_ADDRESS: "/a/1.2.3",
    ACCESS_KEY: "/a/AKIA",
    JWT: "/a/eyJ.b.c",
  };

  proves(
    "Redaction",
    [
      "rules[].what.detectors={CREDENTIALS,JWT,ACCESS_KEY,EMAIL,CARD_NUMBER,IBAN,IP_ADDRESS}",
      "rules[].what.regex",
    ],
    "takes what detectors and expressions find, and leaves what only looks like it",
    async () => {
      for (const [name, [target, left]] of Object.entries(FOUND)) {
        const detectors = [name as RedactionDetector];
        const path = { where: { attributes: ["url.path", "http.url"] }, what: { detectors } };
        expect(await told(target, rules(path))).toMatchObject({ path: left });
        const other = OTHERS[name as RedactionDetector];
        if (other)
          expect(await told(other, rules(path))).toMatchObject({ path: other, url: other });
      }
      const regex = { what: { regex: "cust-[0-9]+" } };
      expect(await told("/a/cust-12/cust-x", rules(regex))).toMatchObject({
        ...{ path: "/a/[redacted]/cust-x", url: "/a/[redacted]/cust-x" },
        body: "GET /a/[redacted]/cust-x 200",
      });
    },
  );

  proves(
    "Redaction",
    ["rules[].how.{mask,keepLast,hash,drop}"],
    "puts in its place a text, its last characters, a hash that stays equal, or nothing",
    async () => {
      const how = (form: RedactionForm, name = "anna-anna") => {
        const where = { queryParameters: ["name"] };
        return told(`/users?name=${name}`, rules({ where, how: form }));
      };
      expect(await how({ mask: "gone" })).toMatchObject({ path: "/users?name=gone" });
      expect(await how({ keepLast: 4 })).toMatchObject({ path: "/users?name=****anna" });
      const hashes = [await how({ hash: true }), await how({ hash: true })];
      expect(hashes[0]!.path).toMatch(/^\/users\?name=\[hash:[0-9a-f]{16}\]$/);
      expect(hashes[0]!.url).toBe(hashes[0]!.path);
      expect(hashes[1]!.path).toBe(hashes[0]!.path);
      expect((await how({ hash: true }, "bert")).path).not.toBe(hashes[0]!.path);
      const dropped = await told(
        "/a",
        rules({ where: { attributes: ["url.*"] }, how: { drop: true } }),
      );
      expect(Object.keys(dropped.log?.attributes ?? {})).not.toContain("url.path");
    },
  );

  proves("Redaction", ["rules[].name"], "counts what it takes under its name", async () => {
    await told("/a?name=x", rules({ name: "people", where: { queryParameters: ["name"] } }));
    const response = await fetch(`http://127.0.0.1:${telemetry.ports.metrics}/metrics`);
    const text = await response.text();
    expect(text).toMatch(
      /heddle_telemetry_redacted_values_total\{signal="logs",rule="istio-system\/r0\/people"\} [1-9]/,
    );
    expect(text).not.toContain("hunter2");
  });

  const pod = (app: string): Sender => ({
    ...{ pod: `${app}-1`, uid: app, namespace: "shop", workload: app, app, version: "" },
    ...{ canonicalService: app, canonicalRevision: "latest", cluster: "c1" },
    ...{ principal: `spiffe://td/ns/shop/sa/${app}`, labels: { app } },
  });
  const pods: Readonly<Record<string, Sender>> = {
    [TOKEN]: pod("web"),
    [OTHER_TOKEN]: pod("api"),
  };

  /** As a pod's application does, with the pod's token. */
  async function sends(token: string, body: string): Promise<string | undefined> {
    const client = new Client(
      `127.0.0.1:${telemetry.ports.otlpTls}`,
      credentials.createSsl(Buffer.from(certificate)),
      { "grpc.ssl_target_name_override": AGENT, "grpc.default_authority": AGENT },
    );
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${token}`);
    const same = (bytes: Buffer) => bytes;
    const record = { timeNs: 5n, severity: "INFO", body, traceId: "", spanId: "" };
    const content = Buffer.from(encodeLogs([{ ...record, attributes: {}, resource: {} }]));
    collector.logs.length = 0;
    const error = await new Promise((resolve) =>
      client.makeUnaryRequest(
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        ...([same, same, content, metadata] as const),
        { deadline: Date.now() + 20_000 },
        resolve,
      ),
    );
    client.close();
    expect(error).toBeNull();
    await until("the line", () => collector.logs.length === 1);
    return collector.logs[0]?.body;
  }

  proves(
    "Redaction",
    ["selector.matchLabels", "rules[].what.detectors=PRIVATE_KEY"],
    "holds for the workloads that it selects, by the labels of the pod that has proven to be the sender",
    async () => {
      const what = { detectors: ["PRIVATE_KEY"] } as const;
      const selector = { matchLabels: { app: "web" } };
      hold({ ...rules({ what }), selector }, { secrets: "PASS" });
      const line = "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----";
      await expect.poll(() => sends(TOKEN, `key ${line}!`)).toBe("key [redacted]!");
      expect(await sends(OTHER_TOKEN, `key ${line}!`)).toBe(`key ${line}!`);
      expect(await sends(TOKEN, "-----BEGIN CERTIFICATE-----")).toBe("-----BEGIN CERTIFICATE-----");
    },
  );
});
