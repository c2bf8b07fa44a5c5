/**
 * The folder that `heddle vm create` writes: a real Envoy starts from it and is a machine of the mesh, a pod with another one calls it,
 * on a real API server. The machine is on the loopback, which its agent allows here.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { sign } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, request, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type EnvoyPod, sliceDocument, startPod } from "../../agent/src/testing/envoy-pod.ts";
import { freePorts } from "../../agent/src/testing/free-ports.ts";
import { heddle } from "../harness/demo-process.ts";
import { end, until } from "../harness/plane-process.ts";
import {
  type Entry,
  group,
  type MachineMesh,
  PORT,
  startMachineMesh,
} from "./harness/machine-mesh.ts";

const ENVOY = process.env["HEDDLE_ENVOY"] ?? "envoy";
const LONG = 60_000;
/** The machine, its application, and a pod that calls it. */
const MACHINE = "127.67.2.21";
const APP = "127.67.2.22";
const POD = { address: "127.67.2.31", appAddress: "127.67.2.32" };
const ENTRY = `legacy-${MACHINE}`;

const PROBE = { periodSeconds: 1, httpGet: { path: "/healthz", port: PORT } };
const STRICT = {
  apiVersion: "security.istio.io/v1",
  kind: "PeerAuthentication",
  metadata: { name: "default", namespace: "default" },
  spec: { mtls: { mode: "STRICT" } },
};

let config: string;
let mesh: MachineMesh;
let metrics: number;
let pod: EnvoyPod;
let application: Server;
/** What the machine's application says of itself, and what it was last asked with. */
let isWell = true;
let asked: IncomingHttpHeaders = {};
/** The same of the pod's. */
let askedOfPod: IncomingHttpHeaders = {};
const entry = (name: string): Promise<Entry | undefined> => mesh.entry(name);
const logged = (text: string) => mesh.lines.filter((line) => line.includes(text)).length;

/** The same token with another life, by the cluster's own key; seconds. */
async function lasting(token: string, seconds: number): Promise<string> {
  const pem = await readFile(path.join(mesh.folder, "api/credentials/sa.key"), "utf8");
  const [head, body = ""] = token.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as object;
  const now = Math.floor(Date.now() / 1000);
  const text = `${head}.${Buffer.from(
    JSON.stringify({ ...claims, iat: now, nbf: now, exp: now + seconds }),
  ).toString("base64url")}`;
  return `${text}.${sign("sha256", Buffer.from(text), pem).toString("base64url")}`;
}

beforeAll(async () => {
  config = await mkdtemp(path.join(tmpdir(), "heddle-slices-"));
  [metrics = 0] = await freePorts(1);
  const onRequest = (headers: IncomingHttpHeaders) => void (askedOfPod = headers);
  pod = await startPod({ name: "web-1", app: "web", port: PORT, ...POD, onRequest }, ENVOY);
  // No API server takes endpoints of the loopback.
  await writeFile(
    path.join(config, "slice.yaml"),
    JSON.stringify(sliceDocument("web", PORT, [pod])),
  );
  application = createServer(({ url, headers }, response) => {
    if (url === "/healthz") response.statusCode = isWell ? 200 : 503;
    else asked = headers;
    response.end("legacy");
  });
  await new Promise<void>((resolve) => application.listen(PORT, APP, resolve));
  mesh = await startMachineMesh(
    [pod.document, STRICT, group("legacy", "legacy", { probe: PROBE }, { locality: "r1/z1" })],
    { config, xds: "127.0.0.1:0", metrics: `127.0.0.1:${metrics}` },
  );
  await pod.startEnvoy(mesh.agents[0]?.ports.xds ?? 0);
}, 300_000);
afterAll(async () => {
  await pod?.close();
  application?.closeAllConnections();
  application?.close();
  await mesh?.close();
  await rm(config, { recursive: true, force: true });
});

