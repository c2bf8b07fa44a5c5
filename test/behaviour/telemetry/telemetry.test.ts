/** What Telemetry changes of metrics, logs and traces: three clients, one server, and what they tell. */
import type { MeshObject, Telemetry } from "@heddle/model";
import { ACCESS_LOG_ATTRIBUTES as ATTRIBUTE } from "@heddle/translate";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gateway, object, service, virtualService } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { scrape } from "../../harness/scrape.ts";
import { proves } from "../proves.ts";

const ADDRESS = {
  plain: "127.133.0.1",
  own: "127.133.0.2",
  quiet: "127.133.0.3",
  server: "127.133.0.4",
  edge: "127.133.0.9",
} as const;
type Name = keyof typeof ADDRESS;

function telemetry(name: string, spec: Telemetry, namespace = "default"): MeshObject<Telemetry> {
  return object("telemetry.istio.io/v1", "Telemetry", name, spec, namespace);
}
const only = (app: Name) => ({ selector: { matchLabels: { app } } });

const TELEMETRY = [
  telemetry(
    "mesh",
    {
      metrics: [
        {
          overrides: [
            { tagOverrides: { level: { value: "'mesh'" }, method: { value: "request.method" } } },
          ],
        },
      ],
    },
    "istio-system",
  ),
  telemetry("namespace", {
    metrics: [{ overrides: [{ tagOverrides: { level: { value: "'namespace'" } } }] }],
    tracing: [{ customTags: { level: { literal: { value: "namespace" } } } }],
  }),
  telemetry("own", {
    ...only("own"),
    metrics: [
      {
        providers: [{ name: "stackdriver" }],
        overrides: [
          { match: { metric: "REQUEST_SIZE" }, disabled: true },
          { match: { metric: "RESPONSE_SIZE", mode: "SERVER" }, disabled: true },
          {
            match: { metric: "REQUEST_COUNT", mode: "CLIENT" },
            tagOverrides: {
              level: { operation: "UPSERT", value: "'workload'" },
              kind: { value: "request.headers['x-kind']" },
              request_protocol: { operation: "REMOVE" },
            },
          },
        ],
      },
    ],
    accessLogging: [
      {
        match: { mode: "CLIENT" },
        // A receiver of somebody else's: the agent has it all the same.
        providers: [{ name: "elsewhere" }],
        filter: { expression: "response.code >= 400" },
      },
    ],
    tracing: [
      {
        match: { mode: "CLIENT" },
        providers: [{ name: "zipkin" }],
        randomSamplingPercentage: 100,
        customTags: {
          literal: { literal: { value: "word" } },
          path: { environment: { name: "PATH" } },
          missing: { environment: { name: "HEDDLE_NO_SUCH", defaultValue: "otherwise" } },
          kind: { header: { name: "x-kind" } },
          absent: { header: { name: "x-absent", defaultValue: "none" } },
          formatted: { formatter: { value: "%REQ(:METHOD)%" } },
        },
      },
    ],
  }),
  telemetry("quiet", {
    ...only("quiet"),
    metrics: [
      { overrides: [{ match: { metric: "ALL_METRICS", mode: "CLIENT" }, disabled: true }] },
    ],
    accessLogging: [{ match: { mode: "CLIENT" }, disabled: true }],
    tracing: [{ match: { mode: "CLIENT" }, randomSamplingPercentage: 0 }],
  }),
  telemetry("server", {
    ...only("server"),
    metrics: [
      {
        overrides: [
          { match: { metric: "REQUEST_DURATION", mode: "CLIENT_AND_SERVER" }, disabled: true },
          { match: { metric: "REQUEST_COUNT", mode: "CLIENT" }, disabled: true },
        ],
      },
    ],
    accessLogging: [{ match: { mode: "SERVER" }, providers: [{ name: "envoy" }] }],
    tracing: [{ match: { mode: "SERVER" }, disableSpanReporting: true }],
  }),
  telemetry("edge", {
    targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }],
    metrics: [{ overrides: [{ tagOverrides: { level: { value: "'edge'" } } }] }],
  }),
];

