/** Conditions of the Gateway API: each reason of its specification, from objects that have it. */
import {
  type GatewayApi,
  gatewayApiStatus,
  gatewayServices,
  type MeshObject,
  parseDocuments,
  type Service,
} from "@heddle/model";
import { describe, expect, test } from "vitest";
import { analyze } from "./analyze.ts";
import { gatewayApiReader, gatewayApiStatusOf } from "./gateway-api.ts";
import { MeshIndex } from "./mesh-index.ts";

const API = "gateway.networking.k8s.io";

const KEYPAIR = `{tls.crt: ${btoa("-----BEGIN CERTIFICATE-----")}, tls.key: ${btoa("-----BEGIN KEY-----")}}`;

function index(...documents: string[]): MeshIndex {
  const made = new MeshIndex();
  const { objects, diagnostics } = parseDocuments(documents.join("\n---\n"), {
    file: "in.yaml",
    defaultNamespace: "default",
  });
  expect(diagnostics.filter(({ level, code }) => level === "Error" && code !== "HDL0009")).toEqual(
    [],
  );
  for (const { object } of objects) made.put(object);
  return made;
}

/** `type=status(reason)` of some conditions. */
function said(conditions: readonly { type: string; status: string; reason: string }[]): string[] {
  return conditions.map(({ type, status, reason }) => `${type}=${status}(${reason})`);
}

const gateway = (rest: string, name = "edge") => `
apiVersion: ${API}/v1
kind: Gateway
metadata: {name: ${name}}
spec:
  gatewayClassName: heddle
  ${rest}`;
const HTTP = "listeners: [{name: http, port: 80, protocol: HTTP}]";
const service = (name: string, namespace = "default") => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${namespace}}
spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}`;
const route = (spec: string, { name = "r", namespace = "default", kind = "HTTPRoute" } = {}) => `
apiVersion: ${API}/v1
kind: ${kind}
metadata: {name: ${name}, namespace: ${namespace}}
spec: ${spec}`;
const secret = (name: string, namespace = "default", data = KEYPAIR) => `
apiVersion: v1
kind: Secret
metadata: {name: ${name}, namespace: ${namespace}}
data: ${data}`;
const grant = (namespace: string, from: string, to: string) => `
apiVersion: ${API}/v1
kind: ReferenceGrant
metadata: {name: g, namespace: ${namespace}}
spec: {from: [${from}], to: [${to}]}`;

function gatewaySays(name: string, ...documents: string[]) {
  const status = gatewayApiStatusOf(index(...documents), `${API}/Gateway/default/${name}`);
  if (!status || !("listeners" in status)) return undefined;
  return {
    conditions: said(status.conditions),
    listeners: Object.fromEntries(
      status.listeners.map((each) => [each.name, [each.attachedRoutes, ...said(each.conditions)]]),
    ),
  };
}

function routeSays(key: string, ...documents: string[]): string[][] {
  const status = gatewayApiStatusOf(index(...documents), `${API}/${key}`);
  return status && "parents" in status
    ? status.parents.map(({ conditions }) => said(conditions))
    : [];
}

const FINE = ["Accepted=True(Accepted)", "Programmed=True(Programmed)"];
const REFS = "ResolvedRefs=True(ResolvedRefs)";
const APART = "Conflicted=False(NoConflicts)";

describe("a Gateway", () => {
  test("of ours is accepted and programmed, and counts its routes", () => {
    const found = gatewaySays(
      "edge",
      gateway(HTTP),
      route("{parentRefs: [{name: edge}]}", { name: "a" }),
      route("{parentRefs: [{name: edge, sectionName: http}]}", { name: "b" }),
      route("{parentRefs: [{name: edge, sectionName: none}]}", { name: "c" }),
    );
    expect(found).toEqual({ conditions: FINE, listeners: { http: [2, ...FINE, REFS, APART] } });
  });

  test("whose own certificate cannot be used is told why", () => {
    const certificate = (reference: string) =>
      gateway(`${HTTP}\n  tls: {backend: {clientCertificateRef: ${reference}}}`);
    const says = (reference: string, ...documents: string[]) =>
      gatewaySays("edge", certificate(reference), secret("any"), ...documents)?.conditions.at(-1);
    expect(says("{name: own}")).toBe("ResolvedRefs=False(InvalidClientCertificateRef)");
    expect(says("{name: own}", secret("own"))).toBe(REFS);
    expect(says("{name: any, kind: ConfigMap}")).toBe(
      "ResolvedRefs=False(InvalidClientCertificateRef)",
    );
    const far = "{name: far, namespace: other}";
    expect(says(far, secret("far", "other"))).toBe("ResolvedRefs=False(RefNotPermitted)");
    const granted = grant(
      "other",
      `{group: ${API}, kind: Gateway, namespace: default}`,
      '{group: "", kind: Secret}',
    );
    expect(says(far, secret("far", "other"), granted)).toBe(REFS);
  });

  test("has a class that says what of the Gateway API works, in the order of names", () => {
    const own = `
