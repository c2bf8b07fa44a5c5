import type { Diagnostic, MeshObject, ParsedObject } from "@heddle/model";
import { parseDocuments } from "@heddle/model";
import { describe, expect, test } from "vitest";
import { analyze } from "./analyze.ts";
import type { AnalysisOptions } from "./analyze.ts";
import { MeshIndex } from "./mesh-index.ts";

function parse(text: string): ParsedObject[] {
  const { objects, diagnostics } = parseDocuments(text, { file: "mesh.yaml" });
  expect(diagnostics.filter(({ level, code }) => level === "Error" && code !== "HDL0009")).toEqual(
    [],
  );
  return objects;
}

const find = (text: string, options?: AnalysisOptions) => analyze(parse(text), options);
const brief = (found: readonly Diagnostic[]) =>
  found.map(({ code, level, origin }) => `${code} ${level} ${origin}`);

const service = (name: string, ports: readonly number[], annotations = "") => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, annotations: {${annotations}}}
spec: {ports: [${ports.map((port) => `{name: http-${port}, port: ${port}}`).join(", ")}]}
---`;

const rule = (name: string, destination: string, more = "") => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}}
spec:
  hosts: [${name}]
  ${more}
  http:
    - route: [{destination: ${destination}}]
---`;

const destinationRule = (name: string, spec: string) => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}}
spec: ${spec}
---`;

const gateway = (name: string, protocol: string, more = "") => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: ${name}}
spec:
  selector: {istio: ingressgateway}
  servers:
    - port: {number: 443, name: p, protocol: ${protocol}}
      hosts: [shop.example.com]
      ${more}
---`;

describe("references", () => {
  test("warns of a host that no service has, in Istio's words, with file and line", () => {
    expect(find(service("reviews", [9080]) + rule("reviews", "{host: reviws}"))).toEqual([
      {
        code: "IST0101",
        level: "Warning",
        message: 'Referenced host not found: "reviws"',
        origin: "VirtualService default/reviews",
        reference: "mesh.yaml:14",
        path: "spec.http[0].route[0].destination.host",
        remedy: "Mend the name, or add what is missing.",
      },
    ]);
  });

  test("makes it an error under strict", () => {
    const text = service("reviews", [9080]) + rule("reviews", "{host: reviws}");
    expect(brief(find(text, { strict: true }))).toEqual([
      "IST0101 Error VirtualService default/reviews",
    ]);
  });

  test("says nothing of hosts where no services are known", () => {
    expect(find(rule("reviews", "{host: reviews}"))).toEqual([]);
  });

  test("tells an entry that a Service comes before it", () => {
    const entry = (namespace: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: twin, namespace: ${namespace}}
spec: {hosts: [Reviews.default.svc.cluster.local, reviews.example.com]}
---`;
    const found = find(service("reviews", [80]) + entry("default") + entry("other"));
    expect(found.map(({ code, level, path }) => [code, level, path])).toEqual([
      ["HDL0107", "Warning", "spec.hosts[0]"],
      ["HDL0107", "Warning", "spec.hosts[0]"],
    ]);
    expect(found[0]?.message).toContain("only subjectAltNames counts");
    expect(found[1]?.message).toContain("nothing counts");
  });

  test("says nothing of hosts inside where only some outside are known", () => {
    const entry = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out}
spec: {hosts: [example.com]}
---`;
    expect(find(entry + rule("reviews", "{host: reviews}"))).toEqual([]);
  });

  test("takes services that a cluster reported for known", () => {
    const services = [
      {
        host: "reviews.default.svc.cluster.local",
        namespace: "default",
        ports: [9080],
        exportTo: [],
      },
    ];
    expect(find(rule("reviews", "{host: reviews}"), { services })).toEqual([]);
    expect(brief(find(rule("ratings", "{host: ratings}"), { services }))).toEqual([
      "IST0101 Warning VirtualService default/ratings",
    ]);
  });

  test("finds a port that a service has not, and one that is needed", () => {
    const text =
      service("one", [80]) +
      service("two", [80, 443]) +
      rule("one", "{host: one, port: {number: 81}}") +
      rule("two", "{host: two}");
    expect(brief(find(text))).toEqual([
      "IST0101 Warning VirtualService default/one",
      "IST0112 Warning VirtualService default/two",
    ]);
  });

  test("does not see a service that is exported elsewhere", () => {
    const text =
      service("reviews", [80], '"networking.istio.io/exportTo": "other"') +
      rule("reviews", "{host: reviews}");
    expect(brief(find(text))).toEqual(["IST0101 Warning VirtualService default/reviews"]);
  });

  test("finds a subset that no destination rule has, also in a mirror", () => {
    const text =
      rule("reviews", "{host: reviews, subset: v9}", "") +
      destinationRule("reviews", "{host: reviews, subsets: [{name: v1, labels: {version: v1}}]}");
    expect(find(text)[0]?.message).toBe(
      'Referenced host+subset in destinationrule not found: "reviews+v9"',
    );
    expect(find(text.replace("v9", "v1"))).toEqual([]);
  });

  test("finds a gateway that is not there, and hosts that it does not listen for", () => {
    const bound = rule("shop", "{host: shop}", "gateways: [edge]");
    expect(find(bound).map(({ message }) => message)).toEqual([
      'Referenced gateway not found: "edge"',
      "one or more host [shop] defined in VirtualService default/shop not found in Gateway default/edge.",
    ]);
    expect(brief(find(bound + gateway("edge", "HTTP")))).toEqual([
      "IST0132 Warning VirtualService default/shop",
    ]);
    const heard = bound.replace("hosts: [shop]", "hosts: [shop.example.com]");
    expect(find(heard + gateway("edge", "HTTP"))).toEqual([]);
  });

  test("finds a gateway's workload and credential missing where pods are known", () => {
    const tls = "tls: {mode: SIMPLE, credentialName: shop}";
    const pod = (label: string) => `
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: istio-system, labels: {istio: ${label}}}
---`;
    const secret = `
apiVersion: v1
kind: Secret
metadata: {name: shop, namespace: istio-system}
---`;
    const edge = gateway("edge", "HTTPS", tls);
    expect(find(edge)).toEqual([]);
    expect(find(edge + pod("other"))[0]?.message).toBe(
      'Referenced selector not found: "istio=ingressgateway"',
    );
    expect(find(edge + pod("ingressgateway"))[0]?.message).toBe(
      'Referenced credentialName not found: "shop"',
    );
    expect(find(edge + pod("ingressgateway") + secret)).toEqual([]);
  });
});

