/** The cluster that other tests here run in: its parts work together as they do anywhere, and nothing of it stays. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { groupsOf } from "./harness/cgroups.ts";
import { type Cluster, startCluster } from "./harness/cluster.ts";
import { ECHO_IMAGE, importEcho } from "./harness/echo.ts";
import { ENVOY_IMAGE } from "./harness/image-names.ts";
import { importEnvoy } from "./harness/images.ts";
import { defaultNumber, networkOf } from "./harness/network.ts";
import { processesInRoom } from "./harness/room.ts";
import { tracesOf } from "./harness/traces.ts";
import { KUBERNETES_VERSION } from "./harness/versions.ts";

const NODE_PORT = 30080;
const ENVOY_PORT = 10000;
const READY_WITHIN = "--timeout=120s";

let folder: string;
let cluster: Cluster;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-cluster-"));
  const state = path.join(folder, "state");
  expect(tracesOf(state, networkOf(defaultNumber()))).toEqual([]);
  cluster = await startCluster({ state, say: (line) => console.log(line) });
  console.log(`the cluster was up after ${cluster.startSeconds.toFixed(1)} s`);
  const start = performance.now();
  await importEnvoy(state);
  await importEcho(state);
  console.log(`two images were made in ${((performance.now() - start) / 1000).toFixed(1)} s`);
});
afterAll(async () => {
  await cluster?.down();
  await rm(folder, { recursive: true, force: true });
});

const deployment = (name: string, replicas: number, container: object) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "talk" },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { terminationGracePeriodSeconds: 1, containers: [{ name, ...container }] },
    },
  },
});
const service = (name: string, targetPort: number, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "talk" },
  spec: { selector: { app: name }, ports: [{ port: 80, targetPort, ...more }], type: "NodePort" },
});
const probe = (port: number, at: string) => ({
  readinessProbe: { httpGet: { port, path: at }, periodSeconds: 1 },
});
const rolledOut = (name: string) =>
  cluster.kubectl("rollout", "status", "-n", "talk", `deployment/${name}`, READY_WITHIN);
const inCaller = (...command: string[]) =>
  cluster.kubectl("exec", "-n", "talk", "deployment/caller", "--", ...command);
const told = async (url: string) => (await (await fetch(url)).json()) as Record<string, string>;

/** What `ask` resolves to at last. */
async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  let answer: T | undefined;
  await expect.poll(async () => void (answer = await ask())).toBeUndefined();
  return answer as T;
}

