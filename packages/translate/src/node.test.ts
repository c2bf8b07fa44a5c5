import { describe, expect, it } from "vitest";
import { parseNode } from "./node.ts";

describe("parseNode", () => {
  it("reads a sidecar's id and metadata", () => {
    expect(
      parseNode({
        id: "sidecar~10.1.0.9~web-5d8c7b9f4-abcde.shop~shop.svc.cluster.local",
        metadata: {
          NAMESPACE: "shop",
          LABELS: { app: "web", odd: 1 },
          SERVICE_ACCOUNT: "web",
          CLUSTER_ID: "c1",
          INSTANCE_IPS: "10.1.0.9,fd00::9",
          INTERCEPTION_MODE: "NONE",
          HTTP_PROXY_PORT: "15080",
          APP_ADDRESS: "127.9.1.1",
          HEDDLE_ON_DEMAND: true,
          HEDDLE_COHORT: "candidate",
        },
        locality: { region: "r1", zone: "z1", subZone: "s1" },
      }),
    ).toEqual({
      id: "sidecar~10.1.0.9~web-5d8c7b9f4-abcde.shop~shop.svc.cluster.local",
      type: "sidecar",
      addresses: ["10.1.0.9", "fd00::9"],
      pod: "web-5d8c7b9f4-abcde",
      namespace: "shop",
      labels: { app: "web" },
      serviceAccount: "web",
      clusterId: "c1",
      locality: { region: "r1", zone: "z1", subzone: "s1" },
      interception: "NONE",
      httpProxyPort: 15_080,
      appAddress: "127.9.1.1",
      proxyless: false,
      onDemand: true,
      dnsCapture: false,
      cohort: "candidate",
      metadata: expect.objectContaining({ NAMESPACE: "shop", CLUSTER_ID: "c1" }),
    });
  });

  it("knows a gateway by its id", () => {
    expect(
      parseNode({ id: "router~10.1.0.9~edge.ingress~ingress.svc.cluster.local" }),
    ).toMatchObject({
      type: "router",
      namespace: "ingress",
    });
  });

  it("keeps dots in a pod's name out of its namespace", () => {
    const { pod, namespace } = parseNode({
      id: "sidecar~10.1.0.9~a.b.shop~shop.svc.cluster.local",
    });
    expect([pod, namespace]).toEqual(["a.b", "shop"]);
  });

  it.each([undefined, "", "x", "~~~", "a.b.c", "sidecar~~~shop.svc.cluster.local"])(
    "describes a client that gives %j as its id",
    (id) => {
      const proxy = parseNode(id === undefined ? {} : { id });
      expect(proxy.type).toBe("sidecar");
      expect(proxy.namespace).not.toBe("");
      expect(proxy.interception).toBe("REDIRECT");
    },
  );

  it("knows gRPC's own clients by what they call themselves", () => {
    expect(parseNode({ userAgentName: "gRPC Node Pure JS" }).proxyless).toBe(true);
    expect(parseNode({ userAgentName: "envoy" }).proxyless).toBe(false);
  });

  it("has its HTTP proxy elsewhere than at its address where it says so", () => {
    const at = (address: unknown) =>
      parseNode({ metadata: { HTTP_PROXY_ADDRESS: address } }).httpProxyAddress;
    expect(at("127.0.0.1")).toBe("127.0.0.1");
    for (const none of [undefined, "", "localhost", 1]) expect(at(none)).toBeUndefined();
  });

  it.each(["0", "65536", "x", -1, null])("has no HTTP proxy at port %j", (port) => {
    expect(parseNode({ metadata: { HTTP_PROXY_PORT: port } }).httpProxyPort).toBeUndefined();
  });
});
