/** The source against a real API server: what it sees, what it survives, and what it needs to be allowed. */
import type { Diagnostic, MeshObject } from "@heddle/model";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { AgentLog } from "../../log.ts";
import { until } from "../../testing/envoy-pod.ts";
import { openAccess } from "../../kubernetes/access.ts";
import type { PolicyRule } from "../../kubernetes/rights.ts";
import { type KubernetesSource, startKubernetesSource } from "./source.ts";
import {
  AGENT_USER,
  apiServerBinary,
  type ControlPlane,
  startControlPlane,
} from "./testing/control-plane.ts";
import { definitionOf } from "./testing/definitions.ts";
import { rightsToRead, watchedKinds } from "./watched.ts";

const NAMESPACE = "/api/v1/namespaces/default";
const RULES = "/apis/networking.istio.io/v1/namespaces/default/virtualservices";
const GATEWAYS = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes";
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const RIGHTS = "/apis/rbac.authorization.k8s.io/v1/clusterroles";

const service = (name: string, port = 80) => ({
  ...{ apiVersion: "v1", kind: "Service", metadata: { name } },
  spec: { selector: { app: name }, ports: [{ name: "http", port }] },
});
const slice = (name: string, addresses: string[]) => ({
  ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4" },
  metadata: { name, labels: { "kubernetes.io/service-name": name } },
  ports: [{ name: "http", port: 80 }],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
});
const rule = (name: string, timeout = "1s") => ({
  ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name } },
  spec: { hosts: [name], http: [{ timeout, route: [{ destination: { host: name } }] }] },
});

interface Seen {
  readonly source: KubernetesSource;
  readonly objects: Map<string, MeshObject>;
  readonly diagnostics: () => readonly Diagnostic[];
  readonly updates: () => number;
  readonly logged: string[];
  /** Names of objects that went, one after the other. */
  readonly gone: string[];
  has(kind: string, name: string): boolean;
  get(kind: string, name: string): MeshObject | undefined;
}

let plane: ControlPlane;
const running: KubernetesSource[] = [];

async function follow(access = openAccess(NO_FILE, plane.pod.env, plane.pod.account)) {
  const objects = new Map<string, MeshObject>();
  const logged: string[] = [];
  const gone: string[] = [];
  let diagnostics: readonly Diagnostic[] = [];
  let updates = 0;
  const write = (message: string) => void logged.push(message);
  const log: AgentLog = { info: write, warn: write, error: write };
  const source = startKubernetesSource(
    await access,
    (update) => {
      updates++;
      ({ diagnostics } = update);
      for (const [key, value] of update.changes)
        if (value?.object) objects.set(key, value.object);
        else if (objects.delete(key)) gone.push(key.slice(key.lastIndexOf("/") + 1));
    },
    log,
  );
  running.push(source);
  const get = (kind: string, name: string) =>
    [...objects.values()].find((each) => each.kind === kind && each.metadata.name === name);
  const seen: Seen = {
    ...{ source, objects, logged, gone, get },
    diagnostics: () => diagnostics,
    updates: () => updates,
    has: (kind, name) => get(kind, name) !== undefined,
  };
  return seen;
}
const NO_FILE = { kubeconfig: undefined, context: undefined };

const ok = async (method: string, path: string, body?: object) => {
  const { status, body: answer } = await plane.ask(method, path, body);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
  return answer;
};
const define = async (name: string, versions?: readonly string[]) => {
  await ok("POST", DEFINITIONS, definitionOf(name, versions));
};
/** Until the API server serves a kind that was just defined. */
const served = (path: string) =>
  until(async () => (await plane.ask("GET", path)).status === 200, 20_000);
const allow = async (rules: readonly PolicyRule[]) => {
  const role = {
    ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole" },
    metadata: { name: "agent" },
    rules,
  };
  const { status } = await plane.ask("PUT", `${RIGHTS}/agent`, role);
  if (status === 404) await ok("POST", RIGHTS, role);
};
const SECOND = 1_000;
/** For what waits for a server that starts, on a machine that is busy. */
const LONG = 60_000;