describe.skipIf(!envoyBinary)("Telemetry", () => {
  const mesh = startedMesh({
    collector: "127.133.2.1",
    workloads: {
      plain: { address: ADDRESS.plain },
      own: { address: ADDRESS.own },
      quiet: { address: ADDRESS.quiet },
      server: { address: ADDRESS.server, ports: [9080] },
      edge: {
        type: "router",
        address: ADDRESS.edge,
        labels: { app: "edge", "gateway.networking.k8s.io/gateway-name": "edge" },
      },
    },
    objects: [
      ...service("server", [{ name: "http", port: 9080 }], [ADDRESS.server]),
      gateway("gw", {
        selector: { app: "edge" },
        servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
      virtualService("edge", {
        hosts: ["*"],
        gateways: ["gw"],
        http: [{ route: [{ destination: { host: "server" } }] }],
      }),
      ...TELEMETRY,
    ],
  });
  const get = (from: "plain" | "own" | "quiet", path: string) =>
    mesh.get(from, "server:9080", path, { headers: { "x-kind": "odd" } });
  const labels = async (of: Name, metric = "istio_requests_total") =>
    (await scrape(ADDRESS[of], metric)).map((sample) => sample.labels);
  const counted = (of: Name, metric?: string) =>
    expect.poll(() => labels(of, metric), { timeout: 8_000 }).not.toEqual([]);
  const logged = (path: string, reporter: "source" | "destination") =>
    mesh
      .collector()
      .logs.filter(
        ({ attributes }) =>
          attributes[ATTRIBUTE.path] === path && attributes[ATTRIBUTE.reporter] === reporter,
      );
  const spans = (path: string, reporter: "source" | "destination") =>
    mesh
      .collector()
      .spans.filter(
        ({ attributes }) =>
          attributes["heddle.reporter"] === reporter &&
          (attributes["http.url"] ?? "").endsWith(path),
      );
  const O = "metrics[].overrides[]";

  proves(
    "Telemetry",
    [
      `${O}.tagOverrides{}.operation={UPSERT,REMOVE}`,
      `${O}.tagOverrides{}.value`,
      `${O}.match.metric=REQUEST_COUNT`,
      `${O}.match.mode=CLIENT`,
      "selector.matchLabels",
      "metrics[].providers[].name",
    ],
    "labels are set by expressions and taken off; workload before namespace before mesh",
    async () => {
      await get("own", "/tags");
      await get("plain", "/tags");
      await counted("own");
      await counted("plain");
      const [own] = await labels("own");
      expect(own).toMatchObject({ level: "workload", kind: "odd", method: "GET" });
      expect(own).not.toHaveProperty("request_protocol");
      const [plain] = await labels("plain");
      expect(plain).toMatchObject({ level: "namespace", method: "GET", request_protocol: "http" });
      expect(plain).not.toHaveProperty("kind");
    },
  );

  proves(
    "Telemetry",
    [
      `${O}.disabled`,
      `${O}.match.metric={ALL_METRICS,REQUEST_DURATION,REQUEST_SIZE,RESPONSE_SIZE}`,
      `${O}.match.mode={SERVER,CLIENT_AND_SERVER}`,
    ],
    "metrics are turned off one by one or all together, on the side that is named",
    async () => {
      await get("own", "/off");
      await get("quiet", "/off");
      await counted("own", "istio_response_bytes_count");
      await counted("server", "istio_request_bytes_count");
      expect(await labels("own", "istio_request_bytes_count")).toEqual([]);
      expect(await labels("server", "istio_request_duration_milliseconds_count")).toEqual([]);
      expect(await labels("own", "istio_request_duration_milliseconds_count")).not.toEqual([]);
      // What is turned off for requests that leave is counted for those that arrive.
      expect(await labels("server")).not.toEqual([]);
      for (const metric of ["istio_requests_total", "istio_response_bytes_count"])
        expect(await labels("quiet", metric)).toEqual([]);
    },
  );

  proves(
    "Telemetry",
    [
      "accessLogging[].{disabled,filter.expression,providers[].name}",
      "accessLogging[].match.mode={CLIENT,SERVER}",
    ],
    "logs are turned off, filtered, or written to the proxy's own output, on the side that is named",
    async () => {
      for (const from of ["plain", "own", "quiet"] as const) {
        await get(from, `/log/${from}`);
        await get(from, "/status/404");
      }
      await expect.poll(() => logged("/log/plain", "source").length, { timeout: 8_000 }).toBe(1);
      // Of three failures two are told of: the quiet one says nothing.
      await expect.poll(() => logged("/status/404", "source").length, { timeout: 8_000 }).toBe(2);
      expect(logged("/log/own", "source")).toEqual([]);
      expect(logged("/log/quiet", "source")).toEqual([]);
      expect(logged("/log/plain", "destination")).toEqual([]);
      // Envoy writes its lines every ten seconds.
      await expect
        .poll(() => mesh.envoy("server").log(), { timeout: 15_000 })
        .toContain("/log/quiet");
    },
  );

  proves(
    "Telemetry",
    [
      "tracing[].customTags{}.literal.value",
      "tracing[].customTags{}.environment.{name,defaultValue}",
      "tracing[].customTags{}.header.{name,defaultValue}",
      "tracing[].customTags{}.formatter.value",
      "tracing[].{randomSamplingPercentage,disableSpanReporting,providers[].name}",
      "tracing[].match.mode={CLIENT,SERVER}",
    ],
    "spans are tagged, sampled, and kept to oneself, on the side that is named",
    async () => {
      for (const from of ["plain", "own", "quiet"] as const) await get(from, `/trace/${from}`);
      await expect.poll(() => spans("/trace/own", "source").length, { timeout: 9_000 }).toBe(1);
      await expect.poll(() => spans("/trace/plain", "source").length, { timeout: 9_000 }).toBe(1);
      expect(spans("/trace/own", "source")[0]?.attributes).toMatchObject({
        literal: "word",
        path: expect.stringContaining("/bin") as string,
        missing: "otherwise",
        kind: "odd",
        absent: "none",
        formatted: "GET",
      });
      expect(spans("/trace/plain", "source")[0]?.attributes).toMatchObject({ level: "namespace" });
      expect(spans("/trace/quiet", "source")).toEqual([]);
      expect(spans("/trace/own", "destination")).toEqual([]);
    },
  );

  proves(
    "Telemetry",
    ["targetRefs[].{group,kind,name}"],
    "a target chooses the proxies of the Gateway that it names",
    async () => {
      await ask(ADDRESS.edge, 8080, "any", "/edge");
      await counted("edge");
      expect((await labels("edge"))[0]).toMatchObject({ level: "edge" });
    },
  );
});
