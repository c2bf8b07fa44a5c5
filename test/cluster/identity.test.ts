/**
 * Who is who at the agent's TLS port: a real API server, tokens that it made for real pods, and a real Envoy with the bootstrap that
 * injection put into its pod.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type AgentLog, parseAgentOptions, type RunningAgent, startAgent } from "@heddle/agent";
import { defaultOptions, IDENTITY_FOLDER, inject } from "@heddle/injection";
import { createRoot, exportPrivateKey, generateKeyPair } from "@heddle/pki";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clusterIssuer } from "../../agent/src/identity/cluster-issuer.ts";
import type { Issuer } from "../../agent/src/identity/issuer.ts";
import { openAccess } from "../../agent/src/kubernetes/access.ts";
import {
  createKubernetesClient,
  type KubernetesClient,
} from "../../agent/src/kubernetes/client.ts";
import type { PodTemplate } from "../../packages/injection/src/pod.ts";
import {
  argumentsOf,
  identityFolder,
  proxyOf,
} from "../../packages/injection/src/testing/expand.ts";
import { freePorts } from "../../agent/src/testing/free-ports.ts";
import { end, until } from "../harness/plane-process.ts";
import { AGENT, callAgent, type Node } from "./harness/agent-caller.ts";
import { type ApiServerAlone, startApiServerAlone } from "./harness/api-server-alone.ts";

const MESH = { rootNamespace: "istio-system", clusterDomain: "cluster.local" };
const ENVOY = process.env["HEDDLE_ENVOY"] ?? "envoy";
/** The agent's own, though none is there: it is this process. */
const POD = { POD_NAME: "heddle-agent-1", POD_NAMESPACE: "heddle-system" };
const LONG = 60_000;
/** Addresses of pods, on the loopback. */
const addressOf = (name: string) => ({ "web-1": "127.66.1.11", "other-1": "127.66.1.12" })[name]!;

let folder: string;
let api: ApiServerAlone;
let agent: RunningAgent;
let ports: { admin: number; metrics: number };
let roots: string;
const lines: string[] = [];
const log: AgentLog = {
  info: (message, fields) => void lines.push(`${message} ${JSON.stringify(fields)}`),
  warn: (message, fields) => void lines.push(`${message} ${JSON.stringify(fields)}`),
  error: (message, fields) => void lines.push(`${message} ${JSON.stringify(fields)}`),
};
const logged = (text: string) => lines.filter((line) => line.includes(text)).length;

function templateOf(name: string, account: string): PodTemplate {
  const config = `interceptionMode: NONE\nproxyAdminPort: ${ports.admin}\nconcurrency: 1\n`;
  const made = inject(
    {
      pod: {
        metadata: {
          name,
          labels: { app: account },
          annotations: { "proxy.istio.io/config": config },
        },
        spec: {
          serviceAccountName: account,
          containers: [{ name: account, image: account, ports: [{ containerPort: 8080 }] }],
        },
      },
      namespace: { name: "default", labels: { "istio-injection": "enabled" } },
      mesh: MESH,
    },
    { ...defaultOptions, resources: {} },
  );
  if (!made.injected) throw new Error(JSON.stringify(made));
  return made.pod;
}

async function makePod(name: string, account: string): Promise<PodTemplate> {
  const template = templateOf(name, account);
  const { metadata, spec } = template;
  await api.kubectl.apply({ apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name }, spec });
  const ip = addressOf(name);
  const running = { status: { phase: "Running", podIP: ip, podIPs: [{ ip }] } };
  const patch = ["--type=merge", "-p", JSON.stringify(running)];
  await api.kubectl("patch", "pod", name, "--subresource=status", ...patch);
  return template;
}

async function tokenOf(name: string, account: string, audience = "heddle"): Promise<string> {
  const uid = await api.kubectl("get", "pod", name, "-o", "jsonpath={.metadata.uid}");
  const bound = ["--bound-object-kind=Pod", `--bound-object-name=${name}`];
  const token = await api.kubectl(
    ...["create", "token", account, `--audience=${audience}`, ...bound],
    `--bound-object-uid=${uid}`,
  );
  return token.trim();
}

