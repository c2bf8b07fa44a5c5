/** Two replicas of an agent and a real API server, with the rights of infra/kubernetes alone: what stands in the status of objects. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningAgent, startAgent } from "../agent.ts";
import type { AgentLog } from "../log.ts";
import { parseAgentOptions } from "../options.ts";
import { giveAgentRights, OWN_NAMESPACE } from "../sources/kubernetes/testing/agent-rights.ts";
import {
  apiServerBinary,
  type ControlPlane,
  startControlPlane,
} from "../sources/kubernetes/testing/control-plane.ts";
import { definitionOf } from "../sources/kubernetes/testing/definitions.ts";
import { until } from "../testing/envoy-pod.ts";

const GATEWAY_API = "/apis/gateway.networking.k8s.io/v1";
const RULES = "/apis/networking.istio.io/v1/namespaces/default/virtualservices";
const ROUTES = `${GATEWAY_API}/namespaces/default/httproutes`;
const LONG = 60_000;
const KINDS = {
  "gateway.networking.k8s.io": ["GatewayClass", "Gateway", "HTTPRoute"],
  "networking.istio.io": ["VirtualService"],
};

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}
interface RouteParent {
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

let folder: string;
let plane: ControlPlane;
const logged: string[] = [];
const agents: { name: string; agent: RunningAgent }[] = [];

const ok = async (method: string, to: string, body?: object) => {
  const { status, body: answer } = await plane.ask(method, to, body);
  if (status >= 300) throw new Error(`${method} ${to}: ${status} ${JSON.stringify(answer)}`);
  return answer;
};
const start = async (name: string) => {
  const note = (message: string, fields?: object) =>
    void logged.push(`${name}: ${message} ${JSON.stringify(fields ?? {})}`);
  const log: AgentLog = { info: note, warn: note, error: note };
  const flags = {
    ...{ standalone: true, kubeconfig: plane.agentKubeconfig, state: path.join(folder, name) },
    ...{ metrics: "off", xdsTls: "off", roles: "control" },
  };
  const pod = { POD_NAME: name, POD_NAMESPACE: OWN_NAMESPACE };
  agents.push({ name, agent: await startAgent(parseAgentOptions(flags, pod), log) });
};
const statusOf = async (to: string) =>
  ((await ok("GET", to))["status"] ?? {}) as Record<string, unknown>;
const metadataOf = async (to: string) =>
  (await ok("GET", to))["metadata"] as { generation: number; resourceVersion: string };
const conditionsOf = async (to: string) =>
  ((await statusOf(to))["conditions"] ?? []) as readonly Condition[];
const parentsOf = async (name: string) =>
  ((await statusOf(`${ROUTES}/${name}`))["parents"] ?? []) as readonly RouteParent[];
const ours = async (name: string) =>
  (await parentsOf(name)).find((each) => each.controllerName.startsWith("heddle.dev/"))
    ?.conditions ?? [];
const saying = (conditions: readonly Condition[]) =>
  conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);
const route = (name: string, backend: string) => ({
  ...{ apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", metadata: { name } },
  spec: {
    parentRefs: [{ name: "front" }],
    rules: [{ backendRefs: [{ name: backend, port: 80 }] }],
  },
});
const leader = async () => {
  const lease = `/apis/coordination.k8s.io/v1/namespaces/${OWN_NAMESPACE}/leases/heddle-agent-leader`;
  const { body } = await plane.ask("GET", lease);
  return (body["spec"] as { holderIdentity?: string } | undefined)?.holderIdentity ?? "";
};

describe.skipIf(!apiServerBinary)("the status of a cluster's objects", () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-status-"));
    plane = await startControlPlane();
    await giveAgentRights(plane);
    const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    for (const [group, kinds] of Object.entries(KINDS))
      for (const kind of kinds) await ok("POST", definitions, definitionOf(`${group}/${kind}`));
    for (const to of [ROUTES, RULES, `${GATEWAY_API}/gatewayclasses`, `${GATEWAY_API}/gateways`])
      await until(async () => (await plane.ask("GET", to)).status === 200, LONG);
    await ok("POST", `${GATEWAY_API}/gatewayclasses`, {
      ...{ apiVersion: "gateway.networking.k8s.io/v1", kind: "GatewayClass" },
      ...{
        metadata: { name: "heddle" },
        spec: { controllerName: "heddle.dev/gateway-controller" },
      },
    });
    await ok("POST", `${GATEWAY_API}/namespaces/default/gateways`, {
      ...{
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "Gateway",
        metadata: { name: "front" },
      },
      spec: {
        gatewayClassName: "heddle",
        listeners: [{ name: "http", port: 80, protocol: "HTTP" }],
      },
    });
    await start("replica-a");
    await until(async () => (await leader()) === "replica-a", LONG);
    await start("replica-b");
  }, 240_000);
  afterAll(async () => {
    await Promise.all(agents.map(({ agent }) => agent.close()));
    await plane?.close();
    await rm(folder, { recursive: true, force: true });
  }, LONG);

  it("of the Gateway API has conditions of the generation that is in force, with other controllers' beside", async () => {
    await ok("POST", ROUTES, route("shop", "shop"));
    const other = {
      parentRef: { name: "elsewhere" },
      controllerName: "example.com/other",
      conditions: [],
    };
    await ok("PATCH", `${ROUTES}/shop/status`, { status: { parents: [other] } });
    await until(async () => (await ours("shop")).length === 2, LONG);
    expect(saying(await ours("shop"))).toEqual([
      "Accepted=True Accepted",
      "ResolvedRefs=False BackendNotFound",
    ]);
    expect(await parentsOf("shop")).toContainEqual(other);
    const before = (await ours("shop"))[0]?.lastTransitionTime;

    await ok("POST", "/api/v1/namespaces/default/services", {
      ...{ apiVersion: "v1", kind: "Service", metadata: { name: "shop" } },
      spec: { ports: [{ port: 80 }] },
    });
    const resolved = async () => saying(await ours("shop"))[1] === "ResolvedRefs=True ResolvedRefs";
    await until(resolved, LONG);
    expect((await ours("shop"))[0]?.lastTransitionTime).toBe(before);

    const spec = { hostnames: ["shop.example.com"] };
    await ok("PATCH", `${ROUTES}/shop`, { spec });
    const { generation } = await metadataOf(`${ROUTES}/shop`);
    expect(generation).toBe(2);
    const upToDate = async () =>
      (await ours("shop")).every(({ observedGeneration }) => observedGeneration === generation);
    await until(upToDate, LONG);
    expect(await parentsOf("shop")).toContainEqual(other);

    const front = `${GATEWAY_API}/namespaces/default/gateways/front`;
    const { listeners } = await statusOf(front);
    expect(listeners).toMatchObject([{ name: "http", attachedRoutes: 1 }]);
    expect(saying(await conditionsOf(front))).toEqual([
      "Accepted=True Accepted",
      expect.stringMatching(/^Programmed=False (NoResources|AddressNotAssigned)$/),
    ]);
    expect(saying(await conditionsOf(`${GATEWAY_API}/gatewayclasses/heddle`))).toContain(
      "Accepted=True Accepted",
    );
  }, 120_000);

  it("of Istio's kinds says what is wrong with them, until it is not", async () => {
    const rule = (name: string, host: string) => ({
      ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name } },
      spec: { hosts: [name], http: [{ route: [{ destination: { host } }] }] },
    });
    for (const name of ["fine", "bad"])
      await ok("POST", "/api/v1/namespaces/default/services", {
        ...{ apiVersion: "v1", kind: "Service", metadata: { name } },
        spec: { ports: [{ port: 80 }] },
      });
    await ok("POST", RULES, rule("fine", "shop"));
    await ok("POST", RULES, rule("bad", "bogus"));
    const messages = async (name: string) =>
      (await statusOf(`${RULES}/${name}`))["validationMessages"];
    await until(async () => (await messages("bad")) !== undefined, LONG);
    expect(await messages("bad")).toMatchObject([{ type: { code: "IST0101" }, level: "WARNING" }]);
    const [condition] = await conditionsOf(`${RULES}/bad`);
    expect(condition).toMatchObject({
      ...{ type: "heddle.dev/Valid", status: "True", reason: "IST0101" },
      message: expect.stringContaining("bogus"),
    });
    await ok("PATCH", `${RULES}/bad`, rule("bad", "shop"));
    await until(async () => JSON.stringify(await messages("bad")) === "[]", LONG);
    expect((await statusOf(`${RULES}/bad`))["observedGeneration"]).toBe(2);
    expect(await statusOf(`${RULES}/fine`)).toEqual({});
  }, 120_000);

  it("is written only where it says something new, and by the leader alone", async () => {
    const places = [`${ROUTES}/shop`, `${RULES}/bad`, `${GATEWAY_API}/gatewayclasses/heddle`];
    const versions = () =>
      Promise.all(places.map(async (to) => (await metadataOf(to)).resourceVersion));
    const before = await versions();
    // Something that is looked at again for: another route, whose own status is the sign that it was.
    await ok("POST", ROUTES, route("second", "shop"));
    await until(async () => (await ours("second")).length === 2, LONG);
    expect(await versions()).toEqual(before);

    const first = agents.findIndex(({ name }) => name === "replica-a");
    await agents.splice(first, 1)[0]?.agent.close();
    const began = performance.now();
    await until(async () => (await leader()) === "replica-b", LONG);
    // It was given back, and did not have to run out.
    expect(performance.now() - began).toBeLessThan(10_000);
    await ok("POST", ROUTES, route("third", "none"));
    await until(async () => (await ours("third")).length === 2, LONG);
    expect(await versions()).toEqual(before);
    expect(logged.filter((line) => line.includes("HDL727"))).toEqual([]);
  }, 120_000);
});
