/** An agent that stands alone in a cluster: what kubectl applies reaches a real Envoy, and nobody is served before the cluster was read. */
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningAgent, startAgent } from "./agent.ts";
import { parseAgentOptions } from "./options.ts";
import {
  apiServerBinary,
  type ControlPlane,
  startControlPlane,
} from "./sources/kubernetes/testing/control-plane.ts";
import { definitionOf } from "./sources/kubernetes/testing/definitions.ts";
import {
  type EnvoyPod,
  serviceDocument,
  sliceDocument,
  startPod,
  until,
} from "./testing/envoy-pod.ts";
import { freePorts } from "./testing/free-ports.ts";
import { quiet } from "./testing/quiet-log.ts";

const envoyBinary = process.env["HEDDLE_ENVOY"];
const PORT = 9080;
const HOST = "api.mesh.example";
const NAMESPACE = "/api/v1/namespaces/default";
const NETWORKING = "/apis/networking.istio.io/v1/namespaces/default";
const LONG = 60_000;

let folder: string;
let plane: ControlPlane;
let agent: RunningAgent | undefined;
let pods: { web: EnvoyPod; api: EnvoyPod };
let ports: { xds: number; metrics: number };

const ok = async (method: string, to: string, body?: object) => {
  const { status, body: answer } = await plane.ask(method, to, body);
  if (status >= 300) throw new Error(`${method} ${to}: ${status} ${JSON.stringify(answer)}`);
};
const readyz = async () => {
  const response = await fetch(`http://127.0.0.1:${ports.metrics}/readyz`);
  return `${response.status} ${await response.text()}`;
};
const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.unref();
  });
/** The API server takes no address of the loopback for an endpoint of a Service, so the mesh's own kind names it. */
const entry = {
  ...{ apiVersion: "networking.istio.io/v1", kind: "ServiceEntry", metadata: { name: "api" } },
  spec: {
    ...{ hosts: [HOST], location: "MESH_EXTERNAL", resolution: "STATIC" },
    ports: [{ number: PORT, name: "http", protocol: "HTTP" }],
    endpoints: [{ address: "127.87.0.12" }],
  },
};
const rule = (body: string) => ({
  ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "api" } },
  spec: { hosts: [HOST], http: [{ directResponse: { status: 418, body: { string: body } } }] },
});

