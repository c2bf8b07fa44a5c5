/**
 * `heddle addons` in a real cluster: its Prometheus, built from its own module here, scrapes the agent of injected pods between which there is traffic,
 * and every panel of Grafana's has its numbers. Grafana's own image cannot be had without a registry: its objects are for the API server
 * to judge. In the end nothing is left.
 */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { PROMETHEUS_IMAGE } from "@heddle/kube";
import { afterAll, beforeAll, expect, test } from "vitest";
import { choices, panelQueries, silentPanels, valuesOf } from "../harness/dashboards.ts";
import { type Sample, samplesOf } from "../harness/prometheus.ts";
import { type Cluster, startCluster } from "./harness/cluster.ts";
import { buildPrometheus } from "./harness/components.ts";
import { importEcho } from "./harness/echo.ts";
import { importProgram, importEnvoy } from "./harness/images.ts";
import { installAgent, LITTLE } from "./harness/install-agent.ts";

import { namespace, SHOP, shop } from "./harness/shop.ts";
import { PROMETHEUS_VERSION } from "./harness/versions.ts";
import { volume } from "./harness/volume.ts";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
const OWN = "heddle-system";
const ELSEWHERE = "elsewhere";
const READY = "--timeout=180s";
/** Of everything that add-ons could leave behind. */
const KINDS = [
  ...["deployments", "services", "pods", "configmaps", "secrets", "serviceaccounts"],
  ...["persistentvolumeclaims", "clusterroles", "clusterrolebindings", "namespaces"],
].join(",");

