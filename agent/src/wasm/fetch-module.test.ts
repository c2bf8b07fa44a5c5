import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { wasmModule } from "../../../test/harness/wasm-module.ts";
import { fetchModule } from "./fetch-module.ts";
import { parseImageName } from "./oci-image.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** One regular file, as tar writes it. */
function tar(name: string, content: Uint8Array): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("0", 156);
  header.write("ustar\0", 257);
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)]);
}

let module: Uint8Array;
let server: Server;
let base: string;
let folder: string;
const served = new Map<string, { type?: string; body: Uint8Array }>();
const guarded = { token: "" };

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? "";
  const { authorization = "" } = request.headers;
  if (url.startsWith("/token")) {
    const basic = Buffer.from("me:secret").toString("base64");
    const known = authorization === `Basic ${basic}` && url.includes("scope=repository%3Aprivate");
    response.statusCode = known ? 200 : 401;
    response.end(JSON.stringify({ token: guarded.token }));
    return;
  }
  if (url.startsWith("/v2/private/") && authorization !== `Bearer ${guarded.token}`) {
    response.writeHead(401, { "www-authenticate": `Bearer realm="${base}/token",service="here"` });
    response.end();
    return;
  }
  const found = served.get(url);
  response.writeHead(found ? 200 : 404, found?.type ? { "content-type": found.type } : {});
  response.end(found?.body);
}

beforeAll(async () => {
  module = await wasmModule();
  folder = await mkdtemp(path.join(tmpdir(), "wasm-"));
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  served.set("/module.wasm", { body: module });
  served.set("/module.wasm.gz", { body: gzipSync(module) });
  served.set("/module.tar.gz", { body: gzipSync(tar("plugin.wasm", module)) });
  served.set("/page.html", { body: Buffer.from("<html>") });
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

const get = (url: string, wanted = "", dockerConfig?: string) =>
  fetchModule({ url, sha256: wanted, dockerConfig });

test.each(["/module.wasm", "/module.wasm.gz", "/module.tar.gz"])("fetches %s", async (name) => {
  expect(sha256(await get(base + name, sha256(module)))).toBe(sha256(module));
  expect(sha256(await get(base + name, sha256(served.get(name)!.body)))).toBe(sha256(module));
});

test("reads a file", async () => {
  const file = path.join(folder, "module.wasm");
  await writeFile(file, module);
  expect(sha256(await get(pathToFileURL(file).href))).toBe(sha256(module));
});

test("refuses another checksum, and names both", async () => {
  await expect(get(`${base}/module.wasm`, "0".repeat(64))).rejects.toMatchObject({
    code: "HDL7221",
    message: `the module has the checksum ${sha256(module)}, not ${"0".repeat(64)}`,
  });
});

test.each([
  ["a page", "/page.html", "HDL7222", /neither a WebAssembly module nor an archive/],
  ["what is not there", "/nothing.wasm", "HDL7220", /the answer is 404/],
])("refuses %s", async (_, name, code, message) => {
  await expect(get(base + name)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as string,
  });
});

test("names a server that is not there", async () => {
  await expect(get("http://127.0.0.1:9/module.wasm")).rejects.toMatchObject({
    code: "HDL7220",
    message: expect.stringMatching(/cannot be fetched from http:\/\/127\.0\.0\.1:9/) as string,
  });
});

test("refuses a module that Envoy could not run", async () => {
  served.set("/no-abi", { body: await wasmModule({ abi: false }) });
  served.set("/stranger", {
    body: await wasmModule({ imports: '(import "js" "log" (func (param i32)))' }),
  });
  served.set("/broken", { body: module.slice(0, 100) });
  await expect(get(`${base}/no-abi`)).rejects.toThrow(/proxy_abi_version/);
  await expect(get(`${base}/stranger`)).rejects.toThrow(/imports log from js/);
  await expect(get(`${base}/broken`)).rejects.toThrow(/no WebAssembly module/);
});

describe("images", () => {
  const publish = (repository: string, type: string, layer: Uint8Array) => {
    const digest = `sha256:${sha256(layer)}`;
    const manifest = Buffer.from(JSON.stringify({ layers: [{ mediaType: type, digest }] }));
    served.set(`/v2/${repository}/manifests/v1`, { body: manifest });
    served.set(`/v2/${repository}/blobs/${digest}`, { body: layer });
    return { manifest, digest };
  };
  const registry = () => base.slice("http://".length);

  test("of one layer that is the module", async () => {
    const type = "application/vnd.module.wasm.content.layer.v1+wasm";
    const { manifest } = publish("public", type, module);
    const image = `oci://${registry()}/public:v1`;
    expect(sha256(await get(image, sha256(manifest)))).toBe(sha256(module));
    await expect(get(image, "1".repeat(64))).rejects.toMatchObject({ code: "HDL7221" });
  });

  test("built as for containers, with a pull secret", async () => {
    guarded.token = "t1";
    const type = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    publish("private", type, gzipSync(tar("plugin.wasm", module)));
    const image = `oci://${registry()}/private:v1`;
    await expect(get(image)).rejects.toMatchObject({ code: "HDL7220" });
    const auth = Buffer.from("me:secret").toString("base64");
    const config = JSON.stringify({ auths: { [registry()]: { auth } } });
    expect(sha256(await get(image, "", config))).toBe(sha256(module));
  });

  test("whose layer is not what the manifest says", async () => {
    const { digest } = publish("forged", "", module);
    served.set(`/v2/forged/blobs/${digest}`, { body: gzipSync(module) });
    await expect(get(`oci://${registry()}/forged:v1`)).rejects.toMatchObject({ code: "HDL7221" });
  });

  test.each([
    ["ghcr.io/a/b:v2", { registry: "ghcr.io", repository: "a/b", reference: "v2" }],
    ["a/b", { registry: "registry-1.docker.io", repository: "a/b", reference: "latest" }],
    ["x", { registry: "registry-1.docker.io", repository: "library/x", reference: "latest" }],
    [
      "localhost:5000/x@sha256:ab",
      { registry: "localhost:5000", repository: "x", reference: "sha256:ab" },
    ],
  ])("are named like %s", (name, parts) => {
    expect(parseImageName(name)).toEqual(parts);
  });
});
