import { describe, expect, test } from "vitest";
import { objectKey } from "./object.ts";
import { parseDocuments } from "./parse-documents.ts";
import { MAX_DOCUMENT_BYTES } from "./source.ts";
import { toDocument } from "./to-document.ts";

const parse = (text: string) => parseDocuments(text, { file: "f.yaml" });
const brief = (text: string) =>
  parse(text).diagnostics.map(({ code, reference }) => `${code} ${reference}`);
const keys = (text: string) => parse(text).objects.map(({ object }) => objectKey(object));

const RULE = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
    - route:
        - destination:
            host: reviews
`;

describe("documents", () => {
  test("reads several, skips empty ones, and knows their lines", () => {
    const { objects, diagnostics } = parse(
      `---\n${RULE}---\n# nothing\n---\n${RULE.replace("name: reviews", "name: other")}`,
    );
    expect(diagnostics).toEqual([]);
    expect(objects.map(({ object }) => object.metadata.name)).toEqual(["reviews", "other"]);
    const [first, second] = objects.map(({ source }) => source);
    expect([first?.line, second?.line]).toEqual([2, 15]);
    expect(first?.lineOf("spec.http[0].route[0].destination.host")).toBe(11);
    // What is not there has the line of what is around it.
    expect(first?.lineOf("spec.http[0].timeout")).toBe(9);
    expect(first?.lineOf("spec.http[7].timeout")).toBe(8);
  });

  test("reads JSON, and tells lines in it", () => {
    const json = JSON.stringify(toDocument(parse(RULE).objects[0]!.object), null, 1);
    expect(keys(json)).toEqual(["networking.istio.io/VirtualService/default/reviews"]);
    expect(brief(json.replace('"http"', '"htp"'))).toContain("HDL0010 f.yaml:12");
  });

  test("unwraps lists, also typed and nested ones, with lines", () => {
    const item = RULE.replaceAll(/^/gm, "    ").replace("    apiVersion", "  - apiVersion");
    expect(keys(`apiVersion: v1\nkind: List\nitems:\n${item}`)).toEqual([
      "networking.istio.io/VirtualService/default/reviews",
    ]);
    const broken = `apiVersion: networking.istio.io/v1\nkind: VirtualServiceList\nitems:\n${item.replace("route:", "rout:")}`;
    expect(brief(broken)).toContain("HDL0010 f.yaml:11");
  });

  test("follows anchors and merge keys", () => {
    const text = `${RULE}  exportTo: &x ["."]\n`;
    expect(keys(text.replace('&x ["."]', "*x"))).toEqual([]);
    expect(keys(text)).toHaveLength(1);
    const merged = RULE.replace("host: reviews\n", "<<: {host: reviews}\n");
    expect(keys(merged)).toHaveLength(1);
  });
});