describe.skipIf(!envoyBinary || !apiServerBinary)("an agent that stands alone in a cluster", () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-alone-"));
    const [xds = 0, metrics = 0] = await freePorts(2);
    ports = { xds, metrics };
    const pod = (name: string, app: string, last: number) =>
      startPod(
        { name, app, address: `127.78.0.${last}`, appAddress: `127.87.0.${last}`, port: PORT },
        envoyBinary as string,
      );
    pods = { web: await pod("web-0", "web", 11), api: await pod("api-0", "api", 12) };
    plane = await startControlPlane();
    for (const name of ["VirtualService", "ServiceEntry"])
      await ok(
        "POST",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        definitionOf(`networking.istio.io/${name}`),
      );
    const { status, ...document } = pods.web.document as { status: object };
    await ok("POST", `${NAMESPACE}/pods`, document);
    await ok("PATCH", `${NAMESPACE}/pods/web-0/status`, { status });
    await ok("POST", `${NAMESPACE}/services`, serviceDocument("shop", PORT));
    const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    await ok("POST", slices, sliceDocument("shop", PORT, [{ ...pods.api, address: "10.1.2.3" }]));
    await until(
      async () => (await plane.ask("GET", `${NETWORKING}/serviceentries`)).status === 200,
      LONG,
    );
    await ok("POST", `${NETWORKING}/serviceentries`, entry);
    await plane.killApiServer();
  }, 240_000);
  afterAll(async () => {
    await Promise.all(Object.values(pods ?? {}).map((each) => each.close()));
    await agent?.close();
    await plane?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("is not ready, and serves nobody, before it has read its cluster", async () => {
    const flags = {
      ...{ standalone: true, kubeconfig: plane.kubeconfig, state: path.join(folder, "agent") },
      ...{ xds: `127.0.0.1:${ports.xds}`, metrics: `127.0.0.1:${ports.metrics}` },
      roles: "control",
    };
    const starting = startAgent(parseAgentOptions(flags), quiet);
    await until(() => listens(ports.metrics), LONG);
    await until(async () => (await readyz()).includes("not read yet: services: "), LONG);
    expect(await readyz()).toMatch(/^503 not read yet: .*ECONNREFUSED/s);
    expect(await listens(ports.xds)).toBe(false);
    await plane.startApiServer();
    agent = await starting;
    expect(await readyz()).toBe("200 ready\n");
    await pods.web.startEnvoy(ports.xds);
  }, 240_000);

  it("gives Envoy what is in the cluster, and each change of it within a second", async () => {
    const call = () => pods.web.call(`${HOST}:${PORT}`);
    await until(async () => (await call()).status === 200, LONG);
    expect(await call()).toEqual({ status: 200, body: "api-0" });
    const took: number[] = [];
    for (const text of ["one", "two", "three"]) {
      if (text === "one") await ok("POST", `${NETWORKING}/virtualservices`, rule(text));
      else await ok("PATCH", `${NETWORKING}/virtualservices/api`, rule(text));
      took.push(await until(async () => (await call()).body === text, LONG));
    }
    await ok("DELETE", `${NETWORKING}/virtualservices/api`);
    took.push(await until(async () => (await call()).status === 200, LONG));
    // One may be late on a busy machine; most are not.
    expect(took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)]).toBeLessThan(1_000);
  }, 120_000);

  it("knows Services and their endpoints, and says what is wrong with an object", async () => {
    const config = async () => {
      const response = await fetch(
        `http://127.0.0.1:${ports.metrics}/debug/config?proxy=web-0.default`,
      );
      return await response.text();
    };
    await until(async () => (await config()).includes("10.1.2.3"), LONG);
    await ok("POST", `${NETWORKING}/virtualservices`, {
      ...rule("x"),
      spec: { hosts: [HOST], quantum: true },
    });
    const found = async () => {
      const response = await fetch(`http://127.0.0.1:${ports.metrics}/debug/diagnostics`);
      return ((await response.json()) as { items: { code: string; origin: string }[] }).items;
    };
    await until(async () => (await found()).some(({ code }) => code === "HDL0010"), LONG);
    expect((await found()).find(({ code }) => code === "HDL0010")?.origin).toBe(
      "VirtualService default/api",
    );
  }, 120_000);

  it("goes on serving while the API server is away, and says so", async () => {
    await plane.killApiServer();
    const diagnostics = async () =>
      (await fetch(`http://127.0.0.1:${ports.metrics}/debug/diagnostics`)).text();
    await until(async () => (await diagnostics()).includes("HDL7232"), LONG);
    expect(await readyz()).toBe("200 ready\n");
    const numbers = async () => {
      const response = await fetch(`http://127.0.0.1:${ports.metrics}/metrics`);
      const lines = (await response.text()).matchAll(/^heddle_agent_(cluster_\w+) (\d+)$/gm);
      return Object.fromEntries([...lines].map(([, name, value]) => [name, Number(value)]));
    };
    await until(async () => {
      const { cluster_kinds: followed = 0, cluster_kinds_failing: failing } = await numbers();
      return followed > 10 && failing === followed;
    }, LONG);
    expect((await pods.web.call(`${HOST}:${PORT}`)).status).toBe(200);
    await pods.web.stopEnvoy();
    await pods.web.startEnvoy(ports.xds);
    await until(async () => (await pods.web.call(`${HOST}:${PORT}`)).status === 200, LONG);
  }, 120_000);
});