describe("conflicts", () => {
  const twice =
    rule("reviews", "{host: a}") +
    rule("reviews", "{host: b}").replace("name: reviews", "name: again");

  test("refuses one mesh host in two rules, and names both on both", () => {
    const found = find(twice);
    expect(brief(found)).toEqual([
      "IST0109 Error VirtualService default/again",
      "IST0109 Error VirtualService default/reviews",
    ]);
    for (const { message } of found) expect(message).toContain("default/again,default/reviews");
  });

  test("keeps a warning on each under force", () => {
    expect(brief(find(twice, { force: true }))).toEqual([
      "IST0109 Warning VirtualService default/again",
      "IST0109 Warning VirtualService default/reviews",
    ]);
  });

  test("sees one host behind a short and a full name", () => {
    const full = twice.replace("hosts: [reviews]", "hosts: [reviews.default.svc.cluster.local]");
    expect(find(full).length).toBe(2);
  });

  test("lets rules be that nobody sees together", () => {
    const apart = twice
      .replace("hosts: [reviews]", "hosts: [reviews]\n  exportTo: [a]")
      .replace(/(again[^]*hosts: \[reviews\])/, "$1\n  exportTo: [b]");
    expect(find(apart)).toEqual([]);
  });

  test("refuses two destination rules that set the same thing", () => {
    const policy = "{host: reviews, trafficPolicy: {loadBalancer: {simple: RANDOM}}}";
    expect(brief(find(destinationRule("a", policy) + destinationRule("b", policy)))).toEqual([
      "HDL0101 Error DestinationRule default/a",
      "HDL0101 Error DestinationRule default/b",
    ]);
  });

  test("only warns of destination rules that add subsets to each other", () => {
    const subset = (name: string) =>
      `{host: reviews, subsets: [{name: ${name}, labels: {version: ${name}}}]}`;
    expect(
      brief(find(destinationRule("a", subset("v1")) + destinationRule("b", subset("v2")))),
    ).toEqual([
      "HDL0101 Warning DestinationRule default/a",
      "HDL0101 Warning DestinationRule default/b",
    ]);
    expect(
      brief(find(destinationRule("a", subset("v1")) + destinationRule("b", subset("v1")))),
    ).toContain("HDL0101 Error DestinationRule default/b");
  });

  test("refuses gateways that claim one port by TLS, and warns where HTTP joins them", () => {
    const tls = "tls: {mode: SIMPLE, credentialName: shop}";
    expect(brief(find(gateway("a", "HTTPS", tls) + gateway("b", "HTTPS", tls)))).toEqual([
      "IST0145 Error Gateway default/a",
      "IST0145 Error Gateway default/b",
    ]);
    expect(brief(find(gateway("a", "HTTP") + gateway("b", "HTTP")))).toEqual([
      "IST0145 Warning Gateway default/a",
      "IST0145 Warning Gateway default/b",
    ]);
  });

  test("refuses two peer authentications for the same workloads", () => {
    const policy = (name: string, selector: string) => `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: ${name}}
spec: {${selector} mtls: {mode: STRICT}}
---`;
    expect(brief(find(policy("a", "") + policy("b", "")))).toEqual([
      "HDL0103 Error PeerAuthentication default/a",
      "HDL0103 Error PeerAuthentication default/b",
    ]);
    const picky = policy("b", "selector: {matchLabels: {app: x}},");
    expect(find(policy("a", "") + picky)).toEqual([]);
  });

  test("warns of a rule at a gateway whose last route an older one takes", () => {
    const bound = (name: string, time: string) =>
      rule(name, "{host: x}", "gateways: [edge]")
        .replace(`hosts: [${name}]`, "hosts: [shop.example.com]")
        .replace(`name: ${name}`, `name: ${name}, creationTimestamp: "${time}"`);
    const text =
      gateway("edge", "HTTP") +
      bound("young", "2026-02-01T00:00:00Z") +
      bound("old", "2026-01-01T00:00:00Z");
    expect(brief(find(text))).toEqual(["HDL0102 Warning VirtualService default/young"]);
  });
});