describe("text that cannot be read", () => {
  test.each([
    ["a tab for indentation", "a:\n\tb: 1", "HDL0002 f.yaml:2"],
    ["an open bracket", "a: [1, 2\nb: 3", "HDL0002 f.yaml:2"],
    ["half of a JSON", '{"a": {"b": 1}', "HDL0002 f.yaml:1"],
    ["a key that stands twice", "a:\n  b: 1\n  b: 2", "HDL0003 f.yaml:3"],
    ["a key that stands twice in JSON", '{"a": 1,\n"a": 2}', "HDL0003 f.yaml:2"],
    ["an alias of nothing", "a: *b", "HDL0002 f.yaml:1"],
    ["a mapping for a key", "a: 1\n? {b: c}\n: 2", "HDL0002 f.yaml:2"],
    ["a list", "- a", "HDL0005 f.yaml:1"],
    ["a word", "hello", "HDL0005 f.yaml:1"],
  ])("names the line of %s", (_, text, expected) => expect(brief(text)).toEqual([expected]));

  test("tells the column", () => {
    expect(parse("a:\n\tb: 1").diagnostics[0]?.message).toMatch(/^line 2, column 1: /);
  });

  test("refuses aliases that multiply", () => {
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
    for (let i = 1; i < 9; i++) {
      const before = String.fromCharCode(96 + i);
      const name = String.fromCharCode(97 + i);
      bomb.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(",")}]`);
    }
    expect(brief(bomb.join("\n"))).toEqual(["HDL0004 f.yaml:1"]);
  });

  test("refuses nesting without end, and says it once", () => {
    expect(brief("[".repeat(100_000))).toEqual(["HDL0004 f.yaml:1"]);
    expect(brief("{a: ".repeat(150) + "1" + "}".repeat(150))).toEqual(["HDL0004 f.yaml:1"]);
  });

  test("refuses more than 10 MiB unread", () => {
    const start = performance.now();
    expect(brief("a".repeat(MAX_DOCUMENT_BYTES + 1))).toEqual(["HDL0001 f.yaml:1"]);
    expect(brief("ä".repeat(MAX_DOCUMENT_BYTES / 2 + 1))).toEqual(["HDL0001 f.yaml:1"]);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test("compares many keys of one mapping in little time", () => {
    const text = Array.from({ length: 100_000 }, (_, i) => `k${i}: 1`).join("\n");
    // What this thread has worked: a busy machine does not add to it.
    const before = process.threadCpuUsage();
    parse(text);
    expect(process.threadCpuUsage(before).user / 1000).toBeLessThan(20_000);
  });

  test("one document that cannot be read leaves the others", () => {
    const { objects, diagnostics } = parse(`a: 1\na: 2\n---\n${RULE}`);
    expect(objects).toHaveLength(1);
    expect(diagnostics.map(({ code }) => code)).toEqual(["HDL0003"]);
  });
});

describe("what an object is", () => {
  test.each([
    ["no apiVersion", RULE.replace(/apiVersion.*\n/, ""), "HDL0006 f.yaml:1"],
    ["no kind", RULE.replace(/kind.*\n/, ""), "HDL0006 f.yaml:1"],
    ["no name", RULE.replace("name: reviews", "labels: {}"), "HDL0006 f.yaml:3"],
    ["no metadata", RULE.replace(/metadata:\n.*\n/, ""), "HDL0006 f.yaml:1"],
    [
      "a kind that is not there",
      RULE.replace("VirtualService", "VirtualServic"),
      "HDL0007 f.yaml:2",
    ],
    [
      "another group",
      RULE.replace("networking.istio.io", "networking.istio.com"),
      "HDL0007 f.yaml:1",
    ],
    ["another version", RULE.replace("/v1\n", "/v7\n"), "HDL0008 f.yaml:1"],
    [
      "a kind of a later release",
      "apiVersion: extensions.istio.io/v1alpha1\nkind: TrafficExtension\nmetadata: {name: x}\nspec: {lua: {inlineCode: x}}\n",
      "HDL0009 f.yaml:2",
    ],
    ["a name that is none", RULE.replace("name: reviews", "name: Re_views"), "HDL0017 f.yaml:4"],
    [
      "a namespace that is none",
      RULE.replace("name: reviews", "name: x\n  namespace: a.b"),
      "HDL0017 f.yaml:5",
    ],
    ["a field beside spec", `${RULE}sepc: {}\n`, "HDL0010 f.yaml:11"],
    [
      "a field of metadata",
      RULE.replace("name: reviews", "name: x\n  namspace: a"),
      "HDL0010 f.yaml:5",
    ],
    [
      "a label that is no text",
      RULE.replace("name: reviews", "name: x\n  labels: {v: 1.0}"),
      "HDL0011 f.yaml:5",
    ],
  ])("tells %s", (_, text, expected) => expect(brief(text)).toEqual([expected]));

  test("suggests the kind that was meant, with its group", () => {
    const suggest = (from: string, to: string) =>
      parse(RULE.replace(from, to)).diagnostics[0]?.remedy;
    expect(suggest("VirtualService", "VirtualServic")).toBe(
      "Did you mean VirtualService of networking.istio.io/v1?",
    );
    expect(suggest("networking.istio.io/v1", "v1")).toBe(
      "Did you mean VirtualService of networking.istio.io/v1?",
    );
  });

  test("keeps an object of a planned kind beside its error", () => {
    const text = `apiVersion: extensions.istio.io/v1alpha1\nkind: TrafficExtension\nmetadata: {name: x}\nspec: {lua: {inlineCode: x}}\n`;
    const { objects, diagnostics } = parse(text);
    expect(objects[0]?.object.spec).toEqual({ lua: { inlineCode: "x" } });
    expect(diagnostics).toMatchObject([{ code: "HDL0009", level: "Error" }]);
  });

  test("tells the slips in an object of a planned kind", () => {
    const text = `apiVersion: extensions.istio.io/v1alpha1\nkind: TrafficExtension\nmetadata: {name: x}\nspec: {lua: {inlinecode: x}}\n`;
    const { objects, diagnostics } = parse(text);
    expect(objects).toEqual([]);
    expect(diagnostics.map(({ code }) => code)).toEqual(["HDL0009", "HDL0012", "HDL0010"]);
  });

  test("reads Ingresses of any class: whose they are hangs on other objects", () => {
    const ingress = (metadata: string, spec: string) =>
      parse(
        `apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: x${metadata}}\nspec: ${spec}\n`,
      );
    const spec = "defaultBackend: {service: {name: a, port: {number: 80}}}";
    for (const read of [
      ingress("", `{ingressClassName: nginx, ${spec}}`),
      ingress(", annotations: {kubernetes.io/ingress.class: istio}", `{${spec}}`),
    ]) {
      expect(read.diagnostics).toEqual([]);
      expect(read.objects).toHaveLength(1);
    }
  });

  test("passes over objects of Kubernetes that are no part of a mesh", () => {
    const role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: x}\n";
    expect(parse(role)).toMatchObject({
      objects: [],
      diagnostics: [{ code: "HDL0019", level: "Info" }],
    });
    expect(parse("apiVersion: v1\nkind: Servic\nmetadata: {name: x}\n").diagnostics).toMatchObject([
      { code: "HDL0007", remedy: "Did you mean Service of v1?" },
    ]);
  });

  test("refuses the second of two objects with one key, and names the first", () => {
    const { objects, diagnostics } = parse(`${RULE}---\n${RULE.replace("/v1\n", "/v1beta1\n")}`);
    expect(objects).toHaveLength(1);
    expect(diagnostics).toMatchObject([{ code: "HDL0018", reference: "f.yaml:12" }]);
    expect(diagnostics[0]?.message).toContain("f.yaml:1");
  });

  test("gives the default namespace to objects of namespaces only", () => {
    const { objects } = parseDocuments(
      `${RULE}---\napiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n`,
      {
        file: "f",
        defaultNamespace: "shop",
      },
    );
    expect(objects.map(({ object }) => objectKey(object))).toEqual([
      "networking.istio.io/VirtualService/shop/reviews",
      "core/Namespace/-/x",
    ]);
  });

  test("keeps what Kubernetes owns and the mesh does not read", () => {
    const { objects, diagnostics } = parse(`
apiVersion: v1
kind: Service
metadata: {name: x}
spec: {ports: [{port: 80, novel: 1}], sessionAffinity: ClientIP}
status: {loadBalancer: {}, conditions: []}
`);
    expect(diagnostics).toEqual([]);
    expect(toDocument(objects[0]!.object)).toEqual({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "x", namespace: "default" },
      spec: { ports: [{ port: 80, novel: 1 }], sessionAffinity: "ClientIP" },
      status: { loadBalancer: {}, conditions: [] },
    });
  });

  test("turns a Secret's plain text into data, as Kubernetes does", () => {
    const { objects } = parse(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {a: ä}\n",
    );
    expect(objects[0]?.object.spec).toEqual({ data: { a: "w6Q=" } });
  });

  test("takes null for what is not set", () => {
    const { objects, diagnostics } = parse(`${RULE}  exportTo:\n  gateways: null\n`);
    expect(diagnostics).toEqual([]);
    expect(objects[0]?.object.spec).not.toHaveProperty("exportTo");
  });

  test("refuses null where leaving it out would widen what is meant, or where a value is required", () => {
    const match = (text: string) =>
      parse(RULE.replace("http:", `http:\n    - ${text}`)).diagnostics;
    expect(
      match("{match: [{headers: {end-user: null}}], route: [{destination: {host: a}}]}"),
    ).toMatchObject([{ code: "HDL0011", path: "spec.http[0].match[0].headers.end-user" }]);
    expect(
      match("{match: [{uri: {exact: /}}], route: [{destination: {host: null}}]}"),
    ).toMatchObject([
      {
        code: "HDL0011",
        path: "spec.http[0].route[0].destination.host",
        message: "host must be text, not null",
      },
    ]);
    expect(match("{timout: null, route: [{destination: {host: a}}]}")).toMatchObject([
      { code: "HDL0010", path: "spec.http[0].timout" },
    ]);
  });

  test("passes over what a cluster says of an object's state", () => {
    const { objects, diagnostics } = parse(`${RULE}status:\n  conditions: [{type: Reconciled}]\n`);
    expect(diagnostics).toEqual([]);
    expect(objects[0]?.object).not.toHaveProperty("status");
  });

  test.each([
    ["authentication.istio.io/v1alpha1", "Policy", "PeerAuthentication"],
    ["rbac.istio.io/v1alpha1", "ServiceRole", "AuthorizationPolicy"],
    ["config.istio.io/v1alpha2", "RouteRule", "VirtualService"],
    ["config.istio.io/v1alpha2", "handler", "Telemetry"],
    ["install.istio.io/v1alpha1", "IstioOperator", "heddle install"],
  ])("names what stands in for %s %s", (apiVersion, kind, remedy) => {
    const text = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: x}\nspec: {}\n`;
    expect(parse(text).diagnostics).toMatchObject([{ code: "HDL0007", path: "apiVersion" }]);
    expect(parse(text).diagnostics[0]?.remedy).toContain(remedy);
  });

  test("reads fields under their older names too", () => {
    const text = RULE.replace(
      "- route:",
      "- mirror: {host: b}\n      mirror_percent: 5\n      route:",
    );
    const { objects, diagnostics } = parse(text);
    expect(objects[0]?.object.spec).toMatchObject({ http: [{ mirrorPercent: 5 }] });
    expect(diagnostics).toMatchObject([
      { code: "HDL0031", path: "spec.http[0].mirror_percent" },
      { code: "HDL0031", path: "spec.http[0].mirrorPercent" },
    ]);
  });

  test.each([
    ["a label's value", "labels: {app: a b}", "metadata.labels.app"],
    ["a label that is too long", `labels: {app: ${"a".repeat(64)}}`, "metadata.labels.app"],
    ["an annotation's key", "annotations: {a b: c}", 'metadata.annotations["a b"]'],
    ["a name that is too long", `name: ${"a".repeat(254)}`, "metadata.name"],
    ["a namespace that is too long", `namespace: ${"a".repeat(64)}`, "metadata.namespace"],
    ["too many annotations", `annotations: {a: ${"x".repeat(262_144)}}`, "metadata.annotations"],
  ])("tells %s, as Kubernetes would", (_, metadata, path) => {
    const named = metadata.startsWith("name:") ? metadata : `name: x\n  ${metadata}`;
    const { diagnostics } = parse(RULE.replace("name: reviews", named));
    expect(diagnostics).toMatchObject([{ level: "Error", path }]);
  });
});