apiVersion: ${API}/v1
kind: GatewayClass
metadata: {name: heddle}
spec: {controllerName: heddle.dev/gateway-controller}`;
    const status = gatewayApiStatusOf(index(own), `${API}/GatewayClass/-/heddle`);
    if (!status || !("supportedFeatures" in status)) throw new Error("a class has features");
    const names = status.supportedFeatures?.map(({ name }) => name) ?? [];
    expect(names).toContain("HTTPRoute");
    expect(names).toEqual([...new Set(names)].toSorted());
  });

  test("of another controller has nothing said of it; of a missing class it waits", () => {
    const foreign = `
apiVersion: ${API}/v1
kind: GatewayClass
metadata: {name: heddle}
spec: {controllerName: example.com/other}`;
    expect(gatewaySays("edge", gateway(HTTP), foreign)).toBeUndefined();
    const missing = gateway(HTTP).replace("heddle", "nobody");
    expect(gatewaySays("edge", missing)?.conditions).toEqual([
      "Accepted=Unknown(Pending)",
      "Programmed=Unknown(Pending)",
    ]);
  });

  test.each([
    [
      "listeners: [{name: a, port: 80, protocol: HTTP}, {name: b, port: 80, protocol: TCP}]",
      "Conflicted=True(ProtocolConflict)",
    ],
    [
      "listeners: [{name: a, port: 80, protocol: example.com/odd}]",
      "Accepted=False(UnsupportedProtocol)",
    ],
    [
      "listeners: [{name: a, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: TCPRoute}]}}]",
      "ResolvedRefs=False(InvalidRouteKinds)",
    ],
    [
      "listeners: [{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: none}]}}]",
      "ResolvedRefs=False(InvalidCertificateRef)",
    ],
    [
      "listeners: [{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: broken}]}}]",
      "ResolvedRefs=False(InvalidCertificateRef)",
    ],
    [
      "listeners: [{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: far, namespace: other}]}}]",
      "ResolvedRefs=False(RefNotPermitted)",
    ],
  ])("with %s says %s", (listeners, expected) => {
    const found = gatewaySays(
      "edge",
      gateway(listeners),
      secret("far", "other"),
      secret("broken", "default", "{tls.crt: bm8=, tls.key: bm8=}"),
    );
    expect(found?.listeners["a"]).toContain(expected);
    expect(found?.listeners["a"]).toContainEqual(
      expect.stringMatching(/^Programmed=False\((?:Invalid|HostnameConflict|ProtocolConflict)\)$/),
    );
  });

  test("takes a certificate of another namespace that grants it", () => {
    const listeners =
      "listeners: [{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: far, namespace: other}]}}]";
    const open = grant(
      "other",
      `{group: ${API}, kind: Gateway, namespace: default}`,
      '{group: "", kind: Secret}',
    );
    const found = gatewaySays("edge", gateway(listeners), secret("far", "other"), open);
    expect(found?.listeners["a"]).toEqual([0, ...FINE, REFS, APART]);
  });

  test("says where the hosts of listeners with TLS overlap, and only there", () => {
    const tls = (name: string, hostname: string, port = 443) =>
      `{name: ${name}, port: ${port}, protocol: HTTPS, hostname: "${hostname}", tls: {certificateRefs: [{name: own}]}}`;
    const found = gatewaySays(
      "edge",
      gateway(
        `listeners: [${tls("a", "foo.example.com")}, ${tls("b", "foo.example.org")}, ${tls("c", "*.example.com")}, ${tls("d", "foo.example.com", 8443)}]`,
      ),
      secret("own"),
    );
    const overlapping = "OverlappingTLSConfig=True(OverlappingHostnames)";
    const listeners = found?.listeners ?? {};
    expect(listeners["a"]).toContain(overlapping);
    expect(listeners["c"]).toContain(overlapping);
    for (const name of ["b", "d"])
      expect(JSON.stringify(listeners[name])).not.toContain("OverlappingTLSConfig");
  });

  test("asks clients for certificates of authorities that must be there", () => {
    const found = gatewaySays(
      "edge",
      gateway(`listeners: [{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: own}]}}]
  tls: {frontend: {default: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: none}]}}}}`),
      secret("own"),
    );
    expect(found?.listeners["a"]).toContain("Accepted=False(NoValidCACertificate)");
    expect(found?.listeners["a"]).toContain("ResolvedRefs=False(InvalidCACertificateRef)");
    expect(found?.conditions).toContain("ResolvedRefs=False(ListenersNotResolved)");
  });

  test.each([
    ["{type: NamedAddress, value: a}", "Accepted=False(UnsupportedAddress)"],
    ["{value: 10.0.0.1}", "Programmed=False(AddressNotAssigned)"],
  ])("with address %s says %s", (address, expected) => {
    expect(
      gatewaySays("edge", gateway(`${HTTP}\n  addresses: [${address}]`))?.conditions,
    ).toContain(expected);
  });

  describe("that is known to be served by a Service", () => {
    const served = (service: string | undefined, address = "") => {
      const made = index(
        gateway(`${HTTP}\n  addresses: [${address}]`),
        ...(service === undefined ? [] : [service]),
      );
      const object = made.entry(`${API}/Gateway/default/edge`)!.object;
      const services = gatewayServices(
        object as MeshObject<GatewayApi.Gateway>,
        "cluster.local",
      ).map((name) => made.entry(`core/Service/${name}`)?.object as MeshObject<Service>);
      const status = gatewayApiStatus(gatewayApiReader(made), object, { services });
      expect(status).toBeDefined();
      if (!status || !("addresses" in status)) throw new Error("a Gateway has addresses");
      return [said(status.conditions), status.addresses];
    };
    const balanced = (ingress: string, name = "edge-heddle") => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: default}
spec: {type: LoadBalancer, clusterIP: 10.0.0.1, ports: [{port: 80}]}
status: {loadBalancer: {ingress: [${ingress}]}}`;

    test("has the addresses that its load balancer was given", () => {
      expect(served(balanced("{ip: 192.0.2.1}, {hostname: lb.example.com}"))).toEqual([
        FINE,
        [
          { type: "IPAddress", value: "192.0.2.1" },
          { type: "Hostname", value: "lb.example.com" },
        ],
      ]);
    });

    test("waits for an address, and for the Service", () => {
      const waiting = ["Accepted=True(Accepted)", "Programmed=False(AddressNotAssigned)"];
      expect(served(balanced(""))).toEqual([waiting, []]);
      expect(served(undefined)).toEqual([waiting, []]);
    });

    test("is reached by name in the cluster where there is no load balancer", () => {
      const inside = `
apiVersion: v1
kind: Service
metadata: {name: edge-heddle, namespace: default}
spec: {type: ClusterIP, clusterIP: 10.0.0.1, ports: [{port: 80}]}`;
      expect(served(inside)).toEqual([
        FINE,
        [{ type: "Hostname", value: "edge-heddle.default.svc.cluster.local" }],
      ]);
    });

    test("has the address that it asks for, or says that it was not given it", () => {
      const given = balanced("{ip: 192.0.2.1}");
      expect(served(given, "{value: 192.0.2.1}")[0]).toEqual(FINE);
      expect(served(given, "{value: 192.0.2.7}")[0]).toContain(
        "Programmed=False(AddressNotUsable)",
      );
    });

    test("has those of the Services that it names, where somebody else deploys its pods", () => {
      const own = balanced("{ip: 192.0.2.5}", "mine");
      const found = served(own, "{type: Hostname, value: mine.default.svc.cluster.local}");
      expect(found).toEqual([FINE, [{ type: "IPAddress", value: "192.0.2.5" }]]);
    });
  });

  test("without pods, where pods are known, has no resources", () => {
    const pod = `
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {gateway.networking.k8s.io/gateway-name: another}}
spec: {containers: []}`;
    expect(gatewaySays("edge", gateway(HTTP), pod)?.conditions).toContain(
      "Programmed=False(NoResources)",
    );
  });
});

