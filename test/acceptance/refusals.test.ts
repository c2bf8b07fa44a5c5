/**
 * What only Envoy can refuse, as a user is told of it: an EnvoyFilter and a WasmPlugin that pass every check of ours, through
 * real Envoys, while other changes go on to the same proxies. The command line and the console name the culprits.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningAgent, startAgent } from "../../agent/src/agent.ts";
import { parseAgentOptions } from "../../agent/src/options.ts";
import {
  type EnvoyPod,
  serviceDocument,
  sliceDocument,
  startPod,
} from "../../agent/src/testing/envoy-pod.ts";
import { launchChromium } from "../harness/chromium.ts";
import { type PlaneProcess, startPlaneProcess, until } from "../harness/plane-process.ts";
import { wasmModule } from "../harness/wasm-module.ts";

const PORT = 9080;
const SOON = 20_000;
const error = (message: string, fields?: unknown) => console.error(message, fields);

let folder: string;
let plane: PlaneProcess;
let agent: RunningAgent;
let modules: Server;
let web: EnvoyPod;
let api: EnvoyPod;
let browser: Browser;
let page: Page;

const object = (apiVersion: string, kind: string, name: string, spec: object) => ({
  apiVersion,
  kind,
  metadata: { name, namespace: "default" },
  spec,
});
const answers = (body: string) =>
  object("networking.istio.io/v1", "VirtualService", "api", {
    hosts: ["api"],
    http: [
      {
        match: [{ uri: { prefix: "/rule" } }],
        directResponse: { status: 200, body: { string: body } },
      },
      { route: [{ destination: { host: "api" } }] },
    ],
  });
/** A filter of Lua whose script is checked by Envoy alone. */
const scripted = (inlineString: string) =>
  object("networking.istio.io/v1alpha3", "EnvoyFilter", "script", {
    workloadSelector: { labels: { app: "web" } },
    configPatches: [
      {
        applyTo: "HTTP_FILTER",
        match: {
          context: "SIDECAR_OUTBOUND",
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
  });
const plugin = () =>
  object("extensions.istio.io/v1alpha1", "WasmPlugin", "stubborn", {
    selector: { matchLabels: { app: "web" } },
    url: `http://127.0.0.1:${(modules.address() as AddressInfo).port}/stubborn.wasm`,
  });

const apply = (...objects: object[]) => plane.client.apply("demo", { objects: objects as never });
const says = (body: string) =>
  until(async () => (await web.call(`api:${PORT}`, "/rule")).body === body, SOON);
const text = () => page.locator("body").innerText();
/** The text of a page, once it has all of these words. */
async function shows(address: string, ...words: RegExp[]): Promise<string> {
  await page.goto(`${plane.url}${address}`);
  for (const word of words)
    await expect.poll(text, { timeout: SOON, message: `${address} shows ${word}` }).toMatch(word);
  return text();
}
/** What a command prints, once it has all of these words. */
async function prints(command: readonly string[], ...words: RegExp[]): Promise<void> {
  let printed = "";
  await until(
    async () => {
      const { stdout, stderr } = await plane.heddle(command);
      printed = stripVTControlCharacters(`${stdout}${stderr}`);
      return words.every((word) => word.test(printed));
    },
    SOON,
    () => `${command.join(" ")} prints ${words.join(" and ")}, and it printed\n${printed}`,
  );
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-refusals-"));
  const module = await wasmModule({ starts: false });
  modules = createServer((_, response) => response.end(module));
  await new Promise<void>((resolve) => modules.listen(0, "127.0.0.1", resolve));
  plane = await startPlaneProcess(8788, path.join(folder, "plane"));
  browser = await launchChromium();
  await plane.client.createMesh({ name: "demo", trustDomain: "test.example" });
  const { token } = await plane.client.createJoinToken("demo", { name: "local" });
  const envoy = process.env["HEDDLE_ENVOY"] as string;
  const pod = (name: string, app: string, last: number) =>
    startPod(
      { name, app, address: `127.196.0.${last}`, appAddress: `127.196.1.${last}`, port: PORT },
      envoy,
    );
  [web, api] = [await pod("web-0", "web", 1), await pod("api-0", "api", 2)];
  const items = [
    ...[web.document, api.document, serviceDocument("web", PORT), serviceDocument("api", PORT)],
    ...[sliceDocument("web", PORT, [web]), sliceDocument("api", PORT, [api])],
  ];
  await mkdir(path.join(folder, "cluster"));
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await writeFile(path.join(folder, "cluster/cluster.json"), list);
  agent = await startAgent(
    parseAgentOptions({
      ...{ plane: plane.url, token, name: "local", config: path.join(folder, "cluster") },
      ...{ state: path.join(folder, "agent"), xds: "127.0.0.1:0", metrics: "off" },
      roles: "control",
    }),
    { info() {}, warn() {}, error },
  );
  await apply(answers("one"));
  await Promise.all([web.startEnvoy(agent.ports.xds!), api.startEnvoy(agent.ports.xds!)]);
  await says("one");
  page = await (await browser.newContext()).newPage();
  await page.goto(`${plane.url}/#token=${plane.token}`);
  await page.locator("main").first().waitFor({ timeout: 15_000 });
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await Promise.all([web?.close(), api?.close()]);
  await agent?.close();
  await plane?.stop();
  modules?.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
});

test.each([
  ["EnvoyFilter", "script", () => scripted("function ("), /script load error/],
  ["WasmPlugin", "stubborn", plugin, /[Ww]asm/],
] as const)(
  "a bad %s holds nothing back, and is named wherever one looks",
  async (kind, name, bad, reason) => {
    const culprit = new RegExp(`${kind} default/${name}`);
    // Both pass what is checked at writing, in one revision with a change to the same proxy.
    const { diagnostics } = await apply(bad(), answers(`beside ${name}`));
    expect(diagnostics.filter(({ level }) => level === "Error")).toEqual([]);
    await says(`beside ${name}`);

    await prints(
      ["describe", kind, name],
      new RegExp(`${kind}.*default/${name}`),
      /HDL7220/,
      /REFUSED web-0\.default \w+ /,
      reason,
      /held .* what it was before is in force/,
    );
    await prints(["proxy-status"], /web-0\.default/, culprit, reason);
    await shows(`/m/demo/config/${kind}/default/${name}`, /web-0\.default refuses \w+ /, reason);
    await shows("/", new RegExp(`${kind} default/${name}`), reason);

    // What comes later arrives too, and nothing is left when the culprit is gone.
    await apply(answers(`after ${name}`));
    await says(`after ${name}`);
    await plane.client.apply("demo", {
      objects: [],
      delete: [`${bad().apiVersion.split("/")[0]}/${kind}/default/${name}`],
    });
    await until(async () => {
      const { items } = await plane.client.proxies("demo");
      return items.every(({ state }) => state === "synced");
    }, SOON);
  },
  120_000,
);
