/**
 * The plane in a cluster by its own chart, reached by NodePort, with its data on a volume: an agent joins it by the token that the plane
 * keeps for it, what is applied there rules traffic between pods, its pod may end, and what stays when it is uninstalled is what its
 * guide says.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { AgentInfo } from "@heddle/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { type Cluster, startCluster } from "./harness/cluster.ts";
import { buildHelm } from "./harness/components.ts";
import { ECHO_IMAGE, importEcho } from "./harness/echo.ts";
import { importEnvoy } from "./harness/images.ts";
import { importAgent, importCapture, importPlane } from "./harness/own-images.ts";
import { volume } from "./harness/volume.ts";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
const charts = path.join(root, "infra/helm");
const OWN = "heddle-system";
const IN = ["--namespace", OWN];
const WAIT = ["--wait", "--timeout", "4m"];
const NAMESPACE = "shop";
const RATE = 20;
/** Of all that a chart of ours could leave behind. */
const KINDS = [
  ...["all", "configmaps", "secrets", "serviceaccounts", "persistentvolumeclaims", "leases"],
  ...["roles", "rolebindings", "clusterroles", "clusterrolebindings", "poddisruptionbudgets"],
  ...["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
  "customresourcedefinitions",
].join(",");
/** One agent that asks for little. */
const AGENT = [
  ...["profile=demo", `plane.url=http://heddle-plane.${OWN}.svc:8700`, "crds.keep=false"],
  ...["ingress", "egress"].map((gateway) => `gateways.${gateway}.enabled=false`),
].flatMap((value) => ["--set", value]);

let folder: string;
let helm: string;
let cluster: Cluster;
let url: string;
let before: string[];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-plane-"));
  const say = (line: string) => console.log(line);
  helm = await buildHelm(say);
  cluster = await startCluster({ state: path.join(folder, "state"), say });
  const { state } = cluster;
  await Promise.all([
    ...[importPlane(state), importAgent(state), importCapture(state)],
    ...[importEnvoy(state), importEcho(state)],
  ]);
  before = await everything();
});
afterAll(async () => {
  await cluster?.down();
  await rm(folder, { recursive: true, force: true });
});

const byHelm = async (...args: string[]) =>
  (await run(helm, ["--kubeconfig", cluster.kubeconfig, ...IN, ...args])).stdout;

/** The command line, in a context of its own. */
async function heddle(...args: string[]): Promise<string> {
  const main = path.join(root, "apps/cli/src/main.ts");
  const env = { ...process.env, HEDDLE_CONFIG: path.join(folder, "contexts.json"), NO_COLOR: "1" };
  return (await run(process.execPath, [main, ...args], { env })).stdout;
}

const everything = async () =>
  (await cluster.kubectl("get", KINDS, "--all-namespaces", "--output", "name"))
    .split("\n")
    .filter((name) => name !== "")
    .toSorted();

async function secret(name: string, key: string): Promise<string> {
  const data = await cluster.kubectl(
    ...["get", "secret", name, ...IN],
    ...["-o", `jsonpath={.data.${key}}`],
  );
  return Buffer.from(data, "base64").toString();
}
const adminToken = () => secret("heddle-plane-keys", "admin-token");
const agents = async () =>
  JSON.parse(await heddle("mesh", "agents", "-o", "json")) as readonly AgentInfo[];
const planePod = async () =>
  (await cluster.kubectl("get", "pods", ...IN, "-l", PLANE_PODS, "-o", "name")).trim();
const PLANE_PODS = "app.kubernetes.io/name=heddle-plane";

test("helm install brings a plane whose console and API answer at the node's address", async () => {
  await cluster.kubectl.apply(await volume(cluster.state, "plane", "10Gi"));
  const notes = await byHelm(
    ...["install", "heddle", path.join(charts, "heddle")],
    ...["--create-namespace", "--set", "service.type=NodePort", ...WAIT],
  );
  expect(notes).toContain("The console is at every node's address, at this port:");
  const port = await cluster.kubectl(
    ...["get", "service", "heddle-plane", ...IN],
    ...["-o", "jsonpath={.spec.ports[0].nodePort}"],
  );
  url = `http://${cluster.network.node}:${port}`;
  const page = await fetch(url);
  expect([page.status, page.headers.get("content-type")]).toEqual([
    200,
    expect.stringContaining("text/html"),
  ]);
  const [, script = ""] = /<script [^>]*src="([^"]+)"/.exec(await page.text()) ?? [];
  const program = await fetch(new URL(script, url));
  expect([program.status, program.headers.get("content-type")]).toEqual([
    200,
    expect.stringContaining("javascript"),
  ]);
  expect((await fetch(`${url}/v1/meshes`)).status).toBe(401);
  const file = path.join(folder, "token");
  await writeFile(file, await adminToken());
  await heddle(
    ...["context", "save", "cluster", "--url", url, "--token-file", file],
    ...["--mesh", "default", "--namespace", NAMESPACE],
  );
  expect(JSON.parse(await heddle("mesh", "list", "-o", "json"))).toMatchObject([
    { name: "default", trustDomain: "cluster.local" },
  ]);
});

test("an agent joins it by the token that the plane keeps for it, which is then another", async () => {
  const token = await secret("heddle-agent-token", "token");
  expect(token).toMatch(/^hdlj_/);
  await byHelm("install", "heddle-agent", path.join(charts, "heddle-agent"), ...AGENT, ...WAIT);
  await expect.poll(agents).toMatchObject([{ connected: true }]);
  await expect.poll(() => secret("heddle-agent-token", "token")).not.toBe(token);
});

