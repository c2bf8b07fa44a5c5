import { describe, expect, test } from "vitest";
import { parseDocuments } from "../parse-documents.ts";
import type { EndpointSlice, Pod, Service } from "../kinds/kubernetes.ts";
import type { MeshObject } from "../object.ts";
import { endpointsOf, serviceNameOf } from "./endpoint.ts";
import { protocolOf } from "./protocol.ts";
import { serviceOf } from "./service.ts";
import { workloadOfPod } from "./workload.ts";

function read(text: string): MeshObject[] {
  const { objects, diagnostics } = parseDocuments(text, { file: "test.yaml" });
  expect(diagnostics).toEqual([]);
  return objects.map(({ object }) => object);
}

describe("protocol of a port", () => {
  test.each([
    [{ name: "http" }, "HTTP"],
    [{ name: "http2-web" }, "HTTP2"],
    [{ name: "grpc-web-x" }, "GRPC-WEB"],
    [{ name: "grpc" }, "GRPC"],
    [{ name: "HTTPS-x" }, "HTTPS"],
    [{ name: "httpx" }, "AUTO"],
    [{ name: "web" }, "AUTO"],
    [{}, "AUTO"],
    [{ port: 3306 }, "TCP"],
    [{ name: "mysql", port: 3306 }, "MYSQL"],
    [{ name: "tcp", appProtocol: "http" }, "HTTP"],
    [{ name: "http", appProtocol: "kubernetes.io/h2c" }, "HTTP2"],
    [{ appProtocol: "kubernetes.io/ws" }, "HTTP"],
    [{ name: "http", protocol: "UDP" as const }, "UDP"],
    [{ name: "constructor" }, "AUTO"],
  ])("%j is %s", (port, protocol) => expect(protocolOf({ port: 80, ...port })).toBe(protocol));
});

const SERVICE = `
apiVersion: v1
kind: Service
metadata:
  name: reviews
  namespace: shop
  labels: {app: reviews}
  annotations: {networking.istio.io/exportTo: "., other"}
spec:
  clusterIP: 10.0.0.7
  selector: {app: reviews}
  ports:
    - {name: http, port: 9080, targetPort: web}
    - {name: tcp-x, port: 9090}
status: {loadBalancer: {}}
`;

describe("services", () => {
  test("reads a service", () => {
    const [service] = read(SERVICE);
    expect(serviceOf(service as MeshObject<Service>)).toEqual({
      host: "reviews.shop.svc.cluster.local",
      name: "reviews",
      namespace: "shop",
      clusterIPs: ["10.0.0.7"],
      subnets: [],
      origin: "Service",
      resolution: "ENDPOINTS",
      external: false,
      headless: false,
      ports: [
        { name: "http", port: 9080, targetPort: "web", protocol: "HTTP" },
        { name: "tcp-x", port: 9090, targetPort: 9090, protocol: "TCP" },
      ],
      labels: { app: "reviews" },
      selector: { app: "reviews" },
      key: "core/Service/shop/reviews",
      subjectAltNames: [],
      exportTo: [".", "other"],
    });
  });

  test("tells headless services and external names", () => {
    const [headless, external] = read(`
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, ports: [{port: 5432}]}
---
apiVersion: v1
kind: Service
metadata: {name: out}
spec: {type: ExternalName, externalName: example.com}
`).map((object) => serviceOf(object as MeshObject<Service>));
    expect(headless).toMatchObject({ headless: true, clusterIPs: [] });
    expect(external).toMatchObject({ headless: false, externalName: "example.com", ports: [] });
  });
});

const SLICE = `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: reviews-x, namespace: shop, labels: {kubernetes.io/service-name: reviews}}
addressType: IPv4
ports: [{name: http, port: 8080}, {name: tcp-x, port: 9090}]
endpoints:
  - addresses: [10.1.0.1]
    zone: a
    targetRef: {kind: Pod, name: reviews-v1-5d9c-abcde}
  - addresses: [10.1.0.2]
    conditions: {ready: false}
---
apiVersion: v1
kind: Pod
metadata:
  name: reviews-v1-5d9c-abcde
  namespace: shop
  labels: {app: reviews, version: v1, pod-template-hash: 5d9c}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: reviews-v1-5d9c, controller: true}]
spec:
  serviceAccountName: bookinfo-reviews
  containers: [{name: reviews}, {name: istio-proxy}]
status: {podIP: 10.1.0.1}
`;

describe("endpoints", () => {
  const [slice, pod] = read(SLICE) as [MeshObject<EndpointSlice>, MeshObject<Pod>];
  const pods = {
    byName: (_namespace: string, name: string) => (name === pod.metadata.name ? pod : undefined),
    byAddress: () => undefined,
  };

  test("gives one for each address and port, with what the pod says of itself", () => {
    const endpoints = endpointsOf(slice, pods, { clusterId: "c1" });
    expect(serviceNameOf(slice)).toBe("reviews");
    expect(endpoints.map(({ address, port, ready }) => [address, port, ready])).toEqual([
      ["10.1.0.1", 8080, true],
      ["10.1.0.1", 9090, true],
      ["10.1.0.2", 8080, false],
      ["10.1.0.2", 9090, false],
    ]);
    expect(endpoints[0]).toEqual({
      address: "10.1.0.1",
      port: 8080,
      portName: "http",
      ready: true,
      labels: pod.metadata.labels,
      namespace: "shop",
      pod: "reviews-v1-5d9c-abcde",
      workload: "reviews-v1",
      app: "reviews",
      version: "v1",
      serviceAccount: "bookinfo-reviews",
      canonicalService: "reviews",
      canonicalRevision: "v1",
      clusterId: "c1",
      locality: { region: "", zone: "a", subzone: "" },
      mtls: true,
      weight: 1,
    });
    expect(endpoints[2]).toMatchObject({ pod: "", workload: "", mtls: false, locality: undefined });
  });

  test("names workloads by what made the pod", () => {
    const owned = (kind: string, name: string, labels = {}) =>
      workloadOfPod({
        ...pod,
        metadata: {
          ...pod.metadata,
          labels,
          ownerReferences: [{ apiVersion: "v1", kind, name, controller: true }],
        },
      }).workload;
    expect(owned("StatefulSet", "db")).toBe("db");
    expect(owned("Job", "nightly-28123456")).toBe("nightly");
    expect(owned("Job", "once")).toBe("once");
    expect(owned("ReplicaSet", "x-abc", { "pod-template-hash": "abc" })).toBe("x");
    expect(owned("ReplicaSet", "x-abc", { "service.istio.io/workload-name": "y" })).toBe("y");
  });
});
