/** A RequestAuthentication of the plane, at an Envoy of its cluster: what is wrong with an issuer's keys is told where the object is, and what is right counts. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningAgent, startAgent } from "../../agent/src/agent.ts";
import { parseAgentOptions } from "../../agent/src/options.ts";
import {
  type EnvoyPod,
  serviceDocument,
  sliceDocument,
  startPod,
} from "../../agent/src/testing/envoy-pod.ts";
import { type PlaneProcess, startPlaneProcess, until } from "../harness/plane-process.ts";
import { ask } from "../harness/request.ts";
import {
  createIssuerKey,
  type IssuerKey,
  type KeyServer,
  keySet,
  startKeyServer,
} from "../harness/token-issuer.ts";

const PORT = 9080;
const SOON = 20_000;
const ADDRESS = "127.240.0.1";
const KEYS = "127.240.0.9";
const ISSUER = "https://issuer.test";

let folder: string;
let plane: PlaneProcess;
let agent: RunningAgent;
let keys: KeyServer;
let key: IssuerKey;
let joinToken: string;
let api: EnvoyPod;

const tokens = (jwksUri: string) => ({
  apiVersion: "security.istio.io/v1",
  kind: "RequestAuthentication",
  metadata: { name: "tokens", namespace: "default" },
  spec: { jwtRules: [{ issuer: ISSUER, jwksUri, presence: "REQUIRED" }] },
});
const apply = (object: object) => plane.client.apply("demo", { objects: [object] as never });
const startHosted = async () => {
  const flags = {
    ...{ plane: plane.url, token: joinToken, name: "local", roles: "control" },
    ...{ config: path.join(folder, "cluster"), state: path.join(folder, "agent") },
    ...{ xds: "127.0.0.1:15310", metrics: "off", jwksAllow: KEYS },
  };
  const quiet = { info() {}, warn() {}, error: console.error };
  agent = await startAgent(parseAgentOptions(flags), quiet);
};
const statusOf = async (token?: string) => {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return (await ask(ADDRESS, PORT, "api", "/", { headers })).status;
};
/** What `heddle analyze` prints of the mesh. */
const analyzed = async () => {
  const { stdout, stderr } = await plane.heddle(["analyze"]);
  return stripVTControlCharacters(`${stdout}${stderr}`);
};

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-tokens-"));
  key = await createIssuerKey(ISSUER, "one");
  keys = await startKeyServer(KEYS, 8080, { "/keys": keySet(key) });
  plane = await startPlaneProcess(8704, path.join(folder, "plane"));
  await plane.client.createMesh({ name: "demo", trustDomain: "test.example" });
  joinToken = (await plane.client.createJoinToken("demo", { name: "local" })).token;
  api = await startPod(
    { name: "api-0", app: "api", address: ADDRESS, appAddress: "127.240.1.1", port: PORT },
    process.env["HEDDLE_ENVOY"] as string,
  );
  await mkdir(path.join(folder, "cluster"));
  const items = [api.document, serviceDocument("api", PORT), sliceDocument("api", PORT, [api])];
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await writeFile(path.join(folder, "cluster/cluster.json"), list);
  await startHosted();
  await api.startEnvoy(15_310);
}, 240_000);
afterAll(async () => {
  await api?.close();
  await agent?.close();
  await plane?.stop();
  await keys?.stop();
  await rm(folder, { recursive: true, force: true });
});

test("an issuer whose keys are at an internal address has none, and `heddle analyze` says so", async () => {
  await until(async () => (await statusOf()) === 200, SOON);
  await apply(tokens("http://127.0.0.1:8080/keys"));
  await until(async () => (await statusOf()) === 401, SOON);
  expect(await statusOf(await key.sign())).toBe(401);
  await until(
    async () => (await analyzed()).includes("HDL7292"),
    SOON,
    () => "HDL7292 is told",
  );
  expect(await analyzed()).toMatch(/RequestAuthentication default\/tokens/);
}, 60_000);

test("keys that can be had count, also for an agent that starts without its issuer", async () => {
  await apply(tokens(`${keys.base}/keys`));
  await until(async () => (await statusOf(await key.sign())) === 200, SOON);
  await until(async () => !(await analyzed()).includes("HDL7292"), SOON);
  await keys.stop();
  await agent.close();
  await startHosted();
  await until(
    async () => (await analyzed()).includes("HDL7290"),
    SOON,
    () => "HDL7290 is told",
  );
  expect(await analyzed()).toContain("the keys that were fetched before go on");
  expect([await statusOf(await key.sign()), await statusOf("garbage")]).toEqual([200, 401]);
}, 60_000);