describe("an index", () => {
  test("gives after any changes what a fresh one gives", () => {
    const objects = parse(
      service("reviews", [80]) + rule("reviews", "{host: reviews}") + rule("other", "{host: gone}"),
    );
    const index = new MeshIndex();
    for (const object of objects) index.put(object);
    for (const object of objects) index.put(object);
    expect(analyze(index)).toEqual(analyze(objects));
    index.remove("core/Service/default/reviews");
    expect(analyze(index)).toEqual([]);
    index.put(objects[0]!);
    expect(analyze(index)).toEqual(analyze(objects));
  });

  test("looks at single objects", () => {
    const index = new MeshIndex();
    for (const object of parse(
      service("a", [80]) + rule("x", "{host: b}") + rule("y", "{host: b}"),
    )) {
      index.put(object);
    }
    const only = new Set(["networking.istio.io/VirtualService/default/y"]);
    expect(brief(analyze(index, { only }))).toEqual([
      "IST0101 Warning VirtualService default/y",
      "HDL0143 Warning VirtualService default/y",
    ]);
  });

  test("analyses 10,000 objects well under two seconds", () => {
    const objects: MeshObject[] = [];
    for (let i = 0; i < 3334; i++) {
      const metadata = { name: `s${i}`, namespace: `n${i % 50}`, labels: {}, annotations: {} };
      objects.push(
        { apiVersion: "v1", kind: "Service", metadata, spec: { ports: [{ port: 80 }] } },
        {
          apiVersion: "networking.istio.io/v1",
          kind: "VirtualService",
          metadata,
          spec: {
            hosts: [`s${i}`],
            http: [{ route: [{ destination: { host: `s${i}`, subset: i % 2 ? "v1" : "v2" } }] }],
          },
        },
        {
          apiVersion: "networking.istio.io/v1",
          kind: "DestinationRule",
          metadata,
          spec: { host: `s${i}`, subsets: [{ name: "v1" }] },
        },
      );
    }
    // Time of this thread, not of the clock: other tests run beside this one.
    const before = process.threadCpuUsage();
    const found = analyze(objects);
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(1500);
    expect(found.length).toBe(1667);
  });
});

