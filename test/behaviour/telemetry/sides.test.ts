/** What Telemetry says of both sides of a workload, of traces that go on, of TCP, and of a Gateway in the older way. */
import type { MeshObject, Telemetry } from "@heddle/model";
import { ACCESS_LOG_ATTRIBUTES as ATTRIBUTE } from "@heddle/translate";
import { randomUUID } from "node:crypto";
import { parseObject } from "@heddle/model";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type Greeter, greeting, startGreeter } from "../../harness/bytes.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gateway, object, service, virtualService } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { scrape } from "../../harness/scrape.ts";
import { proves, refuses } from "../proves.ts";

const ADDRESS = {
  plain: "127.204.0.1",
  both: "127.204.0.2",
  alone: "127.204.0.3",
  chance: "127.204.0.4",
  regardless: "127.204.0.7",
  server: "127.204.0.5",
  bare: "127.204.0.6",
  older: "127.204.0.9",
} as const;
type Client = "plain" | "both" | "alone" | "chance" | "regardless";
const TCP_PORT = 9090;

function telemetry(name: string, spec: Telemetry): MeshObject<Telemetry> {
  return object("telemetry.istio.io/v1", "Telemetry", name, spec);
}
const only = (app: string) => ({ selector: { matchLabels: { app } } });
const CLIENT_AND_SERVER = { match: { mode: "CLIENT_AND_SERVER" as const } };

const TCP_METRICS = {
  TCP_OPENED_CONNECTIONS: "istio_tcp_connections_opened_total",
  TCP_CLOSED_CONNECTIONS: "istio_tcp_connections_closed_total",
  TCP_SENT_BYTES: "istio_tcp_sent_bytes_total",
  TCP_RECEIVED_BYTES: "istio_tcp_received_bytes_total",
} as const;

const OBJECTS = [
  telemetry("both", {
    ...only("both"),
    accessLogging: [{ ...CLIENT_AND_SERVER, disabled: true }],
    tracing: [{ ...CLIENT_AND_SERVER, customTags: { side: { literal: { value: "either" } } } }],
  }),
  telemetry("alone", { ...only("alone"), tracing: [{ disableContextPropagation: true }] }),
  telemetry("chance", {
    ...only("chance"),
    tracing: [{ randomSamplingPercentage: 50, useRequestIdForTraceSampling: true }],
  }),
  telemetry("regardless", {
    ...only("regardless"),
    tracing: [{ randomSamplingPercentage: 50, useRequestIdForTraceSampling: false }],
  }),
  telemetry("server", {
    ...only("server"),
    metrics: [
      {
        overrides: (Object.keys(TCP_METRICS) as (keyof typeof TCP_METRICS)[]).map((metric) => ({
          match: { metric },
          tagOverrides: { which: { value: `'${metric}'` } },
        })),
      },
    ],
  }),
  telemetry("older", {
    targetRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name: "older" },
    metrics: [{ overrides: [{ tagOverrides: { level: { value: "'older'" } } }] }],
  }),
  telemetry("elsewhere", {
    targetRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name: "elsewhere" },
    metrics: [{ overrides: [{ tagOverrides: { level: { value: "'elsewhere'" } } }] }],
  }),
];