describe("a ListenerSet", () => {
  const set = (name: string, created: string, listener: string) => `
apiVersion: ${API}/v1
kind: ListenerSet
metadata: {name: ${name}, creationTimestamp: "${created}"}
spec: {parentRef: {name: edge}, listeners: [${listener}]}`;
  const says = (name: string, ...documents: string[]) => {
    const status = gatewayApiStatusOf(index(...documents), `${API}/ListenerSet/default/${name}`);
    if (!status || !("listeners" in status)) return undefined;
    return [said(status.conditions), ...status.listeners.map((each) => said(each.conditions))];
  };
  const open = gateway(`${HTTP}\n  allowedListeners: {namespaces: {from: Same}}`);

  test("is taken only where the Gateway lets it in", () => {
    const one = set("one", "2026-01-01T00:00:00Z", "{name: a, port: 81, protocol: HTTP}");
    expect(says("one", gateway(HTTP), one)?.[0]).toContain("Accepted=False(NotAllowed)");
    expect(says("one", one)?.[0]).toContain("Accepted=False(ParentNotAccepted)");
    expect(says("one", open, one)).toEqual([FINE, [...FINE, REFS, APART]]);
  });

  test("loses to the Gateway, and to an older one", () => {
    const taken = set("taken", "2026-01-01T00:00:00Z", "{name: a, port: 80, protocol: HTTP}");
    expect(says("taken", open, taken)?.[1]).toContain("Conflicted=True(HostnameConflict)");
    const older = set("older", "2026-01-01T00:00:00Z", "{name: a, port: 81, protocol: HTTP}");
    const newer = set("newer", "2026-02-01T00:00:00Z", "{name: a, port: 81, protocol: HTTP}");
    expect(says("older", open, newer, older)?.[0]).toEqual(FINE);
    expect(says("newer", open, newer, older)?.[0]).toContain("Accepted=False(ListenersNotValid)");
  });

  test("loses to the Gateway without taking its other listeners with it, and counts only where one is served", () => {
    const mixed = set(
      "mixed",
      "2026-01-01T00:00:00Z",
      "{name: a, port: 80, protocol: TCP}, {name: b, port: 80, protocol: HTTP, hostname: b.com}",
    );
    const lost = set("lost", "2026-02-01T00:00:00Z", "{name: a, port: 80, protocol: TCP}");
    const [own, a, b] = says("mixed", open, mixed, lost) ?? [];
    expect(own).toEqual(["Accepted=True(ListenersNotValid)", "Programmed=True(Programmed)"]);
    expect(a).toContain("Conflicted=True(ProtocolConflict)");
    expect(a).toContain("Programmed=False(ProtocolConflict)");
    expect(b).toContain("Programmed=True(Programmed)");
    const status = gatewayApiStatusOf(index(open, mixed, lost), `${API}/Gateway/default/edge`);
    expect(status).toMatchObject({ attachedListenerSets: 1 });
  });

  test("none of whose listeners has its certificate is not accepted", () => {
    const tls = "{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: none}]}}";
    expect(says("tls", open, secret("own"), set("tls", "2026-01-01T00:00:00Z", tls))?.[0]).toEqual([
      "Accepted=False(ListenersNotValid)",
      "Programmed=False(ListenersNotValid)",
    ]);
  });
});

