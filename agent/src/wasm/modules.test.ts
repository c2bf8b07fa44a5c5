/** Which modules an agent has, also once it has started again. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type MeshObject, objectKey, type WasmPlugin } from "@heddle/model";
import { wasmModuleKey } from "@heddle/translate";
import { afterAll, beforeAll, expect, test } from "vitest";
import { object } from "../../../test/harness/objects.ts";
import { wasmModule } from "../../../test/harness/wasm-module.ts";
import { createWasmModules } from "./modules.ts";

let server: Server;
let base: string;
let folder: string;
let asked: string[] = [];
const served = new Map<string, Uint8Array>();

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "wasm-modules-"));
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const found = served.get(request.url ?? "");
    response.writeHead(found ? 200 : 404).end(found);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const name of ["one", "two", "three"])
    served.set(`/${name}`, await wasmModule({ text: name }));
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const plugin = (name: string, module: string): MeshObject<WasmPlugin> =>
  object("extensions.istio.io/v1alpha1", "WasmPlugin", name, { url: `${base}/${module}` });

function startedAgent(directory: string) {
  const states = new Map<string, string | undefined>();
  let objects: readonly MeshObject<WasmPlugin>[] = [];
  const modules = createWasmModules({
    directory: path.join(folder, directory),
    objects: () => objects,
    get: () => undefined,
    set: (key, state) => states.set(key, state?.state),
    changed() {},
    log: { info() {}, warn() {}, error() {} },
  });
  return {
    apply(...now: readonly MeshObject<WasmPlugin>[]) {
      const keys = new Set([...objects, ...now].map(objectKey));
      objects = now;
      modules.objectsChanged([...keys]);
    },
    has: (each: MeshObject<WasmPlugin>) => states.get(wasmModuleKey(each)),
    diagnostics: () => modules.diagnostics(),
    close: () => modules.close(),
  };
}

test("modules that come at one time do not get in each other's way", async () => {
  const agent = startedAgent("many");
  const plugins = ["a", "b", "c", "d", "e", "f"].map((name) => {
    served.set(`/${name}`, served.get("/one") as Uint8Array);
    return plugin(name, name);
  });
  agent.apply(...plugins);
  await expect.poll(() => plugins.map(agent.has)).toEqual(plugins.map(() => "ready"));
  expect(agent.diagnostics()).toEqual([]);
  agent.close();
});

test("what stays in force in another's place is there after a start, and after further changes", async () => {
  const before = plugin("held", "one");
  const refused = plugin("held", "two");
  const first = startedAgent("held");
  first.apply(before);
  await expect.poll(() => first.has(before)).toBe("ready");
  first.apply(refused);
  await expect.poll(() => first.has(refused)).toBe("ready");
  // Envoy has refused it by now: what it was before goes on.
  expect(first.has(before)).toBe("ready");
  asked = [];
  first.apply(refused, before, plugin("other", "three"));
  await expect.poll(() => first.has(plugin("other", "three"))).toBe("ready");
  expect(first.has(before)).toBe("ready");
  first.close();
  const second = startedAgent("held");
  second.apply(refused, before);
  await expect.poll(() => second.has(before)).toBe("ready");
  // From disk, and not from where it came from, which may be gone.
  expect(asked).toEqual(["/three"]);
  second.close();
});
