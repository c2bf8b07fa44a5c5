/** What serves Gateways, on a real API server: made, changed back, moved, left alone and removed. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { defaultOptions } from "@heddle/injection";
import { type MeshObject, objectKey, parseObject } from "@heddle/model";
import { afterAll, beforeAll, expect, test } from "vitest";
import { administrator } from "../../../test/cluster/harness/api.ts";
import {
  type ApiServerAlone,
  startApiServerAlone,
} from "../../../test/cluster/harness/api-server-alone.ts";
import { createKubernetesClient, type KubernetesObject } from "../kubernetes/client.ts";
import { type Gateways, startGateways } from "./index.ts";

const NAMESPACE = "shop";
const CLASS = "heddle";
const poll = { timeout: 60_000, interval: 50 };

let folder: string;
let server: ApiServerAlone;
let gateways: Gateways;
/** As the agent holds it; what is put here need not be in the API server. */
const model = new Map<string, MeshObject>();

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-gateways-"));
  server = await startApiServerAlone(path.join(folder, "state"), (line) => console.log(line));
  await server.kubectl("create", "namespace", NAMESPACE);
  const { server: url, options } = await administrator(server.kubeconfig);
  const access = { server: url, options: () => Promise.resolve(options) };
  gateways = startGateways({
    access,
    client: createKubernetesClient(access),
    model,
    mesh: () => ({ rootNamespace: "istio-system", clusterDomain: "cluster.local" }),
    options: () => defaultOptions,
    ready: () => true,
    whole: () => true,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    leadership: {
      onLeading(_, run) {
        const term = new AbortController();
        const running = run(term.signal);
        return async () => {
          term.abort();
          await running;
        };
      },
    },
  });
}, 300_000);
afterAll(async () => {
  await gateways?.close();
  await server?.down();
  await rm(folder, { recursive: true, force: true });
});

function put(object: object): void {
  const { object: parsed, diagnostics } = parseObject(object as Record<string, unknown>);
  if (!parsed) throw new Error(JSON.stringify(diagnostics));
  model.set(objectKey(parsed), parsed);
  gateways.objectsChanged([objectKey(parsed)]);
}
const gateway = (name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name, namespace: NAMESPACE, ...metadata },
  spec: {
    gatewayClassName: CLASS,
    listeners: [{ name: "http", port: 80, protocol: "HTTP" }],
    ...spec,
  },
});
async function find(kind: string, name: string): Promise<KubernetesObject | undefined> {
  const text = await server.kubectl(
    ...["get", kind, name, "-n", NAMESPACE, "-o", "json", "--ignore-not-found"],
  );
  return text === "" ? undefined : (JSON.parse(text) as KubernetesObject);
}
const there = async (kind: string, name: string) => (await find(kind, name)) !== undefined;
async function portsOf(name: string): Promise<number[]> {
  const spec = (await find("service", name))?.["spec"] as { ports: { port: number }[] } | undefined;
  return (spec?.ports ?? []).map(({ port }) => port);
}

test("a Gateway is given a Deployment, a Service and a ServiceAccount, which name it as their owner", async () => {
  put(gateway("edge", {}, { uid: "11111111-2222-3333-4444-555555555555" }));
  for (const [kind, name] of [
    ["serviceaccount", "edge-heddle"],
    ["deployment", "edge-heddle"],
    ["service", "edge-heddle"],
  ] as const) {
    await expect.poll(() => there(kind, name), poll).toBe(true);
    const { metadata } = (await find(kind, name))!;
    expect(metadata.labels).toMatchObject({
      "app.kubernetes.io/managed-by": "heddle",
      "gateway.networking.k8s.io/gateway-name": "edge",
    });
    expect(metadata["ownerReferences"]).toMatchObject([{ kind: "Gateway", name: "edge" }]);
  }
  expect(await portsOf("edge-heddle")).toEqual([15021, 80]);
});

test("its Service has the ports of its listeners and of ListenerSets that it lets in, and loses those that go", async () => {
  put({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "ListenerSet",
    metadata: { name: "more", namespace: NAMESPACE },
    spec: {
      parentRef: { name: "edge" },
      listeners: [{ name: "admin", port: 8080, protocol: "HTTP" }],
    },
  });
  const uid = "11111111-2222-3333-4444-555555555555";
  put(gateway("edge", { allowedListeners: { namespaces: { from: "Same" } } }, { uid }));
  await expect.poll(() => portsOf("edge-heddle"), poll).toEqual([15021, 80, 8080]);
  put(gateway("edge", {}, { uid }));
  await expect.poll(() => portsOf("edge-heddle"), poll).toEqual([15021, 80]);
});