/** The same token with another life, by the cluster's own key; seconds from now. */
async function resigned(token: string, life: { from: number; to: number }): Promise<string> {
  const pem = await readFile(path.join(folder, "api/credentials/sa.key"), "utf8");
  const now = Math.floor(Date.now() / 1000);
  const times = { iat: now + life.from, nbf: now + life.from, exp: now + life.to };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${token.split(".")[0]}.${part({ ...partOf(token, 1), ...times })}`;
  return `${text}.${sign("sha256", Buffer.from(text), pem).toString("base64url")}`;
}

/** The head of a token, 0, or what it says, 1. */
function partOf(token: string, index: 0 | 1): { readonly [field: string]: unknown } {
  const text = Buffer.from(token.split(".")[index] ?? "", "base64url").toString();
  return JSON.parse(text) as { readonly [field: string]: unknown };
}

/** Asks for its certificate: `spiffe://…`, or `STATUS details`. */
function whoAmI(token: string | undefined, node: Node = nodeOf("web-1", "web")): Promise<string> {
  const call = callAgent({ port: agent.ports.xdsTls, roots }, token, node);
  return call.identity.finally(() => call.end());
}

function nodeOf(pod: string, account: string, other: Partial<Record<string, string>> = {}): Node {
  const { ip = addressOf(pod), namespace = "default", stats } = other;
  return {
    id: `sidecar~${ip}~${pod}.${namespace}~${namespace}.svc.cluster.local`,
    metadata: {
      NAMESPACE: other["NAMESPACE"] ?? namespace,
      SERVICE_ACCOUNT: account,
      INSTANCE_IPS: ip,
      ...(stats === undefined ? {} : { HEDDLE_STATS_ADDRESS: stats }),
    },
  };
}

async function rootsInSecret(): Promise<string> {
  const found = ["get", "secret", "heddle-agent-ca", "--namespace=heddle-system"];
  const base64 = await api.kubectl(...found, "-o", "jsonpath={.data.ca\\.crt}");
  return Buffer.from(base64, "base64").toString();
}

async function numbers(): Promise<Record<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)).text();
  const found = text.matchAll(/^heddle_agent_callers_(\w+)_total (\d+)$/gm);
  return Object.fromEntries([...found].map(([, name, value]) => [name, Number(value)]));
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-identity-"));
  const [admin = 0, metrics = 0] = await freePorts(2);
  ports = { admin, metrics };
  api = await startApiServerAlone(path.join(folder, "api"));
  for (const account of ["web", "other"]) await api.kubectl("create", "serviceaccount", account);
  await makePod("web-1", "web");
  await makePod("other-1", "other");
  const flags = {
    ...{ standalone: true, kubeconfig: api.kubeconfig, state: path.join(folder, "agent") },
    ...{ xdsTls: "127.0.0.1:0", metrics: `127.0.0.1:${metrics}`, roles: "control" },
  };
  await api.kubectl("create", "namespace", "heddle-system");
  agent = await startAgent(parseAgentOptions(flags, POD), log);
  // It makes its authority when it first signs.
  await until(async () => (roots = await rootsInSecret().catch(() => "")) !== "", LONG);
}, 240_000);
afterAll(async () => {
  await agent?.close();
  await api?.down();
  await rm(folder, { recursive: true, force: true });
});

