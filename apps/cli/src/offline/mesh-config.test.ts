import { describe, expect, it } from "vitest";
import { readMeshConfig } from "./mesh-config.ts";
import { offlineXds } from "./xds.ts";

const read = (content: string) => readMeshConfig({ name: "mesh.yaml", content });

const WHOLE = `trustDomain: shop.example
trustDomainAliases: [cluster.local]
rootNamespace: mesh-root
outboundTrafficPolicy: { mode: REGISTRY_ONLY }
ingressClass: nginx
ingressService: edge
ingressSelector: edge
ingressControllerMode: DEFAULT
accessLogFile: ""
defaultConfig:
  concurrency: 3
  proxyMetadata: { ISTIO_META_TEAM: shop }
  tracing: { sampling: 12.5 }
  image: { imageType: distroless }
  terminationDrainDuration: 10s
`;

describe("Istio's MeshConfig", () => {
  it("becomes Heddle's settings", () => {
    expect(read(WHOLE)).toEqual({
      settings: {
        ...{ trustDomain: "shop.example", trustDomainAliases: ["cluster.local"] },
        ...{ rootNamespace: "mesh-root", outboundTrafficPolicy: "REGISTRY_ONLY" },
        ...{ ingressClass: "nginx", ingressService: "edge", ingressSelector: "edge" },
        ...{ ingressControllerMode: "DEFAULT", accessLog: false, traceSampling: 12.5 },
      },
      proxies: { concurrency: 3, environmentVariables: { ISTIO_META_TEAM: "shop" } },
      pods: {
        ...{ concurrency: 3, proxyMetadata: { ISTIO_META_TEAM: "shop" } },
        ...{ imageType: "distroless", terminationDrainDuration: 10_000 },
      },
      diagnostics: [],
    });
    expect(read("enableTracing: false\ndefaultConfig: { tracing: { sampling: 9 } }\n").settings)
      // Off is off, whatever the share would be.
      .toEqual({ traceSampling: 0 });
  });

  it("is found in the ConfigMap that holds it, with the lines of that file", () => {
    const map = `apiVersion: v1
kind: ConfigMap
metadata: { name: istio }
data:
  mesh: |-
    trustDomain: shop.example
    trustDomian: slip
`;
    expect(read(map)).toMatchObject({
      settings: { trustDomain: "shop.example" },
      diagnostics: [{ code: "HDL0010", level: "Error", reference: "mesh.yaml:7" }],
    });
  });

  it("brings the servers that policies ask, but for those that cannot be asked", () => {
    const { settings, diagnostics } = read(`extensionProviders:
- name: auth
  envoyExtAuthzGrpc: { service: foo/auth.foo.svc.cluster.local, port: 9000, timeout: 0.002s }
- name: bad
  envoyExtAuthzHttp: { service: auth.foo.svc.cluster.local, port: 999999, pathPrefix: check }
- { name: twice, envoyExtAuthzGrpc: { service: auth.foo.svc.cluster.local, port: 9000 } }
- { name: twice, envoyExtAuthzGrpc: { service: auth.foo.svc.cluster.local, port: 9001 } }
`);
    expect(settings).toEqual({
      extensionProviders: [
        {
          name: "auth",
          envoyExtAuthzGrpc: {
            service: "foo/auth.foo.svc.cluster.local",
            port: 9000,
            timeout: "0.002s",
          },
        },
      ],
    });
    expect(diagnostics.map(({ code, level, message }) => [code, level, message])).toEqual([
      ["HDL0040", "Warning", expect.stringContaining("Provider bad cannot be asked: 999999")],
      ["HDL0040", "Warning", expect.stringContaining("its name stands twice")],
      ["HDL0040", "Warning", expect.stringContaining("its name stands twice")],
    ]);
  });

  it("tells, with the line, of fields without effect, of slips, and of values that cannot stand", () => {
    const { settings, diagnostics } = read(`outboundTrafficPolicy: { mode: SOME }
enableAutoMtls: false
extensionProviders: [{ name: jaeger, zipkin: { service: j, port: 9411 } }]
meshMTLS: { minProtocolVersion: TLSV1_3 }
defaultConfig:
  meshId: mine
  concurency: 2
  tracing: { sampling: 120, zipkin: { address: "z:9411" } }
ingressClass: 5
`);
    expect(settings).toEqual({});
    expect(
      diagnostics.map(({ code, level, path, reference }) => [code, level, path, reference]),
    ).toEqual([
      ["HDL0011", "Error", "outboundTrafficPolicy", "mesh.yaml:1"],
      ["HDL0016", "Warning", "enableAutoMtls", "mesh.yaml:2"],
      ["HDL0016", "Info", "extensionProviders", "mesh.yaml:3"],
      ["HDL0016", "Warning", "meshMTLS", "mesh.yaml:4"],
      ["HDL0011", "Error", "ingressClass", "mesh.yaml:9"],
      ["HDL0016", "Warning", "defaultConfig.meshId", "mesh.yaml:6"],
      ["HDL0010", "Error", "defaultConfig.concurency", "mesh.yaml:7"],
      ["HDL0011", "Error", "defaultConfig.tracing", "mesh.yaml:8"],
      ["HDL0016", "Warning", "defaultConfig.tracing", "mesh.yaml:8"],
    ]);
    expect(diagnostics[6]?.remedy).toBe("Did you mean concurrency?");
  });

  it.each([
    ["a: [", "HDL0002"],
    ["- trustDomain", "HDL0005"],
    ["", "HDL0005"],
  ])("says of %j that it is none", (content, code) => {
    expect(read(content).diagnostics).toMatchObject([{ code, level: "Error" }]);
  });
});

describe("offline translation", () => {
  const POD = `apiVersion: v1
kind: Pod
metadata: { name: web-0, namespace: default, labels: { app: web } }
spec: { containers: [{ name: web, ports: [{ containerPort: 8080 }] }] }
status: { podIP: 10.0.0.1, phase: Running }
`;
  const xds = (options: Partial<Parameters<typeof offlineXds>[1]>) =>
    offlineXds([{ name: "pod.yaml", content: POD }], { proxy: "web-0.default", ...options });

  it("takes the mesh's trust domains from MeshConfig, and the command line's word over it", () => {
    const prefixes = (options: Partial<Parameters<typeof offlineXds>[1]>) => [
      ...new Set(
        [...JSON.stringify(xds(options).resources).matchAll(/"prefix":"(spiffe:[^"]+)"/g)].map(
          ([, prefix]) => prefix,
        ),
      ),
    ];
    expect(prefixes({})).toEqual(["spiffe://cluster.local/"]);
    const meshConfig = read(WHOLE);
    expect(prefixes({ meshConfig })).toEqual(["spiffe://shop.example/", "spiffe://cluster.local/"]);
    expect(
      prefixes({ meshConfig, trustDomain: "new.example", trustDomainAliases: ["old.example"] }),
    ).toEqual(["spiffe://new.example/", "spiffe://cluster.local/", "spiffe://old.example/"]);
  });

  it("starts proxies as defaultConfig says, where no ProxyConfig says otherwise", () => {
    const { concurrency, bootstrap } = xds({ meshConfig: read(WHOLE) });
    expect(concurrency).toBe(3);
    expect(bootstrap()).toMatchObject({ node: { metadata: { TEAM: "shop" } } });
  });
});