describe("a route", () => {
  const backend = "rules: [{backendRefs: [{name: s, port: 80}]}]";

  test.each([
    [`{parentRefs: [{name: edge}], ${backend}}`, ["Accepted=True(Accepted)", REFS]],
    [`{parentRefs: [{name: nobody}], ${backend}}`, ["Accepted=False(NoMatchingParent)", REFS]],
    [
      `{parentRefs: [{name: edge, port: 81}], ${backend}}`,
      ["Accepted=False(NoMatchingParent)", REFS],
    ],
    [
      `{parentRefs: [{name: named}], hostnames: [other.test], ${backend}}`,
      ["Accepted=False(NoMatchingListenerHostname)", REFS],
    ],
    [`{parentRefs: [{name: grpc}], ${backend}}`, ["Accepted=False(NotAllowedByListeners)", REFS]],
    [
      "{parentRefs: [{name: edge}], rules: [{backendRefs: [{name: none, port: 80}]}]}",
      ["Accepted=True(Accepted)", "ResolvedRefs=False(BackendNotFound)"],
    ],
    [
      "{parentRefs: [{name: edge}], rules: [{backendRefs: [{kind: Bucket, group: x.y, name: b}]}]}",
      ["Accepted=True(Accepted)", "ResolvedRefs=False(InvalidKind)"],
    ],
    [
      "{parentRefs: [{name: edge}], rules: [{backendRefs: [{name: far, namespace: other, port: 80}]}]}",
      ["Accepted=True(Accepted)", "ResolvedRefs=False(RefNotPermitted)"],
    ],
    // For clients of a Service whom a namespace's own policies let in there or not.
    [
      "{parentRefs: [{group: '', kind: Service, name: s}], rules: [{backendRefs: [{name: far, namespace: other, port: 80}]}]}",
      ["Accepted=True(Accepted)", REFS],
    ],
    [
      "{parentRefs: [{name: edge}], rules: [{filters: [{type: ExtensionRef, extensionRef: {group: x.y, kind: F, name: f}}]}]}",
      ["Accepted=True(Accepted)", "ResolvedRefs=False(InvalidKind)"],
    ],
    [
      "{parentRefs: [{name: edge}], rules: [{backendRefs: [{name: s, port: 80, filters: [{type: RequestMirror, requestMirror: {backendRef: {name: s, port: 80}}}]}, {name: s, port: 80}]}]}",
      ["Accepted=False(UnsupportedValue)", REFS],
    ],
    [
      "{parentRefs: [{name: edge}], rules: [{}, {backendRefs: [{name: s, port: 80, filters: [{type: RequestMirror, requestMirror: {backendRef: {name: s, port: 80}}}]}, {name: s, port: 80}]}]}",
      ["Accepted=True(Accepted)", REFS, "PartiallyInvalid=True(UnsupportedValue)"],
    ],
    [
      "{parentRefs: [{name: edge}], rules: [{filters: [{type: ExternalAuth, externalAuth: {protocol: HTTP, http: {}, backendRef: {name: none, port: 80}}}]}]}",
      ["Accepted=True(Accepted)", "ResolvedRefs=False(BackendNotFound)"],
    ],
    [
      '{parentRefs: [{group: "", kind: Service, name: s, port: 80}], rules: []}'.replace(
        ", rules: []",
        "",
      ),
      ["Accepted=True(Accepted)", REFS],
    ],
    [
      '{parentRefs: [{group: "", kind: Service, name: s, port: 81}]}',
      ["Accepted=False(NoMatchingParent)", REFS],
    ],
    [
      "{parentRefs: [{group: networking.istio.io, kind: ServiceEntry, name: outside, sectionName: http}]}",
      ["Accepted=True(Accepted)", REFS],
    ],
    [
      "{parentRefs: [{group: networking.istio.io, kind: ServiceEntry, name: outside, port: 81}]}",
      ["Accepted=False(NoMatchingParent)", REFS],
    ],
    [
      "{parentRefs: [{group: networking.istio.io, kind: ServiceEntry, name: nobody}]}",
      ["Accepted=False(NoMatchingParent)", REFS],
    ],
  ])("%s is told %j", (spec, expected) => {
    expect(
      routeSays(
        "HTTPRoute/default/r",
        gateway(HTTP),
        gateway("listeners: [{name: http, port: 80, protocol: HTTP, hostname: a.test}]", "named"),
        gateway(
          "listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: GRPCRoute}]}}]",
          "grpc",
        ),
        service("s"),
        service("far", "other"),
        `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: outside}
spec: {hosts: [api.test], ports: [{name: http, number: 80, protocol: HTTP}], resolution: DNS}`,
        route(spec),
      ),
    ).toEqual([expected]);
  });

  test("whose filters exclude each other is told so", () => {
    const both = [
      { type: "RequestRedirect", requestRedirect: { scheme: "https" } },
      { type: "URLRewrite", urlRewrite: { hostname: "a.test" } },
    ];
    const twice = [
      { type: "URLRewrite", urlRewrite: { hostname: "a.test" } },
      { type: "URLRewrite", urlRewrite: { hostname: "b.test" } },
    ];
    // Validation refuses to write them; a cluster may have them nevertheless.
    const says = (rules: readonly object[]) => {
      const made = index(gateway(HTTP), service("s"));
      made.put({
        apiVersion: `${API}/v1`,
        kind: "HTTPRoute",
        metadata: { name: "r", namespace: "default", labels: {}, annotations: {} },
        spec: { parentRefs: [{ name: "edge" }], rules },
      });
      const status = gatewayApiStatusOf(made, `${API}/HTTPRoute/default/r`);
      return status && "parents" in status ? said(status.parents[0]?.conditions ?? []) : [];
    };
    expect(says([{ filters: both }])).toEqual(["Accepted=False(IncompatibleFilters)", REFS]);
    expect(says([{ filters: twice }])).toEqual(["Accepted=False(IncompatibleFilters)", REFS]);
    expect(says([{ filters: both }, {}])).toEqual([
      "Accepted=True(Accepted)",
      REFS,
      "PartiallyInvalid=True(IncompatibleFilters)",
    ]);
  });

  test("of gRPC and one of HTTP cannot have one host of one listener: the older one does", () => {
    const made = (kind: string, name: string, year: number, spec: string) => `
apiVersion: ${API}/v1
kind: ${kind}
metadata: {name: ${name}, creationTimestamp: "${year}-01-01T00:00:00Z"}
spec: ${spec}`;
    const two = gateway(
      "listeners: [{name: http, port: 80, protocol: HTTP}, {name: more, port: 81, protocol: HTTP}]",
    );
    const says = (kind: string, name: string, ...documents: string[]) =>
      routeSays(`${kind}/default/${name}`, two, service("s"), ...documents)[0]?.[0];
    const at = (hosts: string, section = "sectionName: http") =>
      `{parentRefs: [{name: edge, ${section}}], hostnames: [${hosts}], rules: [{backendRefs: [{name: s, port: 80}]}]}`;
    const older = made("GRPCRoute", "g", 2024, at("a.test"));
    const newer = made("HTTPRoute", "h", 2025, at('"*.test"'));
    expect(says("GRPCRoute", "g", older, newer)).toBe("Accepted=True(Accepted)");
    expect(says("HTTPRoute", "h", older, newer)).toBe("Accepted=False(HostnameConflict)");
    const oldest = made("HTTPRoute", "h", 2023, at('"*.test"'));
    expect(says("GRPCRoute", "g", older, oldest)).toBe("Accepted=False(HostnameConflict)");
    // What is not taken itself stands in nobody's way.
    const last = made("GRPCRoute", "last", 2026, at("b.test"));
    expect(says("GRPCRoute", "last", older, newer, last)).toBe("Accepted=True(Accepted)");
    const elsewhere = made("HTTPRoute", "h", 2025, at("a.test", "sectionName: more"));
    expect(says("HTTPRoute", "h", older, elsewhere)).toBe("Accepted=True(Accepted)");
    const otherHost = made("HTTPRoute", "h", 2025, at("b.test"));
    expect(says("HTTPRoute", "h", older, otherHost)).toBe("Accepted=True(Accepted)");
    const conflict = analyze(index(two, service("s"), older, newer)).find(
      ({ code, origin }) => code === "HDL0132" && origin.startsWith("HTTPRoute"),
    );
    expect(conflict).toMatchObject({ level: "Error", path: "spec.parentRefs[0]" });
    expect(conflict?.message).toContain("GRPCRoute default/g, which is older, has *.test");
  });

  test("of another namespace needs to be let in", () => {
    const from = (namespaces: string) =>
      gateway(
        `listeners: [{name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: ${namespaces}}}]`,
      );
    const far = route("{parentRefs: [{name: edge, namespace: default}]}", { namespace: "far" });
    const says = (namespaces: string, ...more: string[]) =>
      routeSays("HTTPRoute/far/r", from(namespaces), far, ...more)[0]?.[0];
    expect(says("{from: Same}")).toBe("Accepted=False(NotAllowedByListeners)");
    expect(says("{from: All}")).toBe("Accepted=True(Accepted)");
    const selector = "{from: Selector, selector: {matchLabels: {open: yes}}}".replace(
      "yes",
      '"yes"',
    );
    expect(says(selector)).toBe("Accepted=False(NotAllowedByListeners)");
    const labelled =
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: far, labels: {open: "yes"}}';
    expect(says(selector, labelled)).toBe("Accepted=True(Accepted)");
  });
});

