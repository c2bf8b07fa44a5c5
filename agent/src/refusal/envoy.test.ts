/** Envoy refuses what an object became: the object is named and held at what it was, and everything else goes on. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient, type HeddleClient } from "@heddle/client";
import { type RunningPlane, startPlane } from "../../../apps/api/src/node.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningAgent, startAgent } from "../agent.ts";
import { parseAgentOptions } from "../options.ts";
import {
  type EnvoyPod,
  serviceDocument,
  sliceDocument,
  startPod,
  until,
} from "../testing/envoy-pod.ts";
import { quiet } from "../testing/quiet-log.ts";

const envoyBinary = process.env["HEDDLE_ENVOY"];
const PORT = 9080;
const RULE = "networking.istio.io/DestinationRule/default/api";
const error = (message: string, fields?: unknown) => console.error(message, fields);

let folder: string;
let plane: RunningPlane;
let agent: RunningAgent;
let client: HeddleClient;
let token: string;
let web: EnvoyPod;
let api: EnvoyPod;
let xds = 0;

const openAgent = async () => {
  const flags = {
    ...{ plane: plane.url, token, name: "test", config: path.join(folder, "cluster") },
    ...{ state: path.join(folder, "agent"), xds: `127.0.0.1:${xds}`, metrics: "off" },
  };
  agent = await startAgent(parseAgentOptions({ ...flags, roles: "control" }), quiet);
  xds = agent.ports.xds!;
};
const answers = (body: string) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "api", namespace: "default" },
  spec: {
    hosts: ["api"],
    http: [
      {
        match: [{ uri: { prefix: "/rule" } }],
        directResponse: { status: 200, body: { string: body } },
      },
      { route: [{ destination: { host: "api" } }] },
    ],
  },
});
const policy = (trafficPolicy: object) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name: "api", namespace: "default" },
  spec: { host: "api", trafficPolicy },
});
const FILTER = "networking.istio.io/EnvoyFilter/default/script";
const REPLY = `function envoy_on_request(handle)
  if handle:headers():get(":path") == "/rule" then
    handle:respond({[":status"] = "200"}, "by script")
  end
end`;
const scripted = (inlineString: string) => ({
  apiVersion: "networking.istio.io/v1alpha3",
  kind: "EnvoyFilter",
  metadata: { name: "script", namespace: "default" },
  spec: {
    configPatches: [
      {
        applyTo: "HTTP_FILTER",
        match: {
          listener: {
            filterChain: { filter: { name: "envoy.filters.network.http_connection_manager" } },
          },
        },
        patch: {
          operation: "INSERT_FIRST",
          value: {
            name: "script",
            typed_config: {
              "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
              default_source_code: { inline_string: inlineString },
            },
          },
        },
      },
    ],
  },
});
const apply = (...objects: object[]) => client.apply("test", { objects });
const says = (body: string) =>
  until(async () => (await web.call(`api:${PORT}`, "/rule")).body === body, 5_000);
const reaches = () =>
  until(async () => (await web.call(`api:${PORT}`, "/")).body === "api-0", 5_000);
const proxy = async (name: string) =>
  (await client.proxies("test")).items.find((each) => each.name === name);
const convergence = async () => (await client.getMesh("test")).convergence;

describe.skipIf(!envoyBinary)("an object that only Envoy can refuse", () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-refusal-"));
    const log = { info() {}, warn() {}, error };
    plane = await startPlane({ port: 0, dataDir: path.join(folder, "plane"), log });
    client = createClient({ baseUrl: plane.url, token: plane.adminToken });
    await client.createMesh({ name: "test", trustDomain: "test.example" });
    ({ token } = await client.createJoinToken("test", { name: "test" }));
    const pod = (name: string, app: string, last: number) =>
      startPod(
        { name, app, address: `127.190.0.${last}`, appAddress: `127.190.1.${last}`, port: PORT },
        envoyBinary as string,
      );
    [web, api] = [await pod("web-0", "web", 1), await pod("api-0", "api", 2)];
    await mkdir(path.join(folder, "cluster"));
    const items = [
      ...[web.document, api.document, serviceDocument("web", PORT), serviceDocument("api", PORT)],
      ...[sliceDocument("web", PORT, [web]), sliceDocument("api", PORT, [api])],
    ];
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
    await writeFile(path.join(folder, "cluster/cluster.json"), list);
    await openAgent();
    await apply(answers("one"), policy({ connectionPool: { tcp: { maxConnections: 99 } } }));
    await Promise.all([web.startEnvoy(xds), api.startEnvoy(xds)]);
    await says("one");
  }, 60_000);
  afterAll(async () => {
    await Promise.all([web?.close(), api?.close()]);
    await agent?.close();
    await plane?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("is named with Envoy's reason, and what it was stays in force", async () => {
    await apply(
      policy({ tls: { mode: "SIMPLE", caCertificates: "/nowhere/ca.pem" } }),
      answers("two"),
    );
    await says("two");
    await until(async () => (await proxy("web-0.default"))?.state === "rejected", 5_000);
    await until(async () => (await proxy("web-0.default"))?.types["CDS"]?.culprit === RULE, 5_000);
    expect((await proxy("web-0.default"))!.types["CDS"]!.refusals).toMatchObject([
      { objects: [RULE], held: true, reason: expect.stringContaining("/nowhere/ca.pem") },
    ]);
    expect(await convergence()).toMatchObject({ revision: 2, state: "pending" });
    await reaches();
    await until(
      async () =>
        (await client.getObject("test", RULE)).diagnostics.some(({ code }) => code === "HDL7220"),
      5_000,
    );
    const { agents, silent } = await client.objectEffect("test", RULE);
    expect(silent).toEqual([]);
    const cluster = { type: "CDS", name: `outbound|${PORT}||api.default.svc.cluster.local` };
    expect(agents).toMatchObject([
      {
        agent: "test",
        owner: "hosted",
        held: true,
        proxies: 2,
        groups: [{ allProxies: 2, resources: expect.arrayContaining([cluster]) }],
        refusals: expect.arrayContaining([
          expect.objectContaining({ proxy: "web-0.default", type: "CDS", resource: cluster.name }),
        ]),
      },
    ]);
  });

  it("holds nothing else back: not later changes, not new proxies", async () => {
    await apply(answers("three"));
    await says("three");
    await web.stopEnvoy();
    await web.startEnvoy(xds);
    await says("three");
    await reaches();
  });

  it("stays what it was when the agent starts again", async () => {
    await agent.close();
    await openAgent();
    await apply(answers("four"));
    await says("four");
    await web.stopEnvoy();
    await web.startEnvoy(xds);
    await reaches();
    const summary = await client.transport.json<{
      diagnostics: { code: string; origin: string }[];
    }>("GET", "/v1/meshes/test/cluster");
    expect(summary.diagnostics).toContainEqual(
      expect.objectContaining({ code: "HDL7220", origin: "DestinationRule default/api" }),
    );
  }, 30_000);

  it("is tried again as soon as it changes, and nothing is left of the refusal", async () => {
    await apply(policy({ connectionPool: { tcp: { maxConnections: 98 } } }));
    await until(async () => (await convergence()).state === "applied", 10_000);
    await until(async () => (await proxy("web-0.default"))?.state === "synced", 5_000);
    expect((await proxy("web-0.default"))!.types["CDS"]).not.toHaveProperty("refusals");
    await until(async () => (await client.getObject("test", RULE)).diagnostics.length === 0, 5_000);
  }, 30_000);

  it("is found among many: an EnvoyFilter that makes every listener invalid", async () => {
    await apply(answers("five"), scripted("function ("), policy({ tls: { mode: "DISABLE" } }));
    await says("five");
    const listeners = async () => (await proxy("web-0.default"))?.types["LDS"]?.refusals;
    await until(async () => (await listeners())?.[0]?.held === true, 10_000);
    expect((await listeners())!.map(({ objects }) => objects)).toEqual([[FILTER], [FILTER]]);
    expect((await listeners())![0]!.reason).toMatch(/^script load error: [^\n]*$/);
    await apply(answers("six"));
    await says("six");
    await web.stopEnvoy();
    await web.startEnvoy(xds);
    await says("six");
    await apply(scripted(REPLY));
    await says("by script");
    await until(async () => (await convergence()).state === "applied", 10_000);
    await until(async () => (await listeners()) === undefined, 5_000);
    const { agents } = await client.objectEffect("test", FILTER);
    expect(agents[0]).toMatchObject({ held: false, proxies: 2 });
    expect(agents[0]!.groups.flatMap(({ resources }) => resources.map(({ type }) => type))).toEqual(
      expect.arrayContaining(["LDS"]),
    );
  }, 60_000);
});