describe("the authority of a cluster without a plane", () => {
  const silent: AgentLog = { info() {}, warn() {}, error() {} };
  let client: KubernetesClient;
  const closing: Issuer[] = [];
  const issuer = (namespace: string, trustDomain = "cluster.local") => {
    const options = { client, namespace, trustDomain, log: silent, lookAgain: 100 };
    const made = clusterIssuer(options);
    closing.push(made);
    return made;
  };
  const bundleOf = async (of: Issuer) => (await of.issue([], 60_000)).trustBundle;
  beforeAll(async () => {
    const options = { kubeconfig: api.kubeconfig, context: undefined };
    client = createKubernetesClient(await openAccess(options));
    await api.kubectl("create", "namespace", "other-system");
  });
  afterAll(() => {
    for (const each of closing) each.close();
  });

  test("is one for all replicas, which start at once, and for those that come later", async () => {
    const replicas = Array.from({ length: 5 }, () => issuer("other-system"));
    const bundles = await Promise.all(replicas.map(bundleOf));
    expect(new Set(bundles).size).toBe(1);
    expect(await bundleOf(issuer("other-system"))).toBe(bundles[0]);
    // Another mesh is not signed for.
    await expect(bundleOf(issuer("other-system", "td.example"))).rejects.toThrow(
      /HDL7257.*td\.exa/,
    );
    expect(await bundleOf(issuer("heddle-system"))).toBe(roots);
  });

  test("may be rotated in its Secret: who is to be trusted is known first, then who signs", async () => {
    const one = issuer("other-system");
    const before = await bundleOf(one);
    let told = 0;
    one.subscribe?.(() => told++);
    const { keys, pem } = await createRoot("cluster.local", { now: Date.now() });
    const write = (data: Record<string, string>) =>
      client.patch(
        { apiVersion: "v1", plural: "secrets", namespace: "other-system" },
        "heddle-agent-ca",
        { merge: { stringData: data } },
      );
    await write({ "ca.crt": before + pem });
    await expect.poll(() => bundleOf(one)).toBe(before + pem);
    expect(told).toBe(1);
    await write({ "tls.crt": pem, "tls.key": await exportPrivateKey(keys.privateKey) });
    await expect.poll(() => told).toBe(2);
    const leaf = await generateKeyPair();
    const spiffeId = "spiffe://cluster.local/ns/default/sa/web";
    const { chains } = await one.issue([{ spiffeId, keys: leaf }], 60_000);
    const issued = new X509Certificate(chains[0] ?? "");
    expect(issued.verify(new X509Certificate(pem).publicKey)).toBe(true);
  });
});

describe("a pod's token", () => {
  test("is who one is: the identity that comes by SDS is the token's, whatever else is asked for", async () => {
    const token = await tokenOf("web-1", "web");
    expect(await whoAmI(token)).toBe("spiffe://cluster.local/ns/default/sa/web");
    // A client that says nothing of pods.
    expect(await whoAmI(token, { id: "anything" })).toBe(
      "spiffe://cluster.local/ns/default/sa/web",
    );
  });

  test("is needed, and of this cluster, audience and time", async () => {
    expect(await whoAmI(undefined)).toMatch(/^UNAUTHENTICATED HDL7250 /);
    expect(await whoAmI("not.a.token")).toMatch(/^UNAUTHENTICATED HDL7251 /);
    const elsewhere = await tokenOf("web-1", "web", "https://kubernetes.default.svc.cluster.local");
    expect(await whoAmI(elsewhere)).toMatch(/^UNAUTHENTICATED HDL7251 .*"aud"/);
    const token = await tokenOf("web-1", "web");
    const expired = await resigned(token, { from: -700, to: -60 });
    expect(await whoAmI(expired)).toMatch(/^UNAUTHENTICATED HDL7251 .*"exp"/);
    const [head, body] = token.split(".");
    const forged = `${head}.${body}.${"A".repeat(342)}`;
    expect(await whoAmI(forged)).toMatch(/^UNAUTHENTICATED HDL7251 .*signature/);
    const unbound = (await api.kubectl("create", "token", "web", "--audience=heddle")).trim();
    expect(await whoAmI(unbound)).toMatch(/^UNAUTHENTICATED HDL7251 .*no pod/);
  });

  test("proves no other pod, namespace, account or address than its own", async () => {
    const token = await tokenOf("web-1", "web");
    const refused = /^PERMISSION_DENIED HDL7253 /;
    for (const node of [
      nodeOf("other-1", "web", { ip: addressOf("web-1") }),
      nodeOf("web-1", "other"),
      nodeOf("web-1", "web", { ip: addressOf("other-1") }),
      nodeOf("web-1", "web", { namespace: "kube-system" }),
      nodeOf("web-1", "web", { NAMESPACE: "kube-system" }),
      nodeOf("web-1", "web", { stats: "169.254.169.254:80" }),
    ])
      expect(await whoAmI(token, node), JSON.stringify(node)).toMatch(refused);
    expect(await whoAmI(token, nodeOf("web-1", "web", { stats: "127.66.1.11:15090" }))).toMatch(
      /^spiffe:/,
    );
    expect((await numbers())["refused"]).toBeGreaterThan(0);
  });

  test(
    "ends with its pod, also where another pod gets its name",
    async () => {
      const token = await tokenOf("other-1", "other");
      const unseen = await tokenOf("other-1", "other");
      const node = nodeOf("other-1", "other");
      expect(await whoAmI(token, node)).toMatch(/^spiffe:/);
      await api.kubectl("delete", "pod", "other-1", "--force", "--grace-period=0");
      expect(await whoAmI(unseen, node)).toMatch(/^UNAUTHENTICATED HDL7252 .*API server/);
      expect(await whoAmI(token, node)).toMatch(/^UNAUTHENTICATED HDL7252 .*is not there/);
      await makePod("other-1", "other");
      expect(await whoAmI(token, node)).toMatch(/^UNAUTHENTICATED HDL7252 .*is another one/);
      expect(await whoAmI(await tokenOf("other-1", "other"), node)).toMatch(/^spiffe:/);
    },
    LONG,
  );
});