describe("a BackendTLSPolicy", () => {
  const policy = (name: string, spec: string, created = "2026-01-01T00:00:00Z") => `
apiVersion: ${API}/v1
kind: BackendTLSPolicy
metadata: {name: ${name}, creationTimestamp: "${created}"}
spec: {targetRefs: [{group: "", kind: Service, name: s}], validation: {hostname: s.test, ${spec}}}`;
  const says = (name: string, ...documents: string[]) => {
    const status = gatewayApiStatusOf(
      index(...documents, secret("any")),
      `${API}/BackendTLSPolicy/default/${name}`,
    );
    return status && "ancestors" in status ? said(status.ancestors[0]?.conditions ?? []) : [];
  };
  const system = "wellKnownCACertificates: System";

  test("says what became of it", () => {
    expect(says("p", policy("p", system), service("s"))).toEqual(["Accepted=True(Accepted)", REFS]);
    expect(says("p", policy("p", system), service("t"))[0]).toBe("Accepted=False(TargetNotFound)");
    expect(
      says("p", policy("p", system, "2026-02-01T00:00:00Z"), policy("o", system), service("s"))[0],
    ).toBe("Accepted=False(Conflicted)");
    const bundle = (kind: string) => `caCertificateRefs: [{group: "", kind: ${kind}, name: none}]`;
    expect(says("p", policy("p", bundle("ConfigMap")), service("s"))).toEqual([
      "Accepted=False(NoValidCACertificate)",
      "ResolvedRefs=False(InvalidCACertificateRef)",
    ]);
    expect(says("p", policy("p", bundle("Pod")), service("s"))[1]).toBe(
      "ResolvedRefs=False(InvalidKind)",
    );
  });

  test("has the Gateways that lead to its Services as ancestors, and where there are none the Services", () => {
    const ancestors = (...documents: string[]) => {
      const made = index(policy("p", system), service("s"), ...documents);
      const status = gatewayApiStatusOf(made, `${API}/BackendTLSPolicy/default/p`);
      if (!status || !("ancestors" in status)) throw new Error("a policy has ancestors");
      return status.ancestors.map(({ ancestorRef }) => ancestorRef);
    };
    const leading = route(
      "{parentRefs: [{name: edge}], rules: [{backendRefs: [{name: s, port: 80}]}]}",
    );
    const own = { group: "", kind: "Service", name: "s" };
    expect(ancestors()).toEqual([own]);
    // A route that no Gateway takes leads nowhere.
    expect(ancestors(leading)).toEqual([own]);
    expect(ancestors(leading, gateway(HTTP))).toEqual([
      { group: API, kind: "Gateway", namespace: "default", name: "edge" },
    ]);
  });
});

test("what is wrong with them is found by analysis, with its place", () => {
  const found = analyze(
    index(
      gateway(
        "listeners: [{name: a, port: 80, protocol: HTTP}, {name: b, port: 80, protocol: TCP}]",
      ),
      service("s"),
      route("{parentRefs: [{name: nobody}], rules: [{backendRefs: [{name: none, port: 80}]}]}"),
    ),
  );
  expect(found.map(({ code, path, level }) => `${code} ${level} ${path}`)).toEqual([
    "HDL0132 Error spec.listeners[0]",
    "HDL0132 Error spec.listeners[1]",
    "HDL0130 Warning spec.parentRefs[0]",
    "HDL0131 Warning spec.rules[0].backendRefs[0]",
  ]);
});
