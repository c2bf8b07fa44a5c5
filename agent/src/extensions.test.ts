/** An agent on its own between files and real Envoys: what Envoy or the agent refuses stays out, is named, and holds up nothing else. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Diagnostic } from "@heddle/model";
import { wasmModule } from "../../test/harness/wasm-module.ts";
import { type RunningAgent, startAgent } from "./agent.ts";
import { parseAgentOptions } from "./options.ts";
import {
  type EnvoyPod,
  serviceDocument,
  sliceDocument,
  startPod,
  until,
} from "./testing/envoy-pod.ts";
import { freePorts } from "./testing/free-ports.ts";
import { quiet } from "./testing/quiet-log.ts";

const envoyBinary = process.env["HEDDLE_ENVOY"];
const PORT = 9080;

describe.skipIf(!envoyBinary)("EnvoyFilters and WasmPlugins", () => {
  let folder: string;
  let agent: RunningAgent;
  let web: EnvoyPod;
  let api: EnvoyPod;
  let modules: Server;
  let base: string;
  const ports = { xds: 0, metrics: 0 };
  const served = new Map<string, Uint8Array>();

  const openAgent = async () => {
    const flags = {
      ...{
        standalone: true,
        config: path.join(folder, "config"),
        state: path.join(folder, "state"),
      },
      ...{ xds: `127.0.0.1:${ports.xds}`, metrics: `127.0.0.1:${ports.metrics}`, roles: "control" },
    };
    agent = await startAgent(parseAgentOptions(flags), quiet);
  };
  const write = (name: string, ...documents: readonly object[]) =>
    writeFile(
      path.join(folder, "config", `${name}.json`),
      JSON.stringify({ apiVersion: "v1", kind: "List", items: documents }),
    );
  const remove = (name: string) => rm(path.join(folder, "config", `${name}.json`));
  const rule = (status: number) => ({
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "api", namespace: "default" },
    spec: {
      hosts: ["api"],
      http: [
        { match: [{ uri: { exact: "/rule" } }], directResponse: { status } },
        { route: [{ destination: { host: "api" } }] },
      ],
    },
  });
  const filter = (name: string, ...configPatches: readonly object[]) => ({
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "EnvoyFilter",
    metadata: { name, namespace: "default" },
    spec: { configPatches },
  });
  const plugin = (name: string, spec: object) => ({
    apiVersion: "extensions.istio.io/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name, namespace: "default" },
    spec: { selector: { matchLabels: { app: "api" } }, match: [{ mode: "SERVER" }], ...spec },
  });
  const diagnostics = async () => {
    const response = await fetch(`http://127.0.0.1:${ports.metrics}/debug/diagnostics`);
    return ((await response.json()) as { items: Diagnostic[] }).items;
  };
  const found = async (origin: string) =>
    (await diagnostics()).filter((each) => each.origin === origin);
  const answers = async (status: number, at = "/rule") =>
    until(async () => (await web.call(`api:${PORT}`, at)).status === status, 8_000);
  const header = async () => (await web.get(`api:${PORT}`)).headers["x-wasm"];

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-extensions-"));
    await mkdir(path.join(folder, "config"));
    const [xds = 0, metrics = 0] = await freePorts(2);
    Object.assign(ports, { xds, metrics });
    modules = createServer((request, response) => {
      const body = served.get(request.url ?? "");
      response.statusCode = body ? 200 : 404;
      response.end(body);
    });
    await new Promise<void>((resolve) => modules.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(modules.address() as AddressInfo).port}`;
    const pod = (name: string, app: string, last: number) =>
      startPod(
        { name, app, address: `127.130.0.${last}`, appAddress: `127.130.1.${last}`, port: PORT },
        envoyBinary as string,
      );
    web = await pod("web-0", "web", 1);
    api = await pod("api-0", "api", 2);
    await write(
      "cluster",
      web.document,
      api.document,
      serviceDocument("web", PORT),
      serviceDocument("api", PORT),
      sliceDocument("web", PORT, [web]),
      sliceDocument("api", PORT, [api]),
    );
    await write("rule", rule(418));
    await openAgent();
    await web.startEnvoy(ports.xds);
    await api.startEnvoy(ports.xds);
    await answers(418);
  }, 60_000);
  afterAll(async () => {
    await web?.close();
    await api?.close();
    await agent?.close();
    modules?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("an EnvoyFilter that Envoy refuses is named, and rules still arrive", async () => {
    await write(
      "bad",
      filter("bad", {
        applyTo: "HTTP_FILTER",
        match: { context: "SIDECAR_OUTBOUND" },
        // Nothing may come after the router.
        patch: {
          operation: "ADD",
          value: {
            name: "late",
            typed_config: {
              "@type": "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer",
              max_request_bytes: 10,
            },
          },
        },
      }),
    );
    await until(async () => (await found("EnvoyFilter default/bad")).length > 0, 10_000);
    await write("rule", rule(451));
    await answers(451);
    expect((await web.call(`api:${PORT}`)).body).toBe("api-0");
    await remove("bad");
    await until(async () => (await found("EnvoyFilter default/bad")).length === 0, 10_000);
  }, 40_000);

  it("a value that Envoy's API does not have is an error at its place, and nobody is asked", async () => {
    await write(
      "wrong",
      filter("wrong", {
        applyTo: "CLUSTER",
        patch: { operation: "MERGE", value: { outlier_detection: { consecutive_5xs: 1 } } },
      }),
    );
    await until(async () => (await found("EnvoyFilter default/wrong")).length > 0, 5_000);
    expect(await found("EnvoyFilter default/wrong")).toMatchObject([
      {
        code: "HDL4003",
        path: "spec.configPatches[0].patch.value.outlierDetection.consecutive_5xs",
      },
    ]);
    await remove("wrong");
    await until(async () => (await found("EnvoyFilter default/wrong")).length === 0, 5_000);
  }, 20_000);

  it("an extension configuration comes by itself, and may change alone", async () => {
    const lua = (text: string) =>
      filter(
        "lua",
        {
          applyTo: "HTTP_FILTER",
          match: {
            context: "SIDECAR_INBOUND",
            listener: {
              filterChain: {
                filter: {
                  name: "envoy.filters.network.http_connection_manager",
                  subFilter: { name: "envoy.filters.http.router" },
                },
              },
            },
          },
          patch: {
            operation: "INSERT_BEFORE",
            value: {
              name: "my-lua",
              config_discovery: {
                config_source: { ads: {}, resource_api_version: "V3" },
                type_urls: ["type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"],
              },
            },
          },
        },
        {
          applyTo: "EXTENSION_CONFIG",
          patch: {
            operation: "ADD",
            value: {
              name: "my-lua",
              typed_config: {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                default_source_code: {
                  inline_string: `function envoy_on_response(r) r:headers():add("x-lua", "${text}") end`,
                },
              },
            },
          },
        },
      );
    const value = async () => (await web.get(`api:${PORT}`)).headers["x-lua"];
    await write("lua", lua("one"));
    await until(async () => (await value()) === "one", 8_000);
    await write("lua", lua("two"));
    await until(async () => (await value()) === "two", 8_000);
    await remove("lua");
    await until(async () => (await value()) === undefined, 8_000);
  }, 30_000);

  it("a module is fetched, verified and run with its configuration", async () => {
    const module = await wasmModule();
    served.set("/module.wasm", module);
    const sha256 = createHash("sha256").update(module).digest("hex");
    const url = `${base}/module.wasm`;
    await write("plugin", plugin("mark", { url, sha256, pluginConfig: { a: 1 } }));
    await until(async () => (await header()) === '{"a":1}', 10_000);
    await write("plugin", plugin("mark", { url, sha256, pluginConfig: { a: 2 } }));
    await until(async () => (await header()) === '{"a":2}', 10_000);
    expect(await found("WasmPlugin default/mark")).toEqual([]);
  }, 30_000);

  it("outlives the agent and the server that the module came from", async () => {
    const kept = served.get("/module.wasm")!;
    served.delete("/module.wasm");
    await agent.close();
    expect(await header()).toBe('{"a":2}');
    await openAgent();
    await write("rule", rule(429));
    await answers(429);
    expect(await header()).toBe('{"a":2}');
    expect(await found("WasmPlugin default/mark")).toEqual([]);
    served.set("/module.wasm", kept);
  }, 30_000);

  it("a wrong checksum is an error at the object, requests are refused, and rules still arrive", async () => {
    const spec = { url: `${base}/module.wasm`, sha256: "0".repeat(64) };
    await write("plugin", plugin("mark", spec));
    await answers(503, "/");
    expect(await found("WasmPlugin default/mark")).toMatchObject([
      { code: "HDL7221", path: "spec.sha256", level: "Error" },
    ]);
    await write("rule", rule(418));
    await answers(418);
    await write("plugin", plugin("mark", { ...spec, failStrategy: "FAIL_OPEN" }));
    await answers(200, "/");
    expect(await header()).toBeUndefined();
    await remove("plugin");
    await until(async () => (await found("WasmPlugin default/mark")).length === 0, 5_000);
    await answers(200, "/");
  }, 40_000);

  it("a module that cannot be reached is an error at the object, and is tried again", async () => {
    const url = `${base}/later.wasm`;
    await write("plugin", plugin("late", { url }));
    await answers(503, "/");
    expect(await found("WasmPlugin default/late")).toMatchObject([{ code: "HDL7220" }]);
    served.set("/later.wasm", await wasmModule({ text: "late" }));
    await until(async () => (await header()) === "late", 10_000);
    expect(await found("WasmPlugin default/late")).toEqual([]);
    await remove("plugin");
    await until(async () => (await header()) === undefined, 8_000);
  }, 40_000);
});