function deployment(app: string, version: string, container: object): object {
  const labels = { app, version };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: `${app}-${version}`, namespace: NAMESPACE },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 2,
          containers: [{ name: "app", image: ECHO_IMAGE, ...container }],
        },
      },
    },
  };
}

const web = (version: string) =>
  deployment("web", version, {
    readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
  });

const WORKLOADS = [
  {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: NAMESPACE, labels: { "istio-injection": "enabled" } },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: NAMESPACE },
    spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
  },
  web("v1"),
  web("v2"),
  deployment("load", "v1", {
    command: ["/usr/local/bin/node", "/app/load.ts"],
    env: [
      { name: "URL", value: "http://web/" },
      { name: "RATE", value: String(RATE) },
    ],
  }),
];

interface Told {
  readonly asked: number;
  readonly answered: number;
  readonly pods: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

/** What became of the load's requests since the last `/new`. */
async function told(at = "/"): Promise<Told> {
  const text = await cluster.kubectl(
    ...["exec", "-n", NAMESPACE, "deployment/load-v1", "-c", "app", "--", "node", "-e"],
    `fetch("http://127.0.0.1:8081${at}").then((r) => r.text()).then(console.log)`,
  );
  return JSON.parse(text) as Told;
}

/** Versions that answer at the moment, by the names of their pods. */
async function answering(): Promise<string[]> {
  await told("/new");
  await expect.poll(async () => (await told()).answered).toBeGreaterThan(RATE);
  const { pods, failures } = await told();
  expect(failures).toEqual([]);
  return [
    ...new Set(Object.keys(pods).map((pod) => pod.replace(/^web-(v\d)-.*/, "$1"))),
  ].toSorted();
}

async function applyRoute(version: string): Promise<string> {
  const object = (kind: string, name: string, spec: object) => ({
    ...{ apiVersion: "networking.istio.io/v1", kind, metadata: { name }, spec },
  });
  const subsets = ["v1", "v2"].map((name) => ({ name, labels: { version: name } }));
  const route = [{ destination: { host: "web", subset: version } }];
  const file = path.join(folder, "route.yaml");
  await writeFile(
    file,
    [
      object("DestinationRule", "web", { host: "web", subsets }),
      object("VirtualService", "web", { hosts: ["web"], http: [{ route }] }),
    ]
      .map((each) => stringify(each))
      .join("---\n"),
  );
  return heddle("apply", "-f", file);
}

test("a VirtualService that is applied through the node's port rules the traffic of pods", async () => {
  await cluster.kubectl.apply(...WORKLOADS);
  for (const name of ["web-v1", "web-v2", "load-v1"])
    await cluster.kubectl(
      ...["rollout", "status", "-n", NAMESPACE, `deployment/${name}`, "--timeout=120s"],
    );
  await expect.poll(answering).toEqual(["v1", "v2"]);
  expect(await applyRoute("v2")).toMatch(/web created/);
  await expect.poll(answering).toEqual(["v2"]);
});

test("its pod ends, and another one has its data; not one request of the mesh has failed", async () => {
  const [admin, join, pod] = [
    await adminToken(),
    await secret("heddle-agent-token", "token"),
    await planePod(),
  ];
  const [agent] = await agents();
  await told("/new");
  await cluster.kubectl("delete", ...IN, pod);
  // Nobody answers for a while: one process has the data.
  await cluster.kubectl(
    ...["rollout", "status", ...IN, "deployment/heddle-plane", "--timeout=180s"],
  );
  expect(await planePod()).not.toBe(pod);
  expect([await adminToken(), await secret("heddle-agent-token", "token")]).toEqual([admin, join]);
  expect(JSON.parse(await heddle("get", "vs", "web", "-o", "json"))).toMatchObject({
    spec: { http: [{ route: [{ destination: { host: "web", subset: "v2" } }] }] },
  });
  await expect.poll(agents).toMatchObject([{ id: agent?.id, connected: true }]);
  const seen = await told();
  console.log(`${seen.asked} requests meanwhile, ${seen.failures.length} failed`);
  expect(seen.failures).toEqual([]);
  expect(seen.answered).toBeGreaterThan(seen.asked - RATE * 5);
  expect(Object.keys(seen.pods).join()).toMatch(/^web-v2-[^,]*$/);
  // The mesh goes on where it was: what is applied now comes to the proxies too.
  expect(await applyRoute("v1")).toMatch(/VirtualService|virtualservice/);
  await expect.poll(answering).toEqual(["v1"]);
  const [after] = await agents();
  expect(after?.acknowledged).toBeGreaterThan(agent?.acknowledged ?? 0);
});

test("uninstalled, both charts leave what their guides name, and nothing else", async () => {
  await cluster.kubectl("delete", "namespace", NAMESPACE);
  await byHelm("uninstall", "heddle-agent", ...WAIT);
  const said = await byHelm("uninstall", "heddle", ...WAIT);
  expect(said).toContain("heddle-plane-data");
  const left = async () => (await everything()).filter((name) => !before.includes(name));
  const data = ["persistentvolumeclaim/heddle-plane-data", "secret/heddle-plane-keys"];
  const agentsOwn = [
    "lease.coordination.k8s.io/heddle-agent-leader",
    ...["state", "webhook"].map((name) => `secret/heddle-agent-${name}`),
  ];
  await expect.poll(left).toEqual([...data, ...agentsOwn].toSorted());
  // As the guide has it for those who keep the namespace, for the data's sake.
  const own = "app.kubernetes.io/managed-by=heddle,!heddle.dev/data";
  await cluster.kubectl("delete", "secrets,leases", ...IN, "-l", own);
  await expect.poll(left).toEqual(data);
  await cluster.kubectl("delete", "namespace", OWN);
  await cluster.kubectl("delete", "persistentvolume", "plane");
  await expect.poll(left).toEqual([]);
});
