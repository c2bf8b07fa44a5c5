/**
 * State that outlives pods: a real plane process, a real API server, replicas with the rights of infra/kubernetes alone, and a
 * real Envoy. When the plane and every directory are gone, the cluster alone is what a new replica serves from.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PlaneProcess, startPlaneProcess } from "../../../test/harness/plane-process.ts";
import { type RunningAgent, startAgent } from "../agent.ts";
import { openAccess } from "../kubernetes/access.ts";
import { createKubernetesClient, type KubernetesClient } from "../kubernetes/client.ts";
import type { AgentLog } from "../log.ts";
import { parseAgentOptions } from "../options.ts";
import { giveAgentRights, OWN_NAMESPACE } from "../sources/kubernetes/testing/agent-rights.ts";
import {
  apiServerBinary,
  type ControlPlane,
  startControlPlane,
} from "../sources/kubernetes/testing/control-plane.ts";
import { definitionOf } from "../sources/kubernetes/testing/definitions.ts";
import { type EnvoyPod, startPod, until } from "../testing/envoy-pod.ts";
import { freePorts } from "../testing/free-ports.ts";
import { createClusterStateStore } from "./cluster-state.ts";

const envoyBinary = process.env["HEDDLE_ENVOY"];
const PORT = 9080;
const NAMESPACE = "/api/v1/namespaces/default";
const RULES = "/apis/networking.istio.io/v1/namespaces/default/virtualservices";
const SECRETS = { apiVersion: "v1", plural: "secrets", namespace: OWN_NAMESPACE };
const LONG = 60_000;

interface Replica {
  readonly name: string;
  readonly agent: RunningAgent;
  readonly metrics: string;
  readonly xds: number;
}

let folder: string;
let cluster: ControlPlane;
let client: KubernetesClient;
const logged: string[] = [];

const ok = async (method: string, to: string, body?: object) => {
  const { status, body: answer } = await cluster.ask(method, to, body);
  if (status >= 300) throw new Error(`${method} ${to}: ${status} ${JSON.stringify(answer)}`);
  return answer;
};
const ruleOf = (name: string, host: string, body: string) => ({
  ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name } },
  spec: { hosts: [host], http: [{ directResponse: { status: 418, body: { string: body } } }] },
});
const entryOf = (name: string, host: string) => ({
  ...{ apiVersion: "networking.istio.io/v1", kind: "ServiceEntry", metadata: { name } },
  spec: {
    ...{ hosts: [host], location: "MESH_EXTERNAL", resolution: "STATIC" },
    ports: [{ number: PORT, name: "http", protocol: "HTTP" }],
    endpoints: [{ address: "127.89.0.12" }],
  },
});

async function start(name: string, flags: Readonly<Record<string, unknown>>): Promise<Replica> {
  const note = (message: string, fields?: object) =>
    void logged.push(`${name}: ${message} ${JSON.stringify(fields ?? {})}`);
  const log: AgentLog = { info: note, warn: note, error: note };
  const [xds = 0, metrics = 0] = await freePorts(2);
  const all = {
    ...{
      kubeconfig: cluster.agentKubeconfig,
      state: path.join(folder, name),
      roles: "control",
      xdsTls: "off",
    },
    ...{ xds: `127.0.0.1:${xds}`, metrics: `127.0.0.1:${metrics}`, name },
    ...flags,
  };
  const pod = { POD_NAME: name, POD_NAMESPACE: OWN_NAMESPACE };
  const agent = await startAgent(parseAgentOptions(all, pod), log);
  return { name, agent, xds, metrics: `http://127.0.0.1:${metrics}` };
}
const textOf = async ({ metrics }: Replica, page: string) =>
  (await fetch(`${metrics}${page}`)).text();
const revisionOf = async (replica: Replica) =>
  Number(/^heddle_agent_revision (\d+)/m.exec(await textOf(replica, "/metrics"))?.[1]);

describe.skipIf(!apiServerBinary)("an agent's state in its cluster", () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-state-"));
    cluster = await startControlPlane();
    await giveAgentRights(cluster);
    const access = { kubeconfig: cluster.agentKubeconfig, context: undefined };
    client = createKubernetesClient(await openAccess(access));
  }, 240_000);
  afterAll(async () => {
    await cluster?.close();
    await rm(folder, { recursive: true, force: true });
  }, LONG);

  it("is whole or that of before, whatever its size", async () => {
    const store = createClusterStateStore(client, OWN_NAMESPACE, "test-state");
    const secrets = async () =>
      (await client.list(SECRETS))
        .map(({ metadata }) => metadata.name)
        .filter((name) => name.startsWith("test-state"));
    expect(await store.read()).toBeUndefined();
    const small = { files: { a: "one", b: "two" }, mesh: "m", revision: 1 };
    expect(await store.write(small)).toBe(true);
    expect(await store.read()).toMatchObject(small);
    expect(await secrets()).toEqual(["test-state"]);

    // What cannot be packed: three parts, and a fourth with the end.
    const large = {
      files: { a: randomBytes(2_300_000).toString("base64") },
      mesh: "m",
      revision: 2,
    };
    expect(await store.write(large)).toBe(true);
    expect(await store.read()).toMatchObject(large);
    const parts = (await secrets()).filter((name) => name !== "test-state");
    expect(parts.length).toBeGreaterThan(2);

    // A leader of before that comes late.
    expect(await store.write({ ...small, revision: 1 })).toBe(false);
    expect(await store.read()).toMatchObject(large);
    // One that ends halfway: its parts are there, and the head names others.
    const another = {
      files: { a: randomBytes(2_000_000).toString("base64") },
      mesh: "m",
      revision: 3,
    };
    const breaks = {
      ...client,
      replace: () => Promise.reject(new Error("the machine stops here")),
    };
    const halfway = createClusterStateStore(breaks, OWN_NAMESPACE, "test-state").write(another);
    await expect(halfway).rejects.toThrow("stops here");
    expect((await secrets()).length).toBeGreaterThan(parts.length + 1);
    expect(await store.read()).toMatchObject(large);

    expect(await store.write({ ...small, revision: 3 })).toBe(true);
    expect(await secrets()).toEqual(["test-state"]);
    expect(await store.read()).toMatchObject({ ...small, revision: 3 });
    // Another mesh has numbers of its own.
    expect(await store.write({ ...small, mesh: "other", revision: 1 })).toBe(true);
    await client.remove(SECRETS, "test-state");
  }, 120_000);

  describe.skipIf(!envoyBinary)("with a plane", () => {
    let plane: PlaneProcess;
    let web: EnvoyPod;
    const replicas: Replica[] = [];
    let flags: Readonly<Record<string, unknown>>;

    beforeAll(async () => {
      const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
      for (const kind of ["VirtualService", "ServiceEntry"])
        await ok("POST", definitions, definitionOf(`networking.istio.io/${kind}`));
      await until(async () => (await cluster.ask("GET", RULES)).status === 200, LONG);
      const own = { name: "web-0", app: "web", address: "127.79.0.11", appAddress: "127.89.0.11" };
      web = await startPod({ ...own, port: PORT }, envoyBinary as string);
      const { status, ...document } = web.document as { status: object };
      await ok("POST", `${NAMESPACE}/pods`, document);
      await ok("PATCH", `${NAMESPACE}/pods/web-0/status`, { status });
      await ok("POST", RULES, ruleOf("applied", "applied.example.com", "from kubectl"));
      await ok(
        "POST",
        RULES.replace("virtualservices", "serviceentries"),
        entryOf("applied", "applied.example.com"),
      );

      const [port = 0] = await freePorts(1);
      plane = await startPlaneProcess(port, path.join(folder, "plane"));
      await plane.client.createMesh({ name: "demo" });
      const { token } = await plane.client.createJoinToken("demo", { name: "cluster" });
      flags = { plane: plane.url, token, mesh: "demo" };
      const objects = [
        ruleOf("hosted", "hosted.example.com", "from the plane"),
        entryOf("hosted", "hosted.example.com"),
      ];
      await plane.client.apply("demo", { objects });
    }, 240_000);
    afterAll(async () => {
      await web?.close();
      await Promise.all(replicas.map(({ agent }) => agent.close()));
      await plane?.kill();
    }, LONG);

    it("is joined to a mesh once for all replicas, and what kubectl applies and what is hosted are served together", async () => {
      // The token is good for one: the other replica takes what the leader has kept.
      replicas.push(...(await Promise.all([start("replica-a", flags), start("replica-b", flags)])));
      for (const replica of replicas)
        await until(async () => (await revisionOf(replica)) === 1, LONG);
      const [first] = replicas as [Replica, Replica];
      await web.startEnvoy(first.xds);
      for (const [host, body] of [
        ["applied.example.com", "from kubectl"],
        ["hosted.example.com", "from the plane"],
      ] as const)
        await until(async () => (await web.call(`${host}:${PORT}`)).body === body, LONG);
      const summary = async () => plane.client.transport.json("GET", "/v1/meshes/demo/cluster");
      const key = "networking.istio.io/VirtualService/default/applied";
      await until(async () => JSON.stringify(await summary()).includes(key), LONG);
      const { objects } = (await summary()) as { objects: { key: string; owner: string }[] };
      expect(objects.find((each) => each.key === key)?.owner).toMatch(/^cluster:/);
      expect(JSON.stringify(objects)).not.toContain("VirtualService/default/hosted");
    }, 180_000);

    it("outlives plane, pods and disks", async () => {
      const objects = [ruleOf("hosted", "hosted.example.com", "changed by the plane")];
      await plane.client.apply("demo", { objects });
      for (const replica of replicas)
        await until(async () => (await revisionOf(replica)) === 2, LONG);
      await plane.kill();
      await web.stopEnvoy();
      for (const { agent, name } of replicas.splice(0)) {
        await agent.close();
        await rm(path.join(folder, name), { recursive: true });
      }
      const again = await start("replica-c", flags);
      replicas.push(again);
      expect(await revisionOf(again)).toBe(2);
      expect(await readdir(path.join(folder, "replica-c"))).toContain("intermediate.json");
      await web.startEnvoy(again.xds);
      for (const [host, body] of [
        ["applied.example.com", "from kubectl"],
        ["hosted.example.com", "changed by the plane"],
      ] as const)
        await until(async () => (await web.call(`${host}:${PORT}`)).body === body, LONG);
      // Signed by the intermediate that came from the cluster.
      await until(
        async () => (await textOf(again, "/debug/certificates")).includes("spiffe://"),
        LONG,
      );
      expect(logged.filter((line) => line.includes("HDL727"))).toEqual([]);
    }, 180_000);
  });
});