test("what somebody else changes is changed back, and what they delete is made again", async () => {
  const image = async () => {
    const spec = (await find("deployment", "edge-heddle"))?.["spec"] as {
      template: { spec: { containers: { image: string }[] } };
    };
    return spec.template.spec.containers.map((each) => each.image);
  };
  await server.kubectl(
    ...["set", "image", "-n", NAMESPACE, "deployment/edge-heddle", "istio-proxy=other:1"],
  );
  await expect.poll(image, poll).toEqual([defaultOptions.proxyImage]);
  // How many there are is left to whoever scales it.
  await server.kubectl("scale", "-n", NAMESPACE, "deployment/edge-heddle", "--replicas=3");
  const before = (await find("service", "edge-heddle"))?.metadata.uid;
  await server.kubectl("delete", "service", "-n", NAMESPACE, "edge-heddle");
  await expect
    .poll(async () => (await find("service", "edge-heddle"))?.metadata.uid ?? before, poll)
    .not.toBe(before);
  expect((await find("deployment", "edge-heddle"))?.["spec"]).toMatchObject({ replicas: 3 });
});

test("a ConfigMap that it names adds a disruption budget, which goes with it", async () => {
  const parameters = (data: object) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "wishes", namespace: NAMESPACE },
    data,
  });
  const infrastructure = { parametersRef: { group: "", kind: "ConfigMap", name: "wishes" } };
  put(parameters({ podDisruptionBudget: "spec: {minAvailable: 1}" }));
  put(gateway("budgeted", { infrastructure }));
  await expect.poll(() => there("pdb", "budgeted-heddle"), poll).toBe(true);
  put(parameters({ service: "spec: {externalTrafficPolicy: Local}" }));
  await expect.poll(() => there("pdb", "budgeted-heddle"), poll).toBe(false);
  await expect
    .poll(async () => (await find("service", "budgeted-heddle"))?.["spec"], poll)
    .toMatchObject({ externalTrafficPolicy: "Local" });
});

test("what somebody else has made under the name is left alone, and told of", async () => {
  await server.kubectl(
    ...["create", "service", "clusterip", "taken-heddle", "-n", NAMESPACE, "--tcp=1"],
  );
  put(gateway("taken"));
  await expect.poll(() => there("deployment", "taken-heddle"), poll).toBe(true);
  await expect
    .poll(() => gateways.diagnostics().map(({ code, origin }) => `${code} ${origin}`), poll)
    .toEqual([`HDL7261 Gateway ${NAMESPACE}/taken`]);
  expect(await portsOf("taken-heddle")).toEqual([1]);
  // Out of the way, it is made after all.
  await server.kubectl("delete", "service", "-n", NAMESPACE, "taken-heddle");
  await expect
    .poll(() => portsOf("taken-heddle"), { ...poll, timeout: 90_000 })
    .toEqual([15021, 80]);
  expect(gateways.diagnostics()).toEqual([]);
});

test("a Gateway that goes to another controller, or to pods of somebody else, loses what was made for it", async () => {
  put({
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "GatewayClass",
    metadata: { name: "other" },
    spec: { controllerName: "example.com/other" },
  });
  put(gateway("taken", { gatewayClassName: "other" }));
  await expect.poll(() => there("deployment", "taken-heddle"), poll).toBe(false);
  await expect.poll(() => there("service", "taken-heddle"), poll).toBe(false);
  put(
    gateway("budgeted", {
      addresses: [{ type: "Hostname", value: "mine.shop.svc.cluster.local" }],
    }),
  );
  await expect.poll(() => there("deployment", "budgeted-heddle"), poll).toBe(false);
  expect(await there("deployment", "edge-heddle")).toBe(true);
});

test("what was made for a Gateway of the plane goes when that is gone there", async () => {
  put(gateway("hosted"));
  await expect.poll(() => there("service", "hosted-heddle"), poll).toBe(true);
  const key = `gateway.networking.k8s.io/Gateway/${NAMESPACE}/hosted`;
  model.delete(key);
  gateways.objectsChanged([key]);
  await expect.poll(() => there("service", "hosted-heddle"), poll).toBe(false);
  await expect.poll(() => there("deployment", "hosted-heddle"), poll).toBe(false);
});
