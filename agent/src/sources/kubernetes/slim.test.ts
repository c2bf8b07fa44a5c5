import { kinds, parseObject } from "@heddle/model";
import { describe, expect, it } from "vitest";
import type { RawObject } from "./reflector.ts";
import { slim } from "./slim.ts";
import { watchedKinds } from "./watched.ts";

const kindOf = (name: string) => {
  const kind = watchedKinds.find(({ group, kind: word }) => `${group}/${word}` === name);
  if (!kind) throw new Error(name);
  return kind;
};
const metadata = {
  name: "web",
  namespace: "default",
  labels: { app: "web" },
  annotations: {
    "kubectl.kubernetes.io/last-applied-configuration": "{}",
    "sidecar.istio.io/inject": "true",
    "sidecar.istio.io/status": "{}",
    "other.example/note": "x",
  },
  uid: "u",
  managedFields: [{ manager: "kubectl" }],
};
const of = (name: string, rest: object) =>
  slim(kindOf(name), { metadata, ...rest } as RawObject) as Record<string, unknown>;

describe("what is kept of an object", () => {
  it("is of a pod what the mesh reads, and no more", () => {
    const pod = of("core/Pod", {
      spec: {
        serviceAccountName: "web",
        nodeName: "node1",
        volumes: [{ name: "data" }],
        containers: [
          { name: "app", image: "app:1", env: [], ports: [{ name: "http", containerPort: 80 }] },
        ],
        initContainers: [{ name: "istio-proxy", image: "envoy" }],
      },
      status: {
        phase: "Running",
        podIP: "10.0.0.1",
        podIPs: [{ ip: "10.0.0.1" }],
        containerStatuses: [{ name: "app" }],
        conditions: [
          { type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" },
          { type: "Initialized", status: "True" },
        ],
      },
    });
    expect(pod).toEqual({
      metadata: {
        ...{ name: "web", namespace: "default", labels: { app: "web" }, uid: "u" },
        annotations: { "sidecar.istio.io/inject": "true" },
      },
      spec: {
        ...{ serviceAccountName: "web", nodeName: "node1" },
        containers: [{ name: "app", ports: [{ name: "http", containerPort: 80 }] }],
        initContainers: [{ name: "istio-proxy" }],
      },
      status: {
        ...{ phase: "Running", podIP: "10.0.0.1", podIPs: [{ ip: "10.0.0.1" }] },
        conditions: [{ type: "Ready", status: "True" }],
      },
    });
    expect(parseObject({ ...pod, apiVersion: "v1", kind: "Pod" }).diagnostics).toEqual([]);
  });

  it("is of Secrets and ConfigMaps credentials and a Gateway's settings, and of all else that it is there", () => {
    const data = { "tls.crt": "YQ==", "tls.key": "Yg==", password: "Yw==" };
    expect(of("core/Secret", { type: "kubernetes.io/tls", data })).toEqual({
      type: "kubernetes.io/tls",
      metadata: { name: "web", namespace: "default", uid: "u" },
      data: { "tls.crt": "YQ==", "tls.key": "Yg==", password: "" },
    });
    const settings = { "ca.crt": "a", deployment: "{}", big: "b" };
    expect(of("core/ConfigMap", { data: settings })).toMatchObject({
      data: { "ca.crt": "a", deployment: "{}", big: "" },
    });
    expect(of("core/ConfigMap", {})).toMatchObject({ data: {} });
  });

  it("is of the mesh's own kinds all that a user wrote, right or wrong", () => {
    const spec = { hosts: ["a"], quantum: true };
    const rule = of("networking.istio.io/VirtualService", { spec, status: { x: 1 } });
    expect(rule).toEqual({
      spec,
      metadata: {
        ...{ name: "web", namespace: "default", labels: { app: "web" }, uid: "u" },
        annotations: {
          "sidecar.istio.io/inject": "true",
          "sidecar.istio.io/status": "{}",
          "other.example/note": "x",
        },
      },
    });
    expect(of("networking.istio.io/VirtualService", { spec: "no" })["spec"]).toBe("no");
  });

  it("is of every kind of the mesh and of the Gateway API watched", () => {
    const watched = new Set(watchedKinds.map(({ group, kind }) => `${group}/${kind}`));
    const missing = kinds.filter(
      ({ group, kind, foreign }) => !foreign && !watched.has(`${group}/${kind}`),
    );
    expect(missing).toEqual([]);
  });
});