describe("delegation", () => {
  const root = (delegate: string, match = "") =>
    service("shop", [80]) +
    rule("shop", "{host: shop}").replace(
      "    - route",
      `    - delegate: ${delegate}\n      ${match}\n    - route`,
    );
  const part = (name: string, http: string, more = "", namespace = "default") => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  ${more}
  http: ${http}
---`;
  const ANSWER = "directResponse: {status: 200}";

  test("says nothing of a delegate that is there, and joins", () => {
    const prefix = "match: [{uri: {prefix: /cart}}]";
    const http = `[{match: [{uri: {exact: /cart/x}}], ${ANSWER}}]`;
    expect(find(root("{name: cart}", prefix) + part("cart", http))).toEqual([]);
  });

  test.each([
    ["is missing", root("{name: cart}"), "IST0101"],
    [
      "has hosts",
      root("{name: cart}") + part("cart", `[{${ANSWER}}]`, "hosts: [cart.example.com]"),
      "HDL0140",
    ],
    [
      "is not exported",
      root("{name: cart, namespace: team}") +
        part("cart", `[{${ANSWER}}]`, 'exportTo: ["."]', "team"),
      "HDL0140",
    ],
    [
      "matches outside of its root",
      root("{name: cart}", "match: [{uri: {prefix: /cart}}]") +
        part("cart", `[{match: [{uri: {prefix: /other}}], ${ANSWER}}]`),
      "HDL0141",
    ],
  ])("warns at the root of a delegate that %s", (_, text, code) => {
    expect(brief(find(text))).toEqual([`${code} Warning VirtualService default/shop`]);
  });

  test("warns of a rule without hosts to which nothing delegates", () => {
    expect(brief(find(part("cart", `[{${ANSWER}}]`)))).toEqual([
      "HDL0142 Warning VirtualService default/cart",
    ]);
  });
});

describe("hosts that no service has", () => {
  const shop = service("shop", [80]);
  const other = service("shop", [8080]);
  const found = (text: string) =>
    find(text).map(({ code, path, message }) => [code, path, message]);

  test("are told of where the name is one of the cluster", () => {
    expect(found(shop + rule("shp", "{host: shop}"))).toEqual([
      [
        "HDL0143",
        "spec.hosts[0]",
        "No service has the host shp.default.svc.cluster.local: of the sidecars' requests only those for port 80 follow the rule.",
      ],
    ]);
  });

  test("are told of where the name is short for one of the cluster", () => {
    const short = rule("shop", "{host: shop}").replace("hosts: [shop]", "hosts: [shop.default]");
    expect(found(shop + short).map(([code]) => code)).toEqual(["HDL0143"]);
    expect(found(shop + short.replace("shop.default", "shop.com"))).toEqual([]);
  });

  test("are told of where nothing listens for them", () => {
    const outside = rule("x.example.com", "{host: shop}").replace("name: x.example.com", "name: x");
    expect(found(shop + outside)).toEqual([]);
    expect(found(other + outside)).toEqual([
      [
        "HDL0143",
        "spec.hosts[0]",
        "No service has the host x.example.com, and no service is on port 80: the rule has no effect.",
      ],
    ]);
    expect(found(other + outside.replace("[x.example.com]", "[x.example.com, shop]"))).toEqual([]);
    const tls = outside.replace(
      /http:[^]*route:/,
      "tls:\n    - match: [{sniHosts: [x.example.com]}]\n      route:",
    );
    expect(found(shop + tls).map(([code]) => code)).toEqual(["HDL0143"]);
  });

  test("may be a wildcard, or below one of a ServiceEntry", () => {
    const wild = rule("w", "{host: shop}").replace("[w]", '["*.example.com"]');
    expect(found(other + wild).map(([code]) => code)).toEqual(["HDL0143"]);
    const entry = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api}
spec: {hosts: [api.example.com], ports: [{number: 8080, name: http, protocol: HTTP}], resolution: DNS}
---`;
    expect(found(other + entry + wild)).toEqual([]);
  });

  test("say nothing of gateways' rules, or where services are not known", () => {
    expect(found(rule("x", "{host: y}"))).toEqual([]);
    const bound = rule("x", "{host: shop}", "gateways: [istio-system/edge]");
    expect(found(shop + bound).filter(([code]) => code === "HDL0143")).toEqual([]);
  });
});

