/** Modules of WasmPlugins: fetched by the agent, verified and kept, and what they are given to run with. */
import { hash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type MeshObject, objectKey, parseObject, type WasmPlugin } from "@heddle/model";
import { type WasmModuleState, wasmModuleKey } from "@heddle/translate";
import { afterAll, describe, expect, vi } from "vitest";
import { createWasmModules } from "../../../agent/src/wasm/modules.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { object, service } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { wasmModule } from "../../harness/wasm-module.ts";
import type { Modules } from "../../harness/world.ts";
import { proves, refuses } from "../proves.ts";

const SERVER = "127.207.0.1";
const REGISTRY_USER = Buffer.from("me:secret").toString("base64");
/** Which the proxy's own process has. */
process.env["HEDDLE_TEST_VARIABLE"] = "host";

describe.skipIf(!envoyBinary)("modules of WasmPlugins", async () => {
  const [one, two, environment, rootId, breaking] = await Promise.all([
    wasmModule({ text: "one" }),
    wasmModule({ text: "two" }),
    wasmModule({ tells: "environment" }),
    wasmModule({ tells: "root id" }),
    wasmModule({ breaks: true, text: "whole" }),
  ]);
  const registry = await startRegistry();
  const folder = await mkdtemp(join(tmpdir(), "heddle-modules-"));
  afterAll(async () => {
    await registry.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const { base, host } = registry;
  const image = (name: string) => `oci://${host}/${name}`;

  /** What each asks for, on a port of its own. */
  const specs = {
    verified: { url: `${base}/verified.wasm`, sha256: hash("sha256", one) },
    forged: { url: `${base}/forged.wasm`, sha256: "0".repeat(64) },
    always: { url: image("always:v1"), imagePullPolicy: "Always" },
    present: { url: image("present:latest"), imagePullPolicy: "IfNotPresent" },
    unspecified: { url: image("unspecified:v1"), imagePullPolicy: "UNSPECIFIED_POLICY" },
    latest: { url: image("latest:latest"), imagePullPolicy: "UNSPECIFIED_POLICY" },
    trusted: { url: image("private/trusted:v1"), imagePullSecret: "registry" },
    stranger: { url: image("private/stranger:v1") },
    inline: {
      url: `${base}/inline.wasm`,
      vmConfig: {
        env: [
          { name: "GIVEN", value: "inline", valueFrom: "INLINE" },
          { name: "UNSAID", value: "too" },
        ],
      },
    },
    own: {
      url: `${base}/own.wasm`,
      vmConfig: { env: [{ name: "HEDDLE_TEST_VARIABLE", valueFrom: "HOST" }] },
    },
    named: { url: `${base}/named.wasm`, pluginName: "root-of-mine" },
    nameless: { url: `${base}/nameless.wasm` },
    reloading: { url: `${base}/reloading.wasm`, failStrategy: "FAIL_RELOAD" },
    closing: { url: `${base}/closing.wasm`, failStrategy: "FAIL_CLOSE" },
    untyped: { url: `${base}/untyped.wasm`, type: "UNSPECIFIED_PLUGIN_TYPE" },
    "of-no-mode": { url: `${base}/mode.wasm`, match: [{ mode: "UNDEFINED" }] },
  } satisfies Readonly<Record<string, WasmPlugin>>;
  type Name = keyof typeof specs;
  const NAMES = Object.keys(specs) as Name[];
  const portOf = (name: Name) => 9080 + NAMES.indexOf(name);
  const plugins = NAMES.map((name): MeshObject<WasmPlugin> => {
    const spec: WasmPlugin = specs[name];
    const match = (spec.match ?? [{}]).map((each) => ({
      ...each,
      ports: [{ number: portOf(name) }],
    }));
    return object("extensions.istio.io/v1alpha1", "WasmPlugin", name, { ...spec, match });
  });
  const secret = object("v1", "Secret", "registry", {
    stringData: {
      ".dockerconfigjson": JSON.stringify({ auths: { [host]: { auth: REGISTRY_USER } } }),
    },
  });

  const publish = (text: Uint8Array) => {
    for (const name of ["verified", "forged", "untyped", "mode"]) registry.file(name, text);
    for (const name of ["always", "present", "unspecified", "latest"]) registry.image(name, text);
    for (const name of ["private/trusted", "private/stranger"]) registry.image(name, text);
  };
  for (const name of ["inline", "own"]) registry.file(name, environment);
  for (const name of ["named", "nameless"]) registry.file(name, rootId);
  for (const name of ["reloading", "closing"]) registry.file(name, breaking);

  const findings: string[] = [];
  /** What an agent has once it has settled, which finds on disk what an earlier one has kept. */
  async function asAgentHas(): Promise<Modules> {
    const objects = new Map([...plugins, secret].map((each) => [objectKey(each), each]));
    const states = new Map<string, WasmModuleState | undefined>();
    const agent = createWasmModules({
      directory: folder,
      objects: () => objects.values(),
      get: (key) => objects.get(key),
      set: (key, state) => states.set(key, state),
      changed() {},
      log: { info() {}, warn() {}, error() {} },
    });
    agent.objectsChanged([...objects.keys()]);
    await until(() => states.size === NAMES.length);
    // What is kept serves until what is fetched is there.
    await until(() => registry.asked("always") > 0 && registry.asked("latest") > 0);
    await registry.idle();
    agent.close();
    for (const { code, origin, path } of agent.diagnostics())
      findings.push(`${code} ${origin} ${path}`);
    const bytes = plugins.flatMap((plugin): [string, Uint8Array][] => {
      const state = states.get(wasmModuleKey(plugin));
      return state?.state === "ready"
        ? [[plugin.spec.url, Buffer.from(state.bytes, "base64")]]
        : [];
    });
    return Object.fromEntries(bytes);
  }

  startedMesh({
    fetched: async () => {
      publish(one);
      await asAgentHas();
      publish(two);
      registry.forget();
      findings.length = 0;
      return { modules: await asAgentHas() };
    },
    workloads: { server: { address: SERVER, ports: NAMES.map(portOf) } },
    objects: [
      ...service(
        "server",
        NAMES.map((name) => ({ name: `http-${name}`, port: portOf(name) })),
        [SERVER],
      ),
      ...plugins,
    ],
  });
  const get = (name: Name) => ask(SERVER, portOf(name), "server", "/");
  /** What the module wrote into the request, or the status where it let none through. */
  const said = async (name: Name) => {
    const answer = await get(name);
    return answer.status === 200 ? answer.echo().headers["x-wasm"] : answer.status;
  };

  proves(
    "WasmPlugin",
    ["sha256"],
    "a module that is not what the checksum says lets nothing through, and is named",
    async () => {
      expect([await said("verified"), await said("forged")]).toEqual(["one", 503]);
      expect(findings).toContain("HDL7221 WasmPlugin default/forged spec.sha256");
    },
  );

  proves(
    "WasmPlugin",
    ["imagePullPolicy={UNSPECIFIED_POLICY,IfNotPresent,Always}"],
    "an image is fetched anew by an agent that has it, always, never, or where its tag is the latest",
    async () => {
      expect([
        await said("always"),
        await said("present"),
        await said("unspecified"),
        await said("latest"),
      ]).toEqual(["two", "one", "one", "two"]);
    },
  );

  proves(
    "WasmPlugin",
    ["imagePullSecret"],
    "an image of a registry that asks who one is, is fetched as the Secret says",
    async () => {
      expect([await said("trusted"), await said("stranger")]).toEqual(["one", 503]);
      expect(findings).toContain("HDL7220 WasmPlugin default/stranger spec.url");
    },
  );

  proves(
    "WasmPlugin",
    ["vmConfig.env[].{name,value}", "vmConfig.env[].valueFrom={INLINE,HOST}"],
    "a module has the variables that it is given, and those of its host that are named",
    async () => {
      expect(
        String(await said("inline"))
          .split(";")
          .toSorted(),
      ).toEqual(["", "GIVEN=inline", "UNSAID=too"]);
      expect(await said("own")).toBe("HEDDLE_TEST_VARIABLE=host;");
    },
  );

  proves("WasmPlugin", ["pluginName"], "a module is told which of its roots it is", async () => {
    expect([await said("named"), await said("nameless")]).toEqual(["root-of-mine", ""]);
  });

  proves(
    "WasmPlugin",
    ["failStrategy=FAIL_RELOAD"],
    "a module that has come to grief begins anew",
    async () => {
      for (const name of ["reloading", "closing"] as const) {
        expect(await said(name)).toBe("whole");
        expect(await said(name)).toBeGreaterThanOrEqual(500);
      }
      await expect.poll(() => said("reloading"), { timeout: 8_000, interval: 300 }).toBe("whole");
      expect(await said("closing")).toBe(503);
    },
  );

  proves(
    "WasmPlugin",
    ["type=UNSPECIFIED_PLUGIN_TYPE", "match[].mode=UNDEFINED"],
    "what is of no type is for requests, and what is of no mode for both sides",
    async () => {
      expect([await said("untyped"), await said("of-no-mode")]).toEqual(["one", "one"]);
    },
  );
});

describe("a WasmPlugin for another namespace", () => {
  const target = { kind: "Gateway", group: "gateway.networking.k8s.io", name: "edge" };
  const problems = (spec: object) =>
    parseObject({
      apiVersion: "extensions.istio.io/v1alpha1",
      kind: "WasmPlugin",
      metadata: { name: "main", namespace: "default" },
      spec: { url: "file:///a.wasm", ...spec },
    }).diagnostics.map(({ level, path }) => `${level} ${path}`);

  refuses(
    "WasmPlugin",
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

/** Also outside of a test. */
function until(holds: () => boolean): Promise<void> {
  return vi.waitFor(() => expect(holds()).toBe(true), { timeout: 8_000 });
}

interface Registry {
  /** `http://127.0.0.1:<port>` */
  readonly base: string;
  readonly host: string;
  file(name: string, bytes: Uint8Array): void;
  image(repository: string, module: Uint8Array): void;
  /** How often the module of an image has been fetched. */
  asked(repository: string): number;
  forget(): void;
  /** Nothing has been asked for a moment. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** Files, and images of which those under `private/` are for one user alone. */
async function startRegistry(): Promise<Registry> {
  const served = new Map<string, Uint8Array>();
  const asked = new Map<string, number>();
  let last = 0;
  const server: Server = createServer((request, response) => {
    const url = request.url ?? "";
    last = Date.now();
    const basic = request.headers.authorization === `Basic ${REGISTRY_USER}`;
    if (url.startsWith("/v2/private/") && !basic) {
      response.writeHead(401, { "www-authenticate": "Basic" }).end();
      return;
    }
    const [, repository = ""] = /^\/v2\/(.*)\/blobs\//.exec(url) ?? [];
    asked.set(repository, (asked.get(repository) ?? 0) + 1);
    const found = served.get(url);
    response.writeHead(found ? 200 : 404).end(found);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    base: `http://${host}`,
    host,
    file: (name, bytes) => served.set(`/${name}.wasm`, bytes),
    image(repository, module) {
      const digest = `sha256:${hash("sha256", module)}`;
      const mediaType = "application/vnd.module.wasm.content.layer.v1+wasm";
      const manifest = Buffer.from(JSON.stringify({ layers: [{ mediaType, digest }] }));
      for (const tag of ["v1", "latest"])
        served.set(`/v2/${repository}/manifests/${tag}`, manifest);
      served.set(`/v2/${repository}/blobs/${digest}`, module);
    },
    asked: (repository) => asked.get(repository) ?? 0,
    forget: () => asked.clear(),
    async idle() {
      await until(() => Date.now() - last > 500);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
