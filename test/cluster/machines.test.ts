/**
 * Machines of WorkloadGroups: a real API server, the folder that `heddle vm create` makes, a real Envoy that starts from it, and
 * another one that calls it. Machines are on the loopback here, which one of the two agents allows and the other does not.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { sign } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, request, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { type AgentLog, parseAgentOptions, type RunningAgent, startAgent } from "@heddle/agent";
import { definedKinds, definitionOf } from "@heddle/kube";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import {
  type EnvoyPod,
  serviceDocument,
  sliceDocument,
  startPod,
} from "../../agent/src/testing/envoy-pod.ts";
import { freePorts } from "../../agent/src/testing/free-ports.ts";
import { heddle } from "../harness/demo-process.ts";
import { end, until } from "../harness/plane-process.ts";
import { type AgentCall, callAgent, type Node } from "./harness/agent-caller.ts";
import { type ApiServerAlone, startApiServerAlone } from "./harness/api-server-alone.ts";

const ENVOY = process.env["HEDDLE_ENVOY"] ?? "envoy";
const LONG = 60_000;
const GRACE_MS = 1_000;
/** The machine, its application, and a pod that calls it. */
const MACHINE = "127.67.2.21";
const APP = "127.67.2.22";
const POD = { address: "127.67.2.31", appAddress: "127.67.2.32" };
const ENTRY = `legacy-${MACHINE}`;
const PORT = 8080;

const group = (name: string, account: string, more: object = {}, template: object = {}) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "WorkloadGroup",
  metadata: { name, namespace: "default" },
  spec: {
    metadata: { labels: { app: name } },
    template: {
      serviceAccount: account,
      labels: { class: "vm" },
      ports: { http: PORT },
      ...template,
    },
    ...more,
  },
});
const PROBE = { periodSeconds: 1, httpGet: { path: "/healthz", port: PORT } };
const STRICT = {
  apiVersion: "security.istio.io/v1",
  kind: "PeerAuthentication",
  metadata: { name: "default", namespace: "default" },
  spec: { mtls: { mode: "STRICT" } },
};

interface Entry {
  readonly metadata: {
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly object[];
  };
  readonly spec: object;
}

const RIGHTS = path.resolve(import.meta.dirname, "../../infra/kubernetes/agent-rbac.yaml");

let folder: string;
let api: ApiServerAlone;
/** Of the agents' own account, with the rights of an installation. */
let ownKubeconfig: string;
const agents: RunningAgent[] = [];
let roots: string;
let metrics: number;
let pod: EnvoyPod;
let application: Server;
/** What the machine's application says of itself, and what it was last asked with. */
let isWell = true;
let asked: IncomingHttpHeaders = {};
/** The same of the pod's. */
let askedOfPod: IncomingHttpHeaders = {};
const lines: string[] = [];
const say = (message: string, fields?: object) =>
  void lines.push(`${message} ${JSON.stringify(fields)}`);
const log: AgentLog = { info: say, warn: say, error: say };
const logged = (text: string) => lines.filter((line) => line.includes(text)).length;

async function startReplica(name: string, more: object): Promise<RunningAgent> {
  const flags = {
    ...{ standalone: true, kubeconfig: ownKubeconfig, state: path.join(folder, name) },
    ...{ xdsTls: "127.0.0.1:0", roles: "control", vmGrace: `${GRACE_MS}ms`, ...more },
  };
  const env = { POD_NAME: name, POD_NAMESPACE: "heddle-system" };
  const agent = await startAgent(parseAgentOptions(flags, env), log);
  agents.push(agent);
  return agent;
}

async function agentKubeconfig(): Promise<string> {
  await api.kubectl("apply", "--server-side", "-f", RIGHTS);
  const own = ["create", "token", "heddle-agent", "-n", "heddle-system", "--duration=2h"];
  const token = (await api.kubectl(...own)).trim();
  const config = parse(await readFile(api.kubeconfig, "utf8")) as { users: { user: object }[] };
  for (const each of config.users) each.user = { token };
  const file = path.join(folder, "agent.kubeconfig");
  await writeFile(file, JSON.stringify(config));
  return file;
}

async function tokenOf(account: string): Promise<string> {
  return (await api.kubectl("create", "token", account, "--audience=heddle")).trim();
}

/** The same token with another life, by the cluster's own key; seconds. */
async function lasting(token: string, seconds: number): Promise<string> {
  const pem = await readFile(path.join(folder, "api/credentials/sa.key"), "utf8");
  const [head, body = ""] = token.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as object;
  const now = Math.floor(Date.now() / 1000);
  const text = `${head}.${Buffer.from(
    JSON.stringify({ ...claims, iat: now, nbf: now, exp: now + seconds }),
  ).toString("base64url")}`;
  return `${text}.${sign("sha256", Buffer.from(text), pem).toString("base64url")}`;
}