describe("a stock Envoy as injected", () => {
  let proxy: ChildProcess | undefined;
  let said = "";
  const output = () => said;
  let identity: string;
  const token = (text: string) => writeFile(path.join(identity, "..token"), text);
  const present = () => rename(path.join(identity, "..token"), path.join(identity, "token"));
  const admin = async (page: string) =>
    (await fetch(`http://127.0.0.1:${ports.admin}${page}`).catch(() => undefined))?.text() ?? "";
  const connected = async () =>
    (await admin("/stats")).includes("control_plane.connected_state: 1");

  afterAll(() => proxy && end(proxy, "SIGTERM"));

  test(
    "has its configuration and its identity by TLS and its token",
    async () => {
      const container = proxyOf(templateOf("web-1", "web").spec ?? {});
      if (container === undefined) throw new Error("no proxy");
      // One that expires soon, for what comes next.
      const first = await resigned(await tokenOf("web-1", "web"), { from: 0, to: 20 });
      identity = await identityFolder(folder, roots, first);
      const ip = addressOf("web-1");
      const facts = { name: "web-1", namespace: "default", ip, serviceAccount: "web" };
      const args = argumentsOf(container, facts).map((argument) =>
        argument
          .replaceAll(IDENTITY_FOLDER, identity)
          .replaceAll(`"${AGENT}.cluster.local"`, `"127.0.0.1"`)
          .replaceAll(`"portValue":15012`, `"portValue":${agent.ports.xdsTls}`),
      );
      proxy = spawn(ENVOY, [...args, "--use-dynamic-base-id"], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      proxy.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
      const ready = async () =>
        (await fetch(`http://${ip}:15021/healthz/ready`).catch(() => undefined))?.status === 200;
      await until(ready, LONG, output);
      await until(
        async () => (await admin("/certs")).includes("spiffe://cluster.local/ns/default/sa/web"),
        LONG,
        output,
      );
    },
    2 * LONG,
  );

  test(
    "presents the next token when the stream of the last one ends, and has lost nothing",
    async () => {
      await token(await tokenOf("web-1", "web"));
      await present();
      await until(
        () => Promise.resolve(logged("token expires") > 0),
        LONG,
        () => lines.join("\n"),
      );
      const before = logged("xds: connected");
      await until(connected, LONG, output);
      await api.kubectl("create", "service", "clusterip", "after", "--tcp=8080");
      await until(async () => (await admin("/clusters")).includes("after.default"), LONG, output);
      expect(logged("xds: connected")).toBeGreaterThanOrEqual(before);
      expect(output()).not.toContain("closed: 16");
    },
    2 * LONG,
  );
});

describe("what injected pods know the agent by", () => {
  const mapIn = async (namespace: string) => {
    const named = ["get", "configmap", "heddle-agent-identity", `--namespace=${namespace}`];
    const text = await api.kubectl(...named, "--ignore-not-found", "-o", "json");
    return text === "" ? undefined : (JSON.parse(text) as { data: Record<string, string> }).data;
  };
  const known = (namespace: string) =>
    expect.poll(async () => (await mapIn(namespace))?.["root-cert.pem"], { timeout: LONG });

  test("is in every namespace, comes with a new one, and is put right where somebody changes or takes it", async () => {
    for (const namespace of ["default", "kube-system", "heddle-system"])
      await known(namespace).toBe(roots);
    expect(Object.keys((await mapIn("default")) ?? {}).toSorted()).toEqual([
      "root-cert.pem",
      "root-cert.sds.json",
      "token.sds.json",
    ]);
    await api.kubectl("create", "namespace", "shop");
    await known("shop").toBe(roots);
    const map = ["configmap", "heddle-agent-identity", "--namespace=shop"];
    const other = JSON.stringify({ data: { "root-cert.pem": "another's", note: "mine" } });
    await api.kubectl("patch", ...map, "--type=merge", "-p", other);
    await known("shop").toBe(roots);
    // What is no business of ours stays.
    expect((await mapIn("shop"))?.["note"]).toBe("mine");
    await api.kubectl("delete", ...map);
    await known("shop").toBe(roots);
  }, 240_000);

  test("is not put into a namespace that ends", async () => {
    // Nobody finishes it here: there are no controllers.
    await api.kubectl("delete", "namespace", "shop", "--wait=false");
    await api.kubectl("delete", "configmap", "heddle-agent-identity", "--namespace=shop");
    await api.kubectl("create", "namespace", "later");
    await known("later").toBe(roots);
    expect(await mapIn("shop")).toBeUndefined();
    expect(logged("HDL7258")).toBe(0);
  }, 240_000);

  test("has the old root and the new one while the authority is rotated", async () => {
    const { pem } = await createRoot("cluster.local", { now: Date.now() });
    const both = JSON.stringify({ stringData: { "ca.crt": roots + pem } });
    const secret = ["secret", "heddle-agent-ca", "--namespace=heddle-system"];
    await api.kubectl("patch", ...secret, "--type=merge", "-p", both);
    await known("default").toBe(roots + pem);
  }, 240_000);
});

describe("the cluster's own keys", () => {
  test(
    "are asked for again when a token is signed by another one",
    async () => {
      const old = await tokenOf("web-1", "web");
      const file = (name: string) => path.join(folder, "api/credentials", name);
      const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      const before = await readFile(file("sa.pub"), "utf8");
      const added = publicKey.export({ type: "spki", format: "pem" }).toString();
      await api.killApiServer();
      await writeFile(file("sa.pub"), before + added);
      await writeFile(
        file("sa.key"),
        privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      );
      await api.startApiServer();
      const fresh = await tokenOf("web-1", "web");
      expect(partOf(fresh, 0)["kid"]).not.toBe(partOf(old, 0)["kid"]);
      expect(await whoAmI(fresh)).toMatch(/^spiffe:/);
      expect(await whoAmI(old)).toMatch(/^spiffe:/);
    },
    2 * LONG,
  );

  test(
    "are enough while the API server is away, which is counted, and its word counts again after that",
    async () => {
      const known = await tokenOf("web-1", "web");
      const unseen = await tokenOf("web-1", "web");
      expect(await whoAmI(known)).toMatch(/^spiffe:/);
      const before = (await numbers())["unreviewed"];
      await api.killApiServer();
      expect(await whoAmI(known)).toMatch(/^spiffe:/);
      expect((await numbers())["unreviewed"]).toBe(before);
      expect(await whoAmI(unseen)).toMatch(/^spiffe:/);
      expect((await numbers())["unreviewed"]).toBe((before ?? 0) + 1);
      expect(logged("HDL7255")).toBe((before ?? 0) + 1);
      await api.startApiServer();
      expect(await whoAmI(unseen)).toMatch(/^spiffe:/);
    },
    2 * LONG,
  );
});

test("an agent that starts anew, without its disk, has the same authority and serves its proxies on", async () => {
  await agent.close();
  const flags = {
    ...{ standalone: true, kubeconfig: api.kubeconfig, state: path.join(folder, "another") },
    ...{ xdsTls: `127.0.0.1:${agent.ports.xdsTls}`, metrics: "off", roles: "control" },
  };
  agent = await startAgent(parseAgentOptions(flags, POD), log);
  expect(await whoAmI(await tokenOf("web-1", "web"))).toMatch(/^spiffe:/);
}, 120_000);