describe.skipIf(!apiServerBinary)("a cluster as source", () => {
  beforeAll(async () => {
    plane = await startControlPlane();
    await allow(rightsToRead());
    await ok("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
      ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding" },
      metadata: { name: "agent" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "agent" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: AGENT_USER }],
    });
    await define("networking.istio.io/VirtualService");
    await served(RULES);
  }, 180_000);
  afterEach(async () => {
    await Promise.all(running.splice(0).map((source) => source.close()));
    const isUp = await plane.ask("GET", "/readyz").catch(() => undefined);
    if (!isUp) await plane.startApiServer();
    await allow(rightsToRead());
    await ok("DELETE", RULES);
  }, 180_000);
  afterAll(() => plane?.close());

  it("gives all that is there at once, then each change within a second", async () => {
    await ok("POST", `${NAMESPACE}/services`, service("web"));
    await ok("POST", RULES, rule("web"));
    await ok(
      "POST",
      `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices`,
      slice("web", ["10.1.0.1"]),
    );
    await ok("POST", "/api/v1/nodes", {
      ...{ apiVersion: "v1", kind: "Node" },
      metadata: { name: "node1", labels: { "topology.kubernetes.io/zone": "zone-a" } },
    });
    await ok("POST", `${NAMESPACE}/pods`, {
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "web-1", labels: { app: "web" } } },
      spec: { nodeName: "node1", containers: [{ name: "app", image: "app" }] },
    });
    await ok("POST", `${NAMESPACE}/secrets`, {
      ...{
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "cert" },
        type: "kubernetes.io/tls",
      },
      data: { "tls.crt": "YQ==", "tls.key": "Yg==" },
    });
    await ok("POST", `${NAMESPACE}/secrets`, {
      ...{ apiVersion: "v1", kind: "Secret", metadata: { name: "password" } },
      data: { password: "YQ==" },
    });
    const seen = await follow();
    await seen.source.synced;
    expect(seen.updates()).toBe(1);
    expect(seen.source.waiting()).toEqual([]);
    for (const [kind, name] of [
      ...[
        ["Service", "web"],
        ["Service", "kubernetes"],
        ["VirtualService", "web"],
      ],
      ...[
        ["EndpointSlice", "web"],
        ["Pod", "web-1"],
        ["Secret", "cert"],
        ["Namespace", "default"],
      ],
    ] as const)
      expect([kind, name, seen.has(kind, name)]).toEqual([kind, name, true]);
    expect(seen.get("Secret", "password")?.spec).toEqual({
      data: { password: "" },
      type: "Opaque",
    });
    expect(seen.get("Pod", "web-1")?.metadata.labels).toEqual({
      ...{ app: "web", "topology.kubernetes.io/zone": "zone-a" },
    });
    expect(JSON.stringify([...seen.objects.values()])).not.toContain("managedFields");
    expect(seen.diagnostics()).toEqual([]);

    const took: number[] = [];
    const sees = async (change: () => Promise<unknown>, check: () => boolean) => {
      const [before, began] = [seen.updates(), performance.now()];
      await change();
      await until(check, LONG);
      took.push(performance.now() - began);
      expect(seen.updates() - before).toBeLessThan(4);
    };
    await sees(
      () => ok("POST", `${NAMESPACE}/services`, service("api")),
      () => seen.has("Service", "api"),
    );
    await sees(
      () => ok("PATCH", `${RULES}/web`, { spec: rule("web", "2s").spec }),
      () => JSON.stringify(seen.get("VirtualService", "web")).includes("2s"),
    );
    await sees(
      () =>
        ok("PATCH", "/api/v1/nodes/node1", {
          metadata: { labels: { "topology.kubernetes.io/zone": "zone-b" } },
        }),
      () => JSON.stringify(seen.get("Pod", "web-1")).includes("zone-b"),
    );
    await sees(
      () => ok("DELETE", `${NAMESPACE}/services/api`),
      () => !seen.has("Service", "api"),
    );
    await sees(
      () => ok("DELETE", `${RULES}/web`),
      () => !seen.has("VirtualService", "web"),
    );
    // One may be late on a busy machine; most are not.
    expect(took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)]).toBeLessThan(SECOND);
    expect(seen.source.status().failing).toEqual([]);
  }, 120_000);

  it("reads more objects than one page has, in a few updates", async () => {
    const names = Array.from({ length: 620 }, (_, index) => `many-${index}`);
    for (let at = 0; at < names.length; at += 20)
      await Promise.all(
        names.slice(at, at + 20).map((name) =>
          ok("POST", `${NAMESPACE}/configmaps`, {
            ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name } },
            data: { "ca.crt": name },
          }),
        ),
      );
    const seen = await follow();
    await seen.source.synced;
    const count = () =>
      [...seen.objects.values()].filter(
        ({ kind, metadata }) => kind === "ConfigMap" && metadata.name.startsWith("many-"),
      ).length;
    expect([count(), seen.updates()]).toEqual([620, 1]);
    await ok("DELETE", `${NAMESPACE}/configmaps`);
    await until(() => count() === 0, LONG);
    expect(seen.updates()).toBeLessThan(620);
  }, 180_000);

  it("keeps what a bad object was before, and says what is wrong with it", async () => {
    await ok("POST", RULES, rule("bad"));
    const seen = await follow();
    await seen.source.synced;
    await ok("PATCH", `${RULES}/bad`, { spec: { quantum: true } });
    await until(() => seen.diagnostics().length > 0, LONG);
    expect(seen.diagnostics()).toMatchObject([
      { code: "HDL0010", origin: "VirtualService default/bad", path: "spec.quantum" },
      { code: "HDL7233", origin: "VirtualService default/bad" },
    ]);
    expect(seen.get("VirtualService", "bad")).toMatchObject({ spec: { hosts: ["bad"] } });
    await ok("DELETE", `${RULES}/bad`);
    await until(() => seen.diagnostics().length === 0, LONG);
    expect(seen.has("VirtualService", "bad")).toBe(false);
  }, 60_000);

  it("picks up kinds that are defined later and lets go of those that are taken away", async () => {
    const seen = await follow();
    await seen.source.synced;
    await define("gateway.networking.k8s.io/HTTPRoute", ["v1beta1", "v1"]);
    await served(GATEWAYS);
    const began = performance.now();
    await ok("POST", GATEWAYS, {
      ...{ apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute" },
      ...{ metadata: { name: "late" }, spec: { hostnames: ["late.example"] } },
    });
    await until(() => seen.has("HTTPRoute", "late"), LONG);
    // The API server itself takes a moment to tell of a new kind.
    expect(performance.now() - began).toBeLessThan(10 * SECOND);
    // Its versions may come one after the other; the best one that is there is read.
    const version = () => seen.get("HTTPRoute", "late")?.apiVersion;
    await until(() => version() === "gateway.networking.k8s.io/v1", LONG);
    await ok("DELETE", `${DEFINITIONS}/httproutes.gateway.networking.k8s.io`);
    await until(() => !seen.has("HTTPRoute", "late"), LONG);
    await until(() => seen.source.status().failing.length === 0, LONG);
    expect(seen.diagnostics()).toEqual([]);
    await define("telemetry.istio.io/Telemetry", ["v9"]);
    await until(() => seen.diagnostics().length > 0, LONG);
    expect(seen.diagnostics()).toMatchObject([
      { code: "HDL7235", origin: "telemetries.telemetry.istio.io" },
    ]);
    await ok("DELETE", `${DEFINITIONS}/telemetries.telemetry.istio.io`);
    await until(() => seen.diagnostics().length === 0, LONG);
  }, 180_000);

  it("goes on without a kind that it may not read, and reads it as soon as it may", async () => {
    const rights = rightsToRead();
    await allow(
      rights.map((each) => ({
        ...each,
        resources: each.resources.filter((name) => name !== "secrets"),
      })),
    );
    const seen = await follow();
    await seen.source.synced;
    expect(seen.has("Service", "kubernetes")).toBe(true);
    await until(() => seen.diagnostics().length > 0, LONG);
    const [first, ...others] = seen.diagnostics();
    expect(others).toEqual([]);
    expect(first).toMatchObject({ code: "HDL7231", level: "Error", origin: "secrets" });
    expect(first?.message).toContain(`User "${AGENT_USER}" cannot list resource "secrets"`);
    expect(seen.logged.filter((line) => line.startsWith("HDL7231"))).toHaveLength(1);
    await ok("POST", `${NAMESPACE}/services`, service("meanwhile"));
    await until(() => seen.has("Service", "meanwhile"), LONG);
    await allow(rights);
    await until(() => seen.has("Secret", "cert"), 90_000);
    await until(() => seen.diagnostics().length === 0, LONG);
  }, 240_000);

  it("survives a killed API server: what changed and went meanwhile is seen, and what was there stays", async () => {
    await ok("POST", `${NAMESPACE}/services`, service("stays"));
    await ok("POST", `${NAMESPACE}/services`, service("goes"));
    await ok("POST", RULES, rule("changes", "3s"));
    const seen = await follow();
    await seen.source.synced;
    await plane.killApiServer();
    await until(() => seen.diagnostics().some(({ code }) => code === "HDL7232"), LONG);
    expect(seen.diagnostics()).toHaveLength(1);
    // Another replica is there for others, and is gone when this one is back.
    await plane.whileElsewhere(async (ask) => {
      await ask("DELETE", `${NAMESPACE}/services/goes`);
      await ask("PATCH", `${RULES}/changes`, { spec: rule("changes", "4s").spec });
      await ask("POST", `${NAMESPACE}/services`, service("comes"));
    });
    expect([seen.has("Service", "stays"), seen.has("Service", "goes")]).toEqual([true, true]);
    await plane.startApiServer();
    const back = performance.now();
    await until(() => !seen.has("Service", "goes") && seen.has("Service", "comes"), LONG);
    await until(() => JSON.stringify(seen.get("VirtualService", "changes")).includes("4s"), LONG);
    expect(performance.now() - back).toBeLessThan(10 * SECOND);
    expect(seen.gone).toEqual(["goes"]);
    await until(() => seen.diagnostics().length === 0, LONG);
    await ok("POST", `${NAMESPACE}/services`, service("after"));
    expect(await until(() => seen.has("Service", "after"), LONG)).toBeLessThan(SECOND);
  }, 300_000);

  it("survives a place that expired while it was away: all is listed again, deletions too", async () => {
    await ok("POST", `${NAMESPACE}/services`, service("forgotten"));
    const seen = await follow();
    await seen.source.synced;
    await plane.killApiServer();
    await plane.whileElsewhere(async (ask, compact) => {
      await ask("DELETE", `${NAMESPACE}/services/forgotten`);
      for (let count = 0; count < 5; count++)
        await ask("POST", `${NAMESPACE}/services`, service(`new-${count}`));
      await compact();
    });
    await plane.startApiServer();
    await until(() => !seen.has("Service", "forgotten") && seen.has("Service", "new-4"), LONG);
    expect(seen.logged).toContain("a place in a watch has expired; all is listed again");
    await until(() => seen.diagnostics().length === 0, LONG);
  }, 300_000);

  it("waits for a server that is away when it starts, and says so", async () => {
    await plane.killApiServer();
    const seen = await follow();
    await until(() => seen.source.waiting().some((text) => text.startsWith("services: ")), LONG);
    expect(seen.updates()).toBe(0);
    await plane.startApiServer();
    await seen.source.synced;
    expect(seen.has("Service", "kubernetes")).toBe(true);
  }, 180_000);

  it("asks for what its role has, all of it and nothing else", async () => {
    const others = watchedKinds.filter(
      ({ builtIn, kind }) => !builtIn && kind !== "VirtualService",
    );
    for (const { group, kind } of others) await define(`${group}/${kind}`);
    const seen = await follow();
    await seen.source.synced;
    await until(() => seen.source.status().kinds === watchedKinds.length + 1, LONG);
    await until(() => seen.source.status().failing.length === 0, LONG);
    const allowed = rightsToRead().flatMap(({ apiGroups: [group], resources, verbs }) =>
      resources.flatMap((name) =>
        verbs.map((verb) => `${verb} ${name}${group === "" ? "" : `.${group}`}`),
      ),
    );
    await until(async () => (await plane.asked()).size >= allowed.length, LONG);
    expect([...(await plane.asked())].toSorted()).toEqual(allowed.toSorted());
    expect(seen.diagnostics()).toEqual([]);
  }, 300_000);

  it("reads by a kubeconfig too", async () => {
    const seen = await follow(openAccess({ kubeconfig: plane.kubeconfig, context: "test" }));
    await seen.source.synced;
    expect(seen.has("Namespace", "kube-system")).toBe(true);
  }, 120_000);
});