interface Claims {
  readonly type?: string;
  readonly name?: string;
  readonly group?: string;
  readonly namespace?: string;
  readonly account?: string;
  readonly ips?: string;
  readonly stats?: string;
}

/** What a machine's node says. */
function nodeOf(address: string, claims: Claims = {}): Node {
  const { type = "sidecar", name = "m-1", namespace = "default", ips = address } = claims;
  return {
    id: `${type}~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    metadata: {
      ...{ NAMESPACE: namespace, INSTANCE_IPS: ips, LABELS: { app: "web" } },
      ...(claims.account === undefined ? {} : { SERVICE_ACCOUNT: claims.account }),
      ...(claims.stats === undefined ? {} : { HEDDLE_STATS_ADDRESS: claims.stats }),
      AUTO_REGISTER_GROUP: claims.group ?? "legacy",
    },
  };
}

const call = (token: string, node: Node, agent = 0): AgentCall =>
  callAgent({ port: agents[agent]?.ports.xdsTls, roots }, token, node);

function whoAmI(token: string, node: Node, agent = 0): Promise<string> {
  const made = call(token, node, agent);
  return made.identity.finally(() => made.end());
}

async function entry(name: string): Promise<Entry | undefined> {
  const text = await api.kubectl(
    ...["get", "workloadentry", name, "--ignore-not-found", "-o", "json"],
  );
  return text.trim() === "" ? undefined : (JSON.parse(text) as Entry);
}
const noted = async (name: string) => (await entry(name))?.metadata.annotations ?? {};
const controller = async (name: string) => (await noted(name))["istio.io/workloadController"];

async function made(document: object, status?: object): Promise<void> {
  await api.kubectl.apply(document);
  if (status === undefined) return;
  const { kind, metadata } = document as { kind: string; metadata: { name: string } };
  const patch = ["--subresource=status", "--type=merge", "-p", JSON.stringify({ status })];
  await api.kubectl("patch", kind.toLowerCase(), metadata.name, ...patch);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-machines-"));
  [metrics = 0] = await freePorts(1);
  api = await startApiServerAlone(path.join(folder, "api"));
  await api.kubectl.apply(...definedKinds.map(definitionOf));
  const established = ["wait", "--for=condition=established", "crd", "--all", "--timeout=60s"];
  // One that is only just made says nothing of itself yet, which is a failure to kubectl.
  await until(
    () =>
      api.kubectl(...established).then(
        () => true,
        () => false,
      ),
    LONG,
  );
  await api.kubectl("create", "namespace", "heddle-system");
  ownKubeconfig = await agentKubeconfig();
  for (const account of ["legacy", "other", "lonely", "web"])
    await api.kubectl("create", "serviceaccount", account);
  const onRequest = (headers: IncomingHttpHeaders) => void (askedOfPod = headers);
  pod = await startPod({ name: "web-1", app: "web", port: PORT, ...POD, onRequest }, ENVOY);
  const { status, ...document } = pod.document as { status: object };
  await made(document, status);
  await api.kubectl.apply(
    ...[serviceDocument("legacy", PORT), serviceDocument("web", PORT)],
    STRICT,
    group("legacy", "legacy", { probe: PROBE }, { locality: "r1/z1" }),
    group("others", "other"),
  );
  await made(
    { apiVersion: "v1", kind: "Node", metadata: { name: "node-1" } },
    { addresses: [{ type: "InternalIP", address: "10.7.0.1" }] },
  );
  application = createServer(({ url, headers }, response) => {
    if (url === "/healthz") response.statusCode = isWell ? 200 : 503;
    else asked = headers;
    response.end("legacy");
  });
  await new Promise<void>((resolve) => application.listen(PORT, APP, resolve));
  // No API server takes endpoints of the loopback.
  const config = path.join(folder, "config");
  await mkdir(config);
  await writeFile(
    path.join(config, "slice.yaml"),
    JSON.stringify(sliceDocument("web", PORT, [pod])),
  );
  const plain = { config, xds: "127.0.0.1:0", metrics: `127.0.0.1:${metrics}`, vmLoopback: true };
  const first = await startReplica("heddle-agent-1", plain);
  await startReplica("heddle-agent-2", { metrics: "off" });
  const map = [
    "get",
    "configmap",
    "heddle-agent-identity",
    "-o",
    String.raw`jsonpath={.data.root-cert\.pem}`,
  ];
  await until(async () => (roots = await api.kubectl(...map).catch(() => "")) !== "", LONG);
  await pod.startEnvoy(first.ports.xds ?? 0);
}, 300_000);
afterAll(async () => {
  await pod?.close();
  application?.closeAllConnections();
  application?.close();
  for (const agent of agents.toReversed()) await agent.close();
  await api?.down();
  await rm(folder, { recursive: true, force: true });
});

describe("a token that names no pod", () => {
  test("is its account's where the node names a WorkloadGroup of it, whatever else the node says", async () => {
    const token = await tokenOf("legacy");
    const is = "spiffe://cluster.local/ns/default/sa/legacy";
    expect(await whoAmI(token, nodeOf("10.7.1.1"))).toBe(is);
    expect(await whoAmI(token, nodeOf("fd00:7::1"))).toBe(is);
    expect(await whoAmI(await tokenOf("other"), nodeOf("10.7.1.2", { group: "others" }))).toBe(
      "spiffe://cluster.local/ns/default/sa/other",
    );
  });

  test("proves nothing without a WorkloadGroup of its account", async () => {
    const refused = /^UNAUTHENTICATED HDL7251 .*no pod.*no WorkloadGroup/;
    expect(await whoAmI(await tokenOf("lonely"), nodeOf("10.7.1.3"))).toMatch(refused);
  });

  test("is no other group's, account's or namespace's, and no gateway's", async () => {
    const token = await tokenOf("legacy");
    for (const claims of [
      { group: "others" },
      { group: "nobody" },
      { group: "" },
      { account: "other" },
      { namespace: "kube-system" },
      { type: "router" },
      { stats: "169.254.169.254:80" },
      { ips: "10.7.1.4,10.7.1.5" },
    ] satisfies Claims[])
      expect(await whoAmI(token, nodeOf("10.7.1.4", claims)), JSON.stringify(claims)).toMatch(
        /^PERMISSION_DENIED HDL7253 /,
      );
    expect(await entry("legacy-10.7.1.4")).toBeUndefined();
  });

  test("claims no address that a machine cannot have, or that somebody else has", async () => {
    const token = await tokenOf("legacy");
    const service = await api.kubectl(
      ...["get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"],
    );
    const theirs = group("others", "other").metadata.name;
    await made({
      apiVersion: "networking.istio.io/v1",
      kind: "WorkloadEntry",
      metadata: { name: "theirs", annotations: { "istio.io/autoRegistrationGroup": theirs } },
      spec: { address: "10.7.2.1" },
    });
    await made({
      apiVersion: "networking.istio.io/v1",
      kind: "WorkloadEntry",
      metadata: { name: "nobodys" },
      spec: { address: "10.7.2.2" },
    });
    await expect
      .poll(() => whoAmI(token, nodeOf("10.7.2.2")))
      .toMatch(/HDL7253 .*WorkloadEntry default\/nobodys has/);
    for (const [address, why] of [
      [POD.address, "Pod default/web-1"],
      [service, "Service default/web"],
      ["10.7.0.1", "Node"],
      ["10.7.2.1", "WorkloadEntry default/theirs"],
      ["169.254.169.254", "link"],
      ["fe80::1", "link"],
      ["0.0.0.0", "no single address"],
      ["::", "no address"],
      ["224.0.0.1", "many"],
      ["::ffff:10.7.1.9", "IPv4"],
      ["legacy.example", "no IP address"],
    ] as const)
      expect(await whoAmI(token, nodeOf(address)), address).toMatch(
        new RegExp(`^PERMISSION_DENIED HDL7253 .*${why}`),
      );
    // The other agent allows for nothing.
    for (const address of [MACHINE, "127.0.0.1", "::1"])
      expect(await whoAmI(token, nodeOf(address), 1), address).toMatch(
        /^PERMISSION_DENIED HDL7253 .*own loopback/,
      );
  });

  test("does not take the place of another machine that is connected, to whichever replica", async () => {
    const token = await tokenOf("legacy");
    const first = call(token, nodeOf("10.7.3.1"), 1);
    expect(await first.identity).toMatch(/^spiffe:/);
    await expect.poll(() => controller("legacy-10.7.3.1")).toBe("heddle-agent-2");
    for (const replica of [0, 1])
      await expect
        .poll(() => whoAmI(token, nodeOf("10.7.3.1", { name: "m-2" }), replica))
        .toMatch(/^PERMISSION_DENIED HDL7253 .*machine "m-1" has/);
    expect(await whoAmI(token, nodeOf("10.7.3.1"), 1)).toMatch(/^spiffe:/);
    first.end();
    // Once it is gone another may come.
    await expect.poll(() => whoAmI(token, nodeOf("10.7.3.1", { name: "m-2" }))).toMatch(/^spiffe:/);
  });
});

describe("the entry of a machine", () => {
  test("is the replica's that the machine came to last, and goes only with the machine", async () => {
    const token = await tokenOf("legacy");
    const name = "legacy-10.7.4.1";
    const before = call(token, nodeOf("10.7.4.1"), 0);
    await expect.poll(() => controller(name)).toBe("heddle-agent-1");
    const uid = (await entry(name))?.metadata.uid;
    const after = call(token, nodeOf("10.7.4.1"), 1);
    await expect.poll(() => controller(name)).toBe("heddle-agent-2");
    before.end();
    await new Promise((resolve) => setTimeout(resolve, 3 * GRACE_MS));
    const kept = await entry(name);
    expect(kept?.metadata.uid).toBe(uid);
    expect(kept?.metadata.annotations).not.toHaveProperty(["istio.io/disconnectedAt"]);
    after.end();
    await expect.poll(() => entry(name)).toBeUndefined();
  });

  test("is made again where somebody takes it away, and follows its group", async () => {
    const token = await tokenOf("other");
    const name = "others-10.7.4.2";
    const machine = call(token, nodeOf("10.7.4.2", { group: "others" }), 1);
    await expect.poll(() => entry(name)).toBeDefined();
    await api.kubectl("delete", "workloadentry", name);
    await expect.poll(() => entry(name)).toBeDefined();
    await api.kubectl.apply(group("others", "other", {}, { ports: { http: 9090 } }));
    await expect
      .poll(async () => (await entry(name))?.spec)
      .toMatchObject({ ports: { http: 9090 } });
    machine.end();
    await expect.poll(() => entry(name)).toBeUndefined();
  });

  test("that somebody has written for the machine is left as it is", async () => {
    const written = {
      apiVersion: "networking.istio.io/v1",
      kind: "WorkloadEntry",
      metadata: { name: "mine", annotations: { "istio.io/autoRegistrationGroup": "legacy" } },
      spec: { address: "10.7.4.3" },
    };
    await made(written);
    const token = await tokenOf("legacy");
    // The agent hears of it in a moment.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await whoAmI(token, nodeOf("10.7.4.3"))).toMatch(/^spiffe:/);
    await new Promise((resolve) => setTimeout(resolve, 3 * GRACE_MS));
    expect(await entry("mine")).toBeDefined();
    expect(await entry("legacy-10.7.4.3")).toBeUndefined();
  });
});

describe("the folder that heddle vm create writes", () => {
  let envoy: ChildProcess | undefined;
  let said = "";
  let ports: { admin: number; proxy: number };
  const out = () => path.join(folder, "vm");
  const output = () => `${said}\n${lines.slice(-20).join("\n")}`;
  const vm = (...args: string[]) => heddle(["vm", ...args, "--kubeconfig", api.kubeconfig]);
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
      ...["--agent", `127.0.0.1:${agents[0]?.ports.xdsTls}`, "--app-address", APP],
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
    const uid = await api.kubectl(
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
    await api.kubectl("create", "service", "clusterip", "later", "--tcp=8080");
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

  test("is not written for what cannot be, and over nothing", async () => {
    const create = (of: string, address: string, ...more: string[]) =>
      vm("create", of, "--address", address, "--out", path.join(folder, "none"), ...more);
    expect((await create("nobody", "10.7.5.1")).stderr).toContain("HDL9080");
    const loopback = await create("legacy", "127.0.0.1");
    expect(loopback).toMatchObject({ code: 2 });
    expect(loopback.stderr).toContain("HDL9084");
    await api.kubectl.apply(group("gone", "nobodys"));
    expect((await create("gone", "10.7.5.1")).stderr).toContain("HDL9081");
    expect((await create("legacy", "10.7.5.1", "--out", out())).stderr).toContain("HDL9083");
    expect(await stat(path.join(folder, "none")).catch(() => undefined)).toBeUndefined();
  }, 120_000);
});

test("a replica that is gone leaves entries that the leader removes", async () => {
  const token = await tokenOf("legacy");
  const machine = call(token, nodeOf("10.7.6.1"), 1);
  await expect.poll(() => controller("legacy-10.7.6.1")).toBe("heddle-agent-2");
  await agents.pop()?.close();
  machine.end();
  expect(await entry("legacy-10.7.6.1")).toBeDefined();
  await expect.poll(() => entry("legacy-10.7.6.1"), { timeout: 2 * LONG }).toBeUndefined();
}, 180_000);