describe("TLS of a Sidecar's ingress", () => {
  const secured = (mode = "SIMPLE") => `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: shop}
spec:
  workloadSelector: {labels: {app: shop}}
  ingress:
    - port: {number: 8443, protocol: HTTPS, name: https}
      tls: {mode: ${mode}, serverCertificate: /a.pem, privateKey: /a.key}
---`;
  const peer = (spec: string) => `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: shop}
spec: ${spec}
---`;
  const pod = (labels: string) => `
apiVersion: v1
kind: Pod
metadata: {name: shop-1, labels: {${labels}}}
spec: {containers: [{name: shop}]}
---`;
  const SELECTED = "selector: {matchLabels: {app: shop}}";

  test("warns where the mesh's own TLS is taken at the port", () => {
    const warned = ["HDL0150 Warning Sidecar default/shop"];
    expect(brief(find(secured()))).toEqual(warned);
    expect(brief(find(secured() + peer(`{${SELECTED}, mtls: {mode: STRICT}}`)))).toEqual(warned);
    expect(find(secured())[0]).toMatchObject({ path: "spec.ingress[0].tls" });
    const other = `{${SELECTED}, mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: DISABLE}}}`;
    expect(brief(find(secured() + peer(other)))).toEqual(warned);
  });

  test("says nothing where it is off, or where TLS is passed on", () => {
    expect(find(secured() + peer(`{${SELECTED}, mtls: {mode: DISABLE}}`))).toEqual([]);
    const port = `{${SELECTED}, mtls: {mode: STRICT}, portLevelMtls: {8443: {mode: DISABLE}}}`;
    expect(find(secured() + peer(port))).toEqual([]);
    expect(find(secured("PASSTHROUGH"))).toEqual([]);
  });

  test("judges by the labels that the selected pods have", () => {
    const edge = peer('{selector: {matchLabels: {edge: "1"}}, mtls: {mode: DISABLE}}');
    expect(find(secured() + edge + pod('app: shop, edge: "1"'))).toEqual([]);
    expect(brief(find(secured() + edge + pod("app: shop")))).toEqual([
      "HDL0150 Warning Sidecar default/shop",
      "IST0101 Warning PeerAuthentication default/shop",
    ]);
  });
});

describe("policies that surprise", () => {
  const shop = service("shop", [80]);
  const policy = (text: string) => destinationRule("shop", `{host: shop, trafficPolicy: ${text}}`);
  const found = (text: string) => find(text).map(({ code, path }) => `${code} ${path}`);

  test.each([
    [
      "warming up where the load balancer does not",
      "{loadBalancer: {simple: RANDOM, warmup: {duration: 10s}}}",
      "HDL0146 spec.trafficPolicy.loadBalancer.warmup",
      "{loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 10s}}}",
    ],
    [
      "a hash of nothing",
      "{loadBalancer: {consistentHash: {ringHash: {minimumRingSize: 10}}}}",
      "HDL0147 spec.trafficPolicy.loadBalancer.consistentHash",
      "{loadBalancer: {consistentHash: {useSourceIp: true}}}",
    ],
    [
      "maxRetries beside a budget",
      "{retryBudget: {percent: 20}, connectionPool: {http: {maxRetries: 3}}}",
      "HDL0148 spec.trafficPolicy.connectionPool.http.maxRetries",
      "{connectionPool: {http: {maxRetries: 3}}}",
    ],
    [
      "failing over beside shares",
      "{loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {a: 100}}], failoverPriority: [x]}}, outlierDetection: {consecutive5xxErrors: 1}}",
      "HDL0149 spec.trafficPolicy.loadBalancer.localityLbSetting.failoverPriority",
      "{loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {a: 100}}]}}}",
    ],
    [
      "outlier detection beside PASSTHROUGH",
      "{loadBalancer: {simple: PASSTHROUGH}, outlierDetection: {consecutive5xxErrors: 1}}",
      "HDL0154 spec.trafficPolicy.outlierDetection",
      "{outlierDetection: {consecutive5xxErrors: 1}}",
    ],
    [
      "names of a certificate without an authority",
      "{tls: {mode: SIMPLE, subjectAltNames: [db.internal]}}",
      "HDL0152 spec.trafficPolicy.tls.subjectAltNames",
      "{tls: {mode: SIMPLE, subjectAltNames: [db.internal], credentialName: db}}",
    ],
  ])("tell of %s", (_, wrong, expected, right) => {
    expect(found(shop + policy(wrong))).toEqual([expected]);
    expect(found(shop + policy(right))).toEqual([]);
  });

  test("tell of them in subsets and for ports too", () => {
    const hash = "loadBalancer: {consistentHash: {maglev: {tableSize: 5}}}";
    const spec = `{host: shop, subsets: [{name: a, trafficPolicy: {portLevelSettings: [{port: {number: 80}, ${hash}}]}}]}`;
    expect(found(shop + destinationRule("shop", spec))).toEqual([
      "HDL0147 spec.subsets[0].trafficPolicy.portLevelSettings[0].loadBalancer.consistentHash",
    ]);
  });

  test("tell of an only endpoint that may be ejected", () => {
    const one = (addresses: string) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop}
spec: {hosts: [shop.test], resolution: STATIC, ports: [{number: 80, name: http, protocol: HTTP}], endpoints: [${addresses}]}
---`;
    const ejects = (more: string) =>
      policy(`{outlierDetection: {maxEjectionPercent: 100${more}}}`).replace(
        "host: shop,",
        "host: shop.test,",
      );
    const alone = one("{address: 10.0.0.1}");
    expect(found(alone + ejects(""))).toEqual(["HDL0151 spec.trafficPolicy.outlierDetection"]);
    expect(found(alone + ejects(", minHealthPercent: 10"))).toEqual([]);
    expect(found(one("{address: 10.0.0.1}, {address: 10.0.0.2}") + ejects(""))).toEqual([]);
    const pod = (name: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: shop}}
spec: {}
---`;
    const selecting = shop.replace("spec: {", "spec: {selector: {app: shop}, ");
    const rule = policy("{outlierDetection: {maxEjectionPercent: 100}}");
    expect(found(selecting + pod("a") + rule)).toEqual([
      "HDL0151 spec.trafficPolicy.outlierDetection",
    ]);
    expect(found(selecting + pod("a") + pod("b") + rule)).toEqual([]);
  });
});