describe("the folder that heddle vm create writes", () => {
  let envoy: ChildProcess | undefined;
  let said = "";
  let ports: { admin: number; proxy: number };
  const out = () => path.join(mesh.folder, "vm");
  const output = () => `${said}\n${mesh.lines.slice(-20).join("\n")}`;
  const vm = (...args: string[]) => heddle(["vm", ...args, "--kubeconfig", mesh.api.kubeconfig]);
  const admin = async (page: string) =>
    (await fetch(`http://127.0.0.1:${ports.admin}${page}`).catch(() => undefined))?.text() ?? "";
  const start = () => {
    envoy = spawn(path.join(out(), "start.sh"), ["--concurrency", "1"], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ENVOY },
    });
    envoy.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  };
  /** As the machine's application calls: by the HTTP proxy of its own loopback. */
  const callFromMachine = (host: string, through = "127.0.0.1", port = ports.proxy) =>
    new Promise<number>((resolve) => {
      const made = request(
        { host: through, port, path: `http://${host}/`, headers: { host }, agent: false },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      );
      made.on("error", () => resolve(0));
      made.end();
    });

  beforeAll(async () => {
    const [proxy = 0, adminPort = 0] = await freePorts(2);
    ports = { proxy, admin: adminPort };
  });
  afterAll(() => envoy && end(envoy, "SIGTERM"));

  test("is everything that an Envoy needs to be the machine, and is nobody else's to read", async () => {
    const created = await vm(
      ...["create", "legacy", "--address", MACHINE, "--loopback", "--out", out()],
      ...["--agent", `127.0.0.1:${mesh.agents[0]?.ports.xdsTls}`, "--app-address", APP],
      ...["--proxy-port", String(ports.proxy), "--admin-port", String(ports.admin)],
      ...["--duration", "1h", "-o", "json"],
    );
    expect(created, created.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(created.stdout)).toMatchObject({
      ...{ folder: out(), entry: ENTRY, account: "default/legacy" },
    });
    const token = path.join(out(), "identity/token");
    expect((await stat(token)).mode & 0o777).toBe(0o600);
    expect((await stat(out())).mode & 0o777).toBe(0o700);
    // One that ends soon, for what comes later.
    await writeFile(token, await lasting(await readFile(token, "utf8"), 25));
    start();
    const isReady = async () =>
      (await fetch(`http://${MACHINE}:15021/healthz/ready`).catch(() => undefined))?.status === 200;
    await until(isReady, LONG, output);
    const identity = "spiffe://cluster.local/ns/default/sa/legacy";
    await until(async () => (await admin("/certs")).includes(identity), LONG, output);
  }, 120_000);

  test("makes the machine an entry of its group, as Istio would", async () => {
    await expect.poll(() => entry(ENTRY)).toBeDefined();
    const uid = await mesh.api.kubectl(
      "get",
      "workloadgroup",
      "legacy",
      "-o",
      "jsonpath={.metadata.uid}",
    );
    const found = await entry(ENTRY);
    expect(found?.metadata.labels).toEqual({ app: "legacy", class: "vm" });
    expect(found?.metadata.annotations).toMatchObject({
      "istio.io/autoRegistrationGroup": "legacy",
      "istio.io/workloadController": "heddle-agent-1",
      "istio.io/connectedAt": expect.stringMatching(/^\d{4}-/),
    });
    expect(found?.metadata.ownerReferences).toEqual([
      {
        ...{ apiVersion: "networking.istio.io/v1", kind: "WorkloadGroup" },
        ...{ name: "legacy", uid, controller: true },
      },
    ]);
    expect(found?.spec).toMatchObject({
      ...{ address: MACHINE, serviceAccount: "legacy", locality: "r1/z1", ports: { http: PORT } },
    });
  });

  test("lets others reach the machine by its service, by mutual TLS alone", async () => {
    await expect
      .poll(async () => (await pod.call("legacy.default.svc.cluster.local:8080")).body, {
        message: output(),
      })
      .toBe("legacy");
    expect(asked["x-forwarded-client-cert"]).toContain(
      "URI=spiffe://cluster.local/ns/default/sa/web",
    );
    expect(await callFromMachine(`${MACHINE}:${PORT}`, MACHINE, PORT)).toBe(0);
  });

  test("lets the machine call services as its account, and nobody else call in its name", async () => {
    const web = "web.default.svc.cluster.local:8080";
    await expect.poll(() => callFromMachine(web)).toBe(200);
    expect(askedOfPod["x-forwarded-client-cert"]).toContain(
      "URI=spiffe://cluster.local/ns/default/sa/legacy",
    );
    // The proxy that the machine calls by is not at its address.
    expect(await callFromMachine(web, MACHINE)).toBe(0);
  });

  test("has the application asked by the probe of its group", async () => {
    const status = async () => (await pod.call("legacy.default.svc.cluster.local:8080")).status;
    isWell = false;
    await expect.poll(status).toBe(503);
    isWell = true;
    await expect.poll(status).toBe(200);
  });

  test("goes on with the next token, which heddle vm token puts into it", async () => {
    const renewed = await vm("token", "legacy", "--out", out());
    expect(renewed, renewed.stderr).toMatchObject({ code: 0 });
    await until(() => Promise.resolve(logged("token expires") > 0), LONG, output);
    const uid = (await entry(ENTRY))?.metadata.uid;
    const connected = async () =>
      (await admin("/stats")).includes("control_plane.connected_state: 1");
    await until(connected, LONG, output);
    await mesh.api.kubectl("create", "service", "clusterip", "later", "--tcp=8080");
    await until(async () => (await admin("/clusters")).includes("later.default"), LONG, output);
    expect(said).not.toContain("closed: 16");
    expect((await entry(ENTRY))?.metadata.uid).toBe(uid);
    const printed = await vm("token", "legacy");
    expect(printed.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  }, 120_000);

  test("goes out of the mesh with its machine", async () => {
    await end(envoy as ChildProcess, "SIGKILL");
    await expect.poll(() => entry(ENTRY)).toBeUndefined();
    await expect
      .poll(async () => (await pod.call("legacy.default.svc.cluster.local:8080")).status)
      .toBe(503);
    expect(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()).toMatch(
      /^heddle_agent_machines_unwritten 0$/m,
    );
  });

  test("leads the machine's traffic to its proxy where that is asked for, and no more when it is taken back", async () => {
    const led = path.join(mesh.folder, "led");
    const created = await vm(
      "create",
      "legacy",
      "--address",
      "10.7.5.1",
      "--capture",
      "--out",
      led,
    );
    expect(created, created.stderr).toMatchObject({ code: 0 });
    // In a network of its own: nothing of this one is led anywhere.
    const rules = "{ iptables-save -t nat; ip6tables-save -t nat; } | grep -c HEDDLE || true";
    const steps = ["ip link set lo up", "./capture.sh on", "./capture.sh on", rules];
    const { stdout } = await promisify(execFile)(
      "unshare",
      ["--net", "sh", "-ec", [...steps, "./capture.sh off", rules].join("\n")],
      { cwd: led },
    );
    const [on, off] = stdout.trim().split("\n").map(Number);
    expect(on).toBeGreaterThan(20);
    expect(off).toBe(0);
    const table = await readFile(path.join(led, "capture/nat-v4"), "utf8");
    expect(table).toContain("-A HEDDLE_INBOUND -p tcp --dport 22 -j RETURN");
  });

  test("is not written for what cannot be, and over nothing", async () => {
    const create = (of: string, address: string, ...more: string[]) =>
      vm("create", of, "--address", address, "--out", path.join(mesh.folder, "none"), ...more);
    expect((await create("nobody", "10.7.5.1")).stderr).toContain("HDL9085");
    const loopback = await create("legacy", "127.0.0.1");
    expect(loopback).toMatchObject({ code: 2 });
    expect(loopback.stderr).toContain("HDL9089");
    await mesh.api.kubectl.apply(group("gone", "nobodys"));
    expect((await create("gone", "10.7.5.1")).stderr).toContain("HDL9086");
    expect((await create("legacy", "10.7.5.1", "--out", out())).stderr).toContain("HDL9088");
    expect(await stat(path.join(mesh.folder, "none")).catch(() => undefined)).toBeUndefined();
  }, 120_000);
});