describe.skipIf(!envoyBinary)("Telemetry of both sides", () => {
  let greeter: Greeter;
  beforeAll(async () => {
    greeter = await startGreeter("server", "127.204.1.5", TCP_PORT);
  });
  afterAll(() => greeter.stop());

  const mesh = startedMesh({
    collector: "127.204.2.1",
    workloads: {
      plain: { address: ADDRESS.plain },
      both: { address: ADDRESS.both, ports: [9080] },
      alone: { address: ADDRESS.alone },
      chance: { address: ADDRESS.chance },
      regardless: { address: ADDRESS.regardless },
      server: { address: ADDRESS.server, ports: [9080] },
      bare: { address: ADDRESS.bare, ports: [9080], sidecar: false },
      older: {
        type: "router",
        address: ADDRESS.older,
        labels: { app: "older", "gateway.networking.k8s.io/gateway-name": "older" },
      },
    },
    objects: [
      ...service("both", [{ name: "http", port: 9080 }], [ADDRESS.both]),
      ...service("bare", [{ name: "http", port: 9080 }], [ADDRESS.bare]),
      ...service(
        "server",
        [
          { name: "http", port: 9080 },
          { name: "tcp", port: TCP_PORT },
        ],
        [ADDRESS.server],
      ),
      gateway("gw", {
        selector: { app: "older" },
        servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
      virtualService("gw", {
        hosts: ["*"],
        gateways: ["gw"],
        http: [{ route: [{ destination: { host: "server", port: { number: 9080 } } }] }],
      }),
      ...OBJECTS,
    ],
  });

  const get = (from: Client, to: "both" | "server" | "bare", path: string) =>
    mesh.get(from, `${to}:9080`, path);
  const logged = (path: string) =>
    mesh
      .collector()
      .logs.filter(({ attributes }) => attributes[ATTRIBUTE.path] === path)
      .map(({ attributes }) => attributes[ATTRIBUTE.reporter])
      .toSorted();
  const spans = (path: string) =>
    mesh
      .collector()
      .spans.filter(({ attributes }) => (attributes["http.url"] ?? "").endsWith(path))
      .toSorted((a, b) =>
        (a.attributes["heddle.reporter"] ?? "") < (b.attributes["heddle.reporter"] ?? "") ? -1 : 1,
      );

  proves(
    "Telemetry",
    ["accessLogging[].match.mode=CLIENT_AND_SERVER", "tracing[].match.mode=CLIENT_AND_SERVER"],
    "what is for both sides is for requests that leave and for those that arrive",
    async () => {
      await get("both", "server", "/leaving");
      await get("plain", "both", "/arriving");
      await get("plain", "server", "/others");
      await expect.poll(() => logged("/others"), { timeout: 8_000 }).toHaveLength(2);
      await expect.poll(() => logged("/leaving"), { timeout: 8_000 }).toEqual(["destination"]);
      await expect.poll(() => logged("/arriving"), { timeout: 8_000 }).toEqual(["source"]);
      const sides = (path: string) => spans(path).map(({ attributes }) => attributes["side"]);
      // Of each request the one who took it in comes first.
      await expect.poll(() => sides("/leaving"), { timeout: 8_000 }).toEqual([undefined, "either"]);
      await expect
        .poll(() => sides("/arriving"), { timeout: 8_000 })
        .toEqual(["either", undefined]);
      await expect.poll(() => sides("/others"), { timeout: 8_000 }).toEqual([undefined, undefined]);
    },
  );

  proves(
    "Telemetry",
    ["tracing[].disableContextPropagation"],
    "the next one is not told of the trace, and begins one of its own",
    async () => {
      expect((await get("plain", "bare", "/")).echo().headers).toHaveProperty("traceparent");
      expect((await get("alone", "bare", "/")).echo().headers).not.toHaveProperty("traceparent");
      await get("plain", "server", "/told");
      await get("alone", "server", "/untold");
      const traces = (path: string) => new Set(spans(path).map(({ traceId }) => traceId)).size;
      for (const path of ["/told", "/untold"])
        await expect.poll(() => spans(path), { timeout: 8_000 }).toHaveLength(2);
      expect([traces("/told"), traces("/untold")]).toEqual([1, 2]);
    },
  );

  proves(
    "Telemetry",
    ["tracing[].useRequestIdForTraceSampling"],
    "requests of one id are traced all or none; where the id is not asked, all are, whatever the share",
    async () => {
      const ids = Array.from({ length: 8 }, () => randomUUID());
      for (const from of ["chance", "regardless"] as const)
        for (const id of ids)
          for (let i = 0; i < 6; i++)
            await mesh.get(from, "bare:9080", `/${from}/${id}`, {
              headers: { "x-request-id": id },
            });
      await get("plain", "bare", "/last");
      await expect.poll(() => spans("/last"), { timeout: 8_000 }).toHaveLength(1);
      const counts = (from: Client) => new Set(ids.map((id) => spans(`/${from}/${id}`).length));
      await expect.poll(() => counts("chance"), { timeout: 8_000 }).toEqual(new Set([0, 6]));
      // Without the id Envoy leaves it to the tracer, which takes them all.
      await expect.poll(() => counts("regardless"), { timeout: 8_000 }).toEqual(new Set([6]));
    },
  );

  proves(
    "Telemetry",
    [
      "metrics[].overrides[].match.metric={TCP_OPENED_CONNECTIONS,TCP_CLOSED_CONNECTIONS,TCP_SENT_BYTES,TCP_RECEIVED_BYTES}",
    ],
    "each metric of connections is changed by itself",
    async () => {
      expect((await greeting(ADDRESS.server, TCP_PORT, { say: "hello" })).text).toBe("server");
      for (const [metric, name] of Object.entries(TCP_METRICS)) {
        const which = async () =>
          (await scrape(ADDRESS.server, name)).map(({ labels }) => labels["which"]);
        await expect.poll(which, { timeout: 8_000 }).toEqual([metric]);
      }
    },
  );

  proves(
    "Telemetry",
    ["targetRef.{group,kind,name}"],
    "a target in the older way chooses the proxies of the Gateway that it names",
    async () => {
      await ask(ADDRESS.older, 8080, "any", "/");
      const levels = async () =>
        (await scrape(ADDRESS.older, "istio_requests_total")).map(({ labels }) => labels["level"]);
      await expect.poll(levels, { timeout: 8_000 }).toEqual(["older"]);
    },
  );
});

describe("a Telemetry for another namespace", () => {
  const target = { kind: "Gateway", group: "gateway.networking.k8s.io", name: "edge" };
  const problems = (spec: object) =>
    parseObject({
      apiVersion: "telemetry.istio.io/v1",
      kind: "Telemetry",
      metadata: { name: "main", namespace: "default" },
      spec: { metrics: [], ...spec },
    }).diagnostics.map(({ level, path }) => `${level} ${path}`);

  refuses(
    "Telemetry",
    ["targetRef.namespace", "targetRefs[].namespace"],
    "a target of another namespace is refused",
    () => {
      const other = { ...target, namespace: "other" };
      expect(problems({ targetRef: target })).toEqual([]);
      expect(problems({ targetRef: other })).toEqual(["Error spec.targetRef.namespace"]);
      expect(problems({ targetRefs: [other] })).toEqual(["Error spec.targetRefs[0].namespace"]);
    },
  );
});