describe("tokens", () => {
  const claims = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: claims}
spec:
  hosts: [shop.example.com]
  gateways: [edge]
  http:
    - match: [{headers: {"@request.auth.claims.group": {exact: admin}}}]
      route: [{destination: {host: shop}}]
---`;
  const pod = `
apiVersion: v1
kind: Pod
metadata: {name: edge-1, labels: {istio: ingressgateway, gateway.networking.k8s.io/gateway-name: edge}}
spec: {}
---`;
  const policy = (spec: string, namespace = "default") => `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: tokens, namespace: ${namespace}}
spec: {${spec}jwtRules: [{issuer: https://issuer.example.com}]}
---`;
  const mesh = service("shop", [80]) + gateway("edge", "HTTP") + pod;
  const found = (text: string) =>
    brief(find(mesh + claims + text).filter(({ code }) => code === "IST0149"));
  const MISSED = ["IST0149 Warning VirtualService default/claims"];

  test.each([
    ["", MISSED],
    [policy(""), []],
    [policy("", "istio-system"), []],
    [policy("", "other"), MISSED],
    [policy("selector: {matchLabels: {istio: ingressgateway}}, "), []],
    [policy("selector: {matchLabels: {app: web}}, "), MISSED],
    [policy("targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}], "), []],
    [policy("targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: x}], "), MISSED],
  ])("that nobody looks at choose no route: %#", (text, wanted) => {
    expect(found(text)).toEqual(wanted);
  });

  const keys = (uri: string) => `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: tokens}
spec: {jwtRules: [{issuer: https://issuer.example.com, jwksUri: "${uri}"}]}
---`;
  test.each([
    ["http://keys.default.svc.cluster.local:8080/keys", []],
    ["http://keys.default.svc:8080/keys", []],
    ["https://issuer.example.com/keys", []],
    ["http://keys.default.svc/keys", ["HDL0161 spec.jwtRules[0].jwksUri"]],
    ["http://outside.default.svc/keys", ["HDL0161 spec.jwtRules[0].jwksUri"]],
    ["http://nobody.default.svc/keys", ["IST0101 spec.jwtRules[0].jwksUri"]],
  ])("are checked with keys that can be had: %s", (uri, wanted) => {
    const outside = `
apiVersion: v1
kind: Service
metadata: {name: outside}
spec: {type: ExternalName, externalName: issuer.example.com, ports: [{port: 80}]}
---`;
    const text = service("keys", [8080]) + outside + keys(uri);
    expect(find(text).map(({ code, path }) => `${code} ${path}`)).toEqual(wanted);
  });
});

describe("a VirtualService beside a route of the Gateway API", () => {
  const route = (namespace: string) => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: ${namespace}}
spec:
  parentRefs: [{group: "", kind: Service, name: shop, namespace: default}]
  rules: [{backendRefs: [{name: shop, port: 80}]}]
---`;

  test("is a conflict where the route counts", () => {
    const both = service("shop", [80]) + rule("shop", "{host: shop}");
    const codes = (text: string) => find(text).map(({ code }) => code);
    expect(codes(both + route("default"))).toEqual(["HDL0153", "HDL0153"]);
    // Routes of another namespace are for its own clients.
    expect(codes(both + route("other"))).not.toContain("HDL0153");
    expect(codes(both)).toEqual([]);
  });
});