let folder: string;
let cluster: Cluster;
let before: string[];
let outside: Server | undefined;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-addons-"));
  const say = (line: string) => console.log(line);
  const prometheus = await buildPrometheus(say);
  cluster = await startCluster({ state: path.join(folder, "state"), say });
  const { state, kubectl } = cluster;
  await Promise.all([
    ...[importEnvoy(state), importEcho(state)],
    importProgram(state, `docker.io/${PROMETHEUS_IMAGE}`, prometheus),
    installAgent(cluster, { ...LITTLE, plane: { install: false } }),
  ]);
  const { host } = cluster.network;
  const there = await volume(state, "counted", "2Gi");
  await kubectl.apply(...shop(host, await listen(host)), namespace(ELSEWHERE), there);
  for (const name of ["web", "client"])
    await kubectl("rollout", "status", "-n", SHOP, `deployment/${name}`, READY);
  before = await everything();
});
afterAll(async () => {
  await cluster?.down();
  outside?.closeAllConnections();
  outside?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Who is asked on this machine, at the address that the cluster's node has for it. */
async function listen(host: string): Promise<number> {
  outside = createServer((_, response) => response.end("outside"));
  outside.listen(0, host);
  await once(outside, "listening");
  return (outside.address() as AddressInfo).port;
}

const everything = async () =>
  (await cluster.kubectl("get", KINDS, "--all-namespaces", "--output", "name"))
    .split("\n")
    .filter((name) => name !== "")
    .toSorted();

/** The command's exit code and what it said; a failure is no failure of the test. */
async function addons(
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = path.join(root, "apps/cli/src/main.ts");
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig, NO_COLOR: "1" };
  try {
    return { code: 0, ...(await run(process.execPath, [main, "addons", ...args], { env })) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

/** Of Prometheus' pod, by its Service. */
async function query(promql: string): Promise<Sample[]> {
  const ip = await cluster.kubectl(
    ...["get", "service", "prometheus", "-n", OWN, "-o", "jsonpath={.spec.clusterIP}"],
  );
  return samplesOf(`http://${ip}:9090`, promql);
}

test("the Prometheus of this test is of the version that is installed", () => {
  expect(PROMETHEUS_IMAGE).toBe(`prom/prometheus:v${PROMETHEUS_VERSION}`);
});

test("it says what it would do, and does nothing where nobody says yes", async () => {
  const planned = await addons("install", "--dry-run");
  expect(planned).toMatchObject({ code: 0 });
  expect(planned.stdout).toMatch(/create +Deployment +heddle-system +prometheus/);
  expect(planned.stdout).toMatch(/leave +Namespace +heddle-system/);
  expect(await addons("install")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("HDL9065") as unknown,
  });
  expect((await addons("list")).stdout).toMatch(/prometheus +not installed/);
  expect(await everything()).toEqual(before);
});

test("the API server takes all of it, with no field that it does not know", async () => {
  for (const options of [[], ["--storage", "20Gi", "--anonymous"]]) {
    const { stdout } = await addons("install", ...options, "-o", "json");
    const file = path.join(folder, "addons.json");
    await writeFile(file, stdout);
    const taken = await cluster.kubectl(
      ...["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", file],
    );
    expect(taken.trim().split("\n")).toHaveLength(
      (JSON.parse(stdout) as { items: unknown[] }).items.length,
    );
  }
});

test("its Prometheus runs, and has found the agent and itself", async () => {
  const done = await addons("install", "prometheus", "--storage", "1Gi", "-y", "--timeout", "90s");
  expect(done, done.stderr).toMatchObject({ code: 0 });
  expect(done.stderr).toContain("prometheus: 1 of 1 ready");
  expect(done.stdout).toContain("port-forward service/prometheus 9090");
  expect((await addons("list")).stdout).toMatch(
    new RegExp(`^prometheus +${OWN} +1 of 1 ready +${PROMETHEUS_IMAGE} `, "m"),
  );
  const jobs = async () => (await query("up == 1")).map(({ labels }) => labels["job"]).toSorted();
  await expect.poll(jobs).toEqual(["annotated-pods", "heddle-agents"]);
});

test("it may look for pods, and nothing else", async () => {
  const may = (verb: string, what: string) =>
    cluster
      .kubectl("auth", "can-i", verb, what, `--as=system:serviceaccount:${OWN}:prometheus`, "-A")
      .then(
        () => true,
        () => false,
      );
  expect(await may("list", "pods")).toBe(true);
  for (const [verb, what] of [
    ["list", "secrets"],
    ["get", "configmaps"],
    ["create", "pods"],
    ["delete", "pods"],
    ["get", "nodes"],
  ] as const)
    expect(await may(verb, what), `${verb} ${what}`).toBe(false);
});

const CHOSEN = { service: `web.${SHOP}.svc.cluster.local`, namespace: SHOP, workload: "web" };

/** Agents of this mesh have no plane, and have refused and lost nothing. */
const SILENT = [
  "heddle-agents: Now: Plane in touch",
  ...["Sent to the plane", "Refused, lost, tried again"].map(
    (title) => `heddle-agents: Telemetry on its way to the plane: ${title}`,
  ),
];

test("every panel has its numbers, but for what there is none of in this mesh", async () => {
  const silent = async () => {
    // As the server, which calls nobody, and as who calls it, and is called by nobody.
    const [served, calling] = [
      await silentPanels(panelQueries(CHOSEN, "1m"), query),
      await silentPanels(panelQueries({ ...CHOSEN, workload: "client" }, "1m"), query),
    ];
    return served.filter((panel) => calling.includes(panel));
  };
  await expect.poll(silent, { timeout: 120_000, interval: 5_000 }).toEqual(SILENT);
});

test("every variable has values, among them those that are there", async () => {
  for (const choice of choices(CHOSEN))
    expect(valuesOf(choice, await query(choice.expr)), choice.what).toContain(
      CHOSEN[choice.name as keyof typeof CHOSEN],
    );
});

test("what it has counted outlives its pod", async () => {
  const [first] = await query("min (timestamp(up))");
  const pod = () =>
    cluster.kubectl(
      "get",
      "pods",
      "-n",
      OWN,
      "-l",
      "app.kubernetes.io/name=prometheus",
      "-o",
      "name",
    );
  const old = await pod();
  await cluster.kubectl("delete", "-n", OWN, old.trim());
  await cluster.kubectl("rollout", "status", "-n", OWN, "deployment/prometheus", READY);
  expect(await pod()).not.toBe(old);
  const [then] = await query(`count (up @ ${first?.value})`);
  expect(then?.value).toBeGreaterThan(0);
});

test("other options change it, and leave the volume", async () => {
  const changed = await addons("install", "prometheus", "--retention", "2d", "-y");
  expect(changed, changed.stderr).toMatchObject({ code: 0 });
  expect(changed.stderr).toContain("persistentvolumeclaims heddle-system/prometheus-data stays");
  const args = await cluster.kubectl(
    ...["get", "deployment", "prometheus", "-n", OWN],
    ...["-o", "jsonpath={.spec.template.spec.containers[0].args}"],
  );
  expect(args).toContain("retention.time=2d");
});

test("Grafana keeps its password when it is installed again", async () => {
  const password = () =>
    cluster.kubectl("get", "secret", "grafana-admin", "-n", OWN, "-o", "jsonpath={.data.password}");
  expect(await addons("install", "grafana", "-y", "--no-wait")).toMatchObject({ code: 0 });
  const first = await password();
  expect(Buffer.from(first, "base64").toString()).toMatch(/^[\w-]{24}$/);
  await addons("install", "grafana", "--anonymous", "-y", "--no-wait");
  expect(await password()).toBe(first);
  expect((await addons("list", "-o", "json")).stdout).toContain("0 of 1 ready");
});

test("what is another's is left alone", async () => {
  const theirs = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "prometheus", namespace: ELSEWHERE },
  };
  await cluster.kubectl.apply(theirs);
  const refused = await addons("install", "prometheus", "-n", ELSEWHERE, "-y");
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain(`HDL9082 There is ConfigMap ${ELSEWHERE}/prometheus already`);
  await cluster.kubectl("delete", "configmap", "prometheus", "-n", ELSEWHERE);
});

test("a namespace that was made for them goes with them", async () => {
  const there = ["-n", "watching"];
  await addons("install", "grafana", ...there, "-y", "--no-wait");
  expect((await addons("list")).stdout).toMatch(/^grafana +watching/m);
  const gone = await addons("uninstall", ...there, "-y");
  expect(gone, gone.stderr).toMatchObject({ code: 0 });
  expect(gone.stderr).toMatch(/^namespace watching$/m);
});

test("uninstalled, they leave nothing", async () => {
  const removed = await addons("uninstall", "-y");
  expect(removed, removed.stderr).toMatchObject({ code: 0 });
  await expect.poll(everything).toEqual(before);
  expect(await addons("uninstall", "-y")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("HDL9081") as unknown,
  });
});
