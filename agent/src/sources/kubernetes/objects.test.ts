import { describe, expect, it } from "vitest";
import type { AgentLog } from "../../log.ts";
import { createClusterObjects } from "./objects.ts";
import type { RawObject } from "./reflector.ts";
import { NODES, watchedKinds } from "./watched.ts";

const silent: AgentLog = { info() {}, warn() {}, error() {} };
const kindNamed = (name: string) => {
  const found = watchedKinds.find(({ kind }) => kind === name);
  if (!found) throw new Error(name);
  return found;
};
const raw = (name: string, rest: object = {}, metadata: object = {}): RawObject =>
  ({ metadata: { name, namespace: "default", ...metadata }, ...rest }) as RawObject;
const rule = (timeout: string) =>
  raw("web", {
    spec: { hosts: ["web"], http: [{ timeout, route: [{ destination: { host: "web" } }] }] },
  });
const KEY = "networking.istio.io/VirtualService/default/web";

describe("a cluster's objects", () => {
  it("are given on when they are others than before, and only then", () => {
    let calls = 0;
    const objects = createClusterObjects(
      () => calls++,
      () => {},
      silent,
    );
    const slices = objects.target(kindNamed("EndpointSlice"), "v1");
    const slice = (ready: boolean, version: string) =>
      raw(
        "web-1",
        { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready } }] },
        {
          resourceVersion: version,
          annotations: { "endpoints.kubernetes.io/last-change-trigger-time": version },
        },
      );
    slices.put(slice(true, "1"));
    expect([...objects.take().keys()]).toEqual(["discovery.k8s.io/EndpointSlice/default/web-1"]);
    slices.put(slice(true, "2"));
    expect([calls, objects.take().size]).toEqual([1, 0]);
    slices.put(slice(false, "3"));
    expect(objects.take().size).toBe(1);
    slices.only(new Set(["default/web-1"]));
    expect(objects.take().size).toBe(0);
    slices.only(new Set());
    expect([...objects.take().values()]).toEqual([undefined]);
    expect(objects.size).toBe(0);
  });

  it("keep what they were before they went bad, and say what is wrong and that", () => {
    const objects = createClusterObjects(
      () => {},
      () => {},
      silent,
    );
    const rules = objects.target(kindNamed("VirtualService"), "v1");
    rules.put(rule("soon"));
    expect([objects.take().size, objects.diagnostics().length]).toEqual([0, 1]);
    rules.put(rule("1s"));
    expect(objects.diagnostics()).toEqual([]);
    const good = objects.take().get(KEY)?.object;
    rules.put(rule("soon"));
    rules.only(new Set(["default/web"]));
    expect(objects.take().size).toBe(0);
    expect(objects.diagnostics()).toMatchObject([
      { origin: "VirtualService default/web", path: "spec.http[0].timeout" },
      { code: "HDL7233", origin: "VirtualService default/web" },
    ]);
    rules.put(rule("1s"));
    expect([objects.take().size, objects.diagnostics()]).toEqual([0, []]);
    expect(good).toMatchObject({ spec: { http: [{ timeout: "1s" }] } });
    rules.put(rule("soon"));
    rules.remove(rule("soon"));
    expect([objects.take().get(KEY), objects.diagnostics()]).toEqual([undefined, []]);
    expect(objects.size).toBe(0);
  });

  it("refuse what a policy is for that nobody can read, until it can be or is gone", () => {
    const objects = createClusterObjects(
      () => {},
      () => {},
      silent,
    );
    const key = "security.istio.io/AuthorizationPolicy/default/guard";
    const policies = objects.target(kindNamed("AuthorizationPolicy"), "v1");
    const policy = (app: string, port: string) => ({
      ...{ selector: { matchLabels: { app } }, action: "ALLOW" },
      rules: [{ to: [{ operation: { ports: [port] } }] }],
    });
    const put = (app: string, port: string) => {
      policies.put(raw("guard", { spec: policy(app, port) }));
      return objects.take().get(key)?.object?.spec;
    };
    const closed = (app: string) => ({ ...policy(app, ""), action: "DENY", rules: [{}] });
    expect(put("web", "http")).toEqual(closed("web"));
    expect(objects.diagnostics()).toMatchObject([
      { code: "HDL0014" },
      { code: "HDL7233", message: expect.stringContaining("refused") as unknown },
    ]);
    expect(put("shop", "http")).toEqual(closed("shop"));
    expect(put("shop", "80")).toEqual(policy("shop", "80"));
    expect(objects.diagnostics()).toEqual([]);
    // What it was before stands now.
    expect(put("shop", "http")).toBeUndefined();
    policies.remove(raw("guard"));
    expect([objects.take().get(key), objects.size]).toEqual([undefined, 0]);
  });

  it("are pods at the place of their nodes, also when that is known later, changes or goes", () => {
    const objects = createClusterObjects(
      () => {},
      () => {},
      silent,
    );
    const pods = objects.target(kindNamed("Pod"), "v1");
    const nodes = objects.target(NODES, "v1");
    const node = (zone: string) =>
      raw(
        "node1",
        {},
        { namespace: undefined, labels: { "topology.kubernetes.io/zone": zone, x: "y" } },
      );
    const zone = () => {
      const object = objects.take().get("core/Pod/default/web")?.object;
      return object ? (object.metadata.labels["topology.kubernetes.io/zone"] ?? "none") : "same";
    };
    const pod = (labels: object) => raw("web", { spec: { nodeName: "node1" } }, { labels });
    pods.put(pod({ app: "web" }));
    expect(zone()).toBe("none");
    nodes.put(node("a"));
    expect(zone()).toBe("a");
    nodes.put(node("a"));
    expect(zone()).toBe("same");
    nodes.put(node("b"));
    expect(zone()).toBe("b");
    pods.put(pod({ "topology.kubernetes.io/zone": "own" }));
    expect(zone()).toBe("own");
    pods.put(pod({}));
    expect(zone()).toBe("b");
    nodes.only(new Set());
    expect(zone()).toBe("none");
    nodes.put(node("c"));
    pods.remove(pod({}));
    objects.take();
    nodes.put(node("d"));
    expect(objects.take().size).toBe(0);
  });
});
