/**
 * What goes on in a cluster while an application is asked 100 times a second, and that it costs none of these requests. Heddle is as Helm
 * installs it, in two replicas: pods are injected by its webhook, and served by TLS for their tokens.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../harness/plane-process.ts";
import { type Cluster, startCluster } from "./harness/cluster.ts";
import { buildHelm } from "./harness/components.ts";
import { killPod } from "./harness/kill-pod.ts";
import { ECHO_IMAGE, importEcho } from "./harness/echo.ts";
import { importEnvoy } from "./harness/images.ts";
import { importAgent, importCapture } from "./harness/own-images.ts";

const run = promisify(execFile);
const CHART = path.resolve(import.meta.dirname, "../../infra/helm/heddle-agent");
const NAMESPACE = "busy";
const OWN = "heddle-system";
const READY_WITHIN = "--timeout=240s";
const LEASE = "heddle-agent-leader";
const RATE = 100;
/** What happens may be felt later: proxies notice, and come again. Milliseconds. */
const AFTERWARDS = 5_000;

let folder: string;
let cluster: Cluster;
let helm: string;

beforeAll(async () => {
  helm = await buildHelm((line) => console.log(line));
  folder = await mkdtemp(path.join(tmpdir(), "heddle-rolling-"));
  const state = path.join(folder, "state");
  cluster = await startCluster({ state, say: (line) => console.log(line) });
  await Promise.all([
    ...[importEnvoy(state), importEcho(state), importAgent(state), importCapture(state)],
  ]);
  await byHelm("install", "--create-namespace");
  await cluster.kubectl.apply(...objects());
  for (const app of ["web", "load"]) await rolledOut(app);
  // Connections are made, and the proxies know each other.
  await until(async () => (await told()).answered > RATE, 120_000);
});
afterAll(async () => {
  await cluster?.down();
  await rm(folder, { recursive: true, force: true });
});

/** Proxies and agents that ask for little: one node holds all of them, and one agent more. */
const VALUES = [
  ...["profile=demo", "plane.install=false", "agent.replicas=2"],
  ...["ingress", "egress"].map((gateway) => `gateways.${gateway}.enabled=false`),
].flatMap((value) => ["--set", value]);

async function byHelm(verb: string, ...more: readonly string[]): Promise<void> {
  const of = ["--kubeconfig", cluster.kubeconfig, "--namespace", OWN];
  const wait = ["--wait", "--timeout", "4m"];
  await run(helm, [verb, "heddle", CHART, ...of, ...VALUES, ...more, ...wait]);
}

function objects(): readonly object[] {
  const metadata = (name: string) => ({ name, namespace: NAMESPACE });
  const deployment = (app: string, replicas: number, container: object) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadata(app),
    spec: {
      replicas,
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app } },
        spec: { containers: [{ name: "app", image: ECHO_IMAGE, ...container }] },
      },
    },
  });
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: NAMESPACE, labels: { "istio-injection": "enabled" } },
    },
    {
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: metadata("default"),
      spec: { mtls: { mode: "STRICT" } },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: metadata("web"),
      spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
    },
    deployment("web", 2, {
      readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
      // As any application has it that is not to lose requests: others hear of a pod's end some time after it.
      lifecycle: { preStop: { sleep: { seconds: 10 } } },
    }),
    deployment("load", 1, {
      command: ["/usr/local/bin/node", "/app/load.ts"],
      env: [
        { name: "URL", value: "http://web/" },
        { name: "RATE", value: String(RATE) },
      ],
    }),
  ];
}

const rolledOut = (app: string) =>
  cluster.kubectl("rollout", "status", "-n", NAMESPACE, `deployment/${app}`, READY_WITHIN);

interface Told {
  readonly since: number;
  readonly asked: number;
  readonly answered: number;
  readonly pods: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

async function told(at = "/"): Promise<Told> {
  const text = await cluster.kubectl(
    ...["exec", "-n", NAMESPACE, "deployment/load", "-c", "app", "--", "node", "-e"],
    `fetch("http://127.0.0.1:8081${at}").then((r) => r.text()).then(console.log)`,
  );
  return JSON.parse(text) as Told;
}

/** Fails unless all that was asked meanwhile was answered, but for what is on its way. */
async function costsNothing(happens: () => Promise<unknown>): Promise<Told> {
  await told("/new");
  await happens();
  await sleep(AFTERWARDS);
  const seen = await told("/new");
  const seconds = (Date.now() - seen.since) / 1000;
  console.log(`${seen.asked} requests in ${seconds.toFixed(0)} s, failed: ${seen.failures.length}`);
  expect(seen.failures).toEqual([]);
  expect(seen.asked / seconds).toBeGreaterThan(RATE * 0.8);
  expect(seen.answered).toBeGreaterThan(seen.asked - RATE * 5);
  return seen;
}

test("a rolling update of a Deployment", async () => {
  const before = Object.keys((await told()).pods);
  const seen = await costsNothing(async () => {
    await cluster.kubectl("rollout", "restart", "-n", NAMESPACE, "deployment/web");
    await rolledOut("web");
    // Until those that went are gone, and others have taken over.
    await expect
      .poll(async () => {
        const { pods } = await told();
        return Object.keys(pods).filter((pod) => !before.includes(pod)).length;
      })
      .toBe(2);
    await cluster.kubectl(
      "wait",
      "-n",
      NAMESPACE,
      "--for=delete",
      ...before.map((pod) => `pod/${pod}`),
      READY_WITHIN,
    );
  });
  expect(Object.keys(seen.pods).length).toBe(4);
});

/** Whoever serves now does so for what comes new: pods that are known to others are asked. */
async function anotherServes(replicas: number): Promise<void> {
  await expect
    .poll(() =>
      cluster
        .kubectl("scale", "-n", NAMESPACE, "deployment/web", `--replicas=${replicas}`)
        .then(() => "scaled", String),
    )
    .toBe("scaled");
  await rolledOut("web");
  await expect.poll(async () => Object.keys((await told()).pods).length).toBe(replicas);
}

const agents = async () =>
  (
    await cluster.kubectl(
      "get",
      "pods",
      "-n",
      OWN,
      "-l",
      "app.kubernetes.io/name=heddle-agent",
      "-o",
      "name",
    )
  )
    .trim()
    .split("\n")
    .toSorted();

test("an upgrade of the agent by Helm, which puts other pods in the place of all", async () => {
  const before = await agents();
  await costsNothing(async () => {
    await byHelm("upgrade", "--set", "agent.annotations.changed=yes");
    await expect.poll(agents).toHaveLength(before.length);
    await anotherServes(3);
  });
  for (const agent of await agents()) expect(before).not.toContain(agent);
});

test("the leader's sudden end, after which another one leads", async () => {
  const leader = () =>
    cluster.kubectl("get", "lease", "-n", OWN, LEASE, "-o", "jsonpath={.spec.holderIdentity}");
  const before = await leader();
  await costsNothing(async () => {
    await killPod(cluster.kubectl, OWN, before);
    await cluster.kubectl("delete", "pod", "-n", OWN, before, "--force", "--grace-period=0");
    await expect.poll(leader, { timeout: 60_000 }).not.toBe(before);
    await anotherServes(4);
  });
});

test("a restart of the API server, after which what comes new is known as before", async () => {
  await costsNothing(async () => {
    await cluster.restartApiServer();
    await anotherServes(5);
  });
});