describe("a cluster", () => {
  test("is one node of the version that was asked for, ready for pods", async () => {
    const { items } = JSON.parse(await cluster.kubectl("get", "nodes", "-o", "json")) as {
      items: { metadata: { labels: Record<string, string> }; status: Record<string, object> }[];
    };
    expect(items).toHaveLength(1);
    expect(items[0]?.status["nodeInfo"]).toMatchObject({
      kubeletVersion: `v${KUBERNETES_VERSION}`,
    });
    expect(items[0]?.metadata.labels).toMatchObject({ "topology.kubernetes.io/zone": "zone1" });
    expect(await cluster.kubectl("get", "--raw", "/readyz")).toBe("ok");
  });

  test("has Deployments that talk to each other by the names of their Services", async () => {
    await cluster.kubectl.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "talk" } },
      deployment("echo", 2, {
        image: ECHO_IMAGE,
        env: [{ name: "VERSION", value: "v1" }],
        ...probe(8080, "/"),
      }),
      service("echo", 8080, { nodePort: NODE_PORT }),
      deployment("caller", 1, { image: ECHO_IMAGE, ...probe(8080, "/") }),
      service("caller", 8080),
    );
    await rolledOut("echo");
    await rolledOut("caller");
    const ask = async (url: string) =>
      JSON.parse(
        await inCaller("node", "-e", `fetch("${url}").then((r) => r.text()).then(console.log)`),
      ) as Record<string, string>;
    const pods = new Set<string>();
    for (const name of ["echo", "echo.talk", "echo.talk.svc.cluster.local"]) {
      // A pod that is ready is found some time later: the controllers and kube-proxy have yet to hear of it.
      const answer = await eventually(() => ask(`http://${name}/from/${name}`));
      expect(answer).toMatchObject({ version: "v1", path: `/from/${name}` });
      pods.add(answer["pod"] ?? "");
    }
    for (const pod of pods) expect(pod).toMatch(/^echo-/);
    // Its own Service: what leaves by the service's address comes back to the same pod.
    expect((await eventually(() => ask("http://caller/")))["pod"]).toMatch(/^caller-/);
    await expect(inCaller("node", "-e", 'fetch("http://nobody")')).rejects.toThrow(/nobody/);
  });

  test("spreads a Service's connections over its pods, and takes one out that is gone", async () => {
    const url = `http://${cluster.network.node}:${NODE_PORT}/`;
    const seen = async () =>
      new Set(await Promise.all(Array.from({ length: 20 }, async () => (await told(url))["pod"])));
    await expect.poll(async () => (await seen()).size).toBe(2);
    await cluster.kubectl("scale", "-n", "talk", "deployment/echo", "--replicas=1");
    await expect.poll(async () => (await seen().catch(() => new Set())).size).toBe(1);
  });

  test("gives a Service of type LoadBalancer an address that the machine reaches, and the one that it asks for", async () => {
    const own = { ...service("echo", 8080), metadata: { name: "balanced", namespace: "talk" } };
    const ask = (loadBalancerIP?: string) =>
      cluster.kubectl.apply({
        ...own,
        spec: { ...own.spec, type: "LoadBalancer", ...(loadBalancerIP ? { loadBalancerIP } : {}) },
      });
    const given = () =>
      cluster.kubectl(
        ...["get", "service", "-n", "talk", "balanced"],
        ...["-o", "jsonpath={.status.loadBalancer.ingress[*].ip}"],
      );
    const pool = cluster.network.loadBalancers.replace(/\.0\/24$/, "");
    await ask();
    await expect.poll(given).toMatch(new RegExp(`^${pool}\\.\\d+$`));
    const answer = await eventually(async () => told(`http://${await given()}/balanced`));
    expect(answer).toMatchObject({ path: "/balanced" });
    await ask(`${pool}.77`);
    await expect.poll(given).toBe(`${pool}.77`);
    await eventually(() => told(`http://${pool}.77/`));
    // It is none of ours to give.
    await ask("192.0.2.1");
    await expect.poll(given).toBe("");
  });

  test("runs commands in pods: their output, their input and their exit code", async () => {
    expect(await inCaller("node", "-p", "process.version")).toBe(`${process.version}\n`);
    await expect(inCaller("node", "-e", "process.exit(3)")).rejects.toThrow(/exit code 3/);
    const hello = "process.stdin.on('data', (d) => console.log(String(d).toUpperCase()))";
    const args = ["-i", "-n", "talk", "deployment/caller", "--", "node", "-e", hello];
    const kubectl = path.join(cluster.binaries, "kubectl");
    const said = execFileSync(kubectl, ["--kubeconfig", cluster.kubeconfig, "exec", ...args], {
      input: "hello",
      encoding: "utf8",
    });
    expect(said).toBe("HELLO\n");
  });

  test("has Envoys that get ready and lead to Services", async () => {
    const address = (host: string, port: number) => ({
      address: { socket_address: { address: host, port_value: port } },
    });
    const config = {
      admin: address("0.0.0.0", 15000),
      static_resources: {
        listeners: [
          {
            ...address("0.0.0.0", ENVOY_PORT),
            filter_chains: [{ filters: [tcpProxy("echo")] }],
          },
        ],
        clusters: [
          {
            name: "echo",
            type: "STRICT_DNS",
            load_assignment: {
              cluster_name: "echo",
              endpoints: [{ lb_endpoints: [{ endpoint: address("echo", 80) }] }],
            },
          },
        ],
      },
    };
    await cluster.kubectl.apply(
      deployment("envoy", 1, {
        image: ENVOY_IMAGE,
        args: ["--config-yaml", JSON.stringify(config), "--concurrency", "1"],
        ...probe(15000, "/ready"),
      }),
    );
    await rolledOut("envoy");
    const ip = await cluster.kubectl(
      ...["get", "pod", "-n", "talk", "-l", "app=envoy"],
      ...["-o", "jsonpath={.items[0].status.podIP}"],
    );
    const answer = await told(`http://${ip}:${ENVOY_PORT}/through`);
    expect(answer["pod"]).toMatch(/^echo-/);
    expect(answer["path"]).toBe("/through");
    const pod = ["-n", "talk", "deployment/envoy"];
    expect(await cluster.kubectl("exec", ...pod, "--", "envoy", "--version")).toContain("1.40.0");
    expect(await cluster.kubectl("logs", ...pod)).toContain("all clusters initialized");
  });

  test("is gone after it is ended: processes, mounts, interfaces, rules and control groups", async () => {
    const { state, network } = cluster;
    const pids = processesInRoom(state);
    // A cluster that runs is seen; else the rest would prove nothing.
    expect(pids.length).toBeGreaterThan(12);
    const groups = groupsOf(pids.map(({ pid }) => pid));
    expect(groups.length).toBeGreaterThan(0);
    const traces = tracesOf(state, network).map((line) => line.split(" ")[0]);
    for (const kind of ["folder", "interface", "route", "process"]) expect(traces).toContain(kind);
    await cluster.down();
    expect(pids.filter(({ alive }) => alive())).toEqual([]);
    expect(groups.filter((group) => existsSync(group))).toEqual([]);
    expect(tracesOf(state, network)).toEqual([]);
  });
});

const tcpProxy = (to: string) => ({
  name: "envoy.filters.network.tcp_proxy",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
    stat_prefix: "to",
    cluster: to,
  },
});
