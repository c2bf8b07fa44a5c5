import { parseDocuments } from "@heddle/model";
import { describe, expect, test } from "vitest";
import { analyze } from "./analyze.ts";
import { ingressStatusOf } from "./ingress.ts";
import { MeshIndex } from "./mesh-index.ts";

const parsed = (...documents: string[]) =>
  parseDocuments(documents.join("\n---\n"), { file: "f.yaml", defaultNamespace: "default" });

const ingress = (
  spec: string,
  {
    name = "shop",
    namespace = "default",
    created = "2026-01-01T00:00:00Z",
    annotations = "{}",
  } = {},
) => `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: ${name}, namespace: ${namespace}, creationTimestamp: "${created}", annotations: ${annotations}}
spec: ${spec}`;
const ingressClass = (name: string, controller: string, isDefault = false) => `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: ${name}, annotations: {ingressclass.kubernetes.io/is-default-class: "${isDefault}"}}
spec: {controller: ${controller}}`;
const SERVICE = `
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80}]}`;
const backend = (port = "number: 80", name = "shop") =>
  `backend: {service: {name: ${name}, port: {${port}}}}`;
const rule = (path = backend(), host = "a.test", at = "/a") =>
  `rules: [{host: ${host}, http: {paths: [{path: ${at}, pathType: Prefix, ${path}}]}}]`;

function found(documents: readonly string[], options: Parameters<typeof analyze>[1] = {}) {
  const { objects, diagnostics } = parsed(...documents);
  expect(diagnostics).toEqual([]);
  return analyze(objects, options).map(({ code, level, path }) => `${code} ${level} ${path}`);
}

describe("an Ingress", () => {
  const other = ["HDL0170 Info spec.ingressClassName"];

  test("is the mesh's by its class's controller, by the annotation, or by default", () => {
    const ours = ingressClass("ours", "istio.io/ingress-controller");
    const theirs = ingressClass("theirs", "k8s.io/ingress-nginx");
    const named = (name: string) => ingress(`{ingressClassName: ${name}, ${rule()}}`);
    expect(found([named("ours"), ours, SERVICE])).toEqual([]);
    expect(found([named("istio"), SERVICE])).toEqual([]);
    expect(found([named("theirs"), theirs])).toEqual(other);
    expect(found([named("none")])).toEqual(other);
    // Somebody else may own a class of the usual name.
    expect(found([named("istio"), ingressClass("istio", "k8s.io/ingress-nginx")])).toEqual(other);
    const annotated = (name: string) =>
      ingress(`{${rule()}}`, { annotations: `{kubernetes.io/ingress.class: ${name}}` });
    expect(found([annotated("istio"), SERVICE])).toEqual([]);
    expect(found([annotated("nginx")])).toEqual(other);
    const plain = ingress(`{${rule()}}`);
    expect(found([plain])).toEqual(other);
    expect(
      found([plain, ingressClass("x", "heddle.dev/ingress-controller", true), SERVICE]),
    ).toEqual([]);
    expect(found([plain, ingressClass("x", "k8s.io/ingress-nginx", true)])).toEqual(other);
  });

  test("is the mesh's as the settings say", () => {
    const settings = (spec: string) => `
apiVersion: heddle.dev/v1
kind: MeshSettings
metadata: {name: mesh}
spec: ${spec}`;
    const plain = ingress(`{${rule()}}`);
    expect(found([plain, SERVICE, settings("{ingressControllerMode: DEFAULT}")])).toEqual([]);
    const named = ingress(`{ingressClassName: istio, ${rule()}}`);
    expect(found([named, settings("{ingressControllerMode: 'OFF'}")])).toEqual(other);
    expect(found([named, settings("{ingressClass: mesh}")])).toEqual(other);
  });

  const spec = (text: string) => ingress(`{ingressClassName: istio, ${text}}`);
  const PATH = "spec.rules[0].http.paths[0].backend";

  test("names services and ports that are there", () => {
    expect(found([spec(rule(backend("name: http"))), SERVICE])).toEqual([]);
    expect(found([spec(rule(backend("name: admin"))), SERVICE])).toEqual([
      `IST0101 Warning ${PATH}.service.port`,
    ]);
    expect(found([spec(rule(backend("number: 81"))), SERVICE], { strict: true })).toEqual([
      `IST0101 Error ${PATH}.service.port`,
    ]);
    expect(found([spec(rule(backend("number: 80", "gone"))), SERVICE])).toEqual([
      `IST0101 Warning ${PATH}.service.name`,
    ]);
    // Nobody knows what the ports of a service are called that a cluster only reported.
    const services = [
      {
        host: "shop.default.svc.cluster.local",
        namespace: "default",
        ports: [80],
        exportTo: ["*"],
      },
    ];
    expect(found([spec(rule(backend("name: http")))], { services })).toEqual([]);
  });

  test("sends to Services alone", () => {
    const resource = "{resource: {apiGroup: a.test, kind: Bucket, name: files}}";
    expect(found([spec(`defaultBackend: ${resource}`)])).toEqual([
      "HDL0171 Error spec.defaultBackend",
    ]);
  });

  test("has pods that serve it and certificates that are there", () => {
    const pod = (istio: string) => `
apiVersion: v1
kind: Pod
metadata: {name: edge, namespace: istio-system, labels: {istio: ${istio}}}
spec: {containers: [{name: app}]}`;
    const secret = (namespace: string) => `
apiVersion: v1
kind: Secret
metadata: {name: cert, namespace: ${namespace}}`;
    const tls = spec(`tls: [{hosts: [a.test], secretName: cert}], ${rule()}`);
    expect(found([tls, SERVICE])).toEqual([]);
    expect(found([tls, SERVICE, pod("other")])).toEqual(["IST0101 Warning spec"]);
    expect(found([tls, SERVICE, pod("ingressgateway"), secret("elsewhere")])).toEqual([
      "IST0101 Warning spec.tls[0].secretName",
    ]);
    for (const namespace of ["istio-system", "default"]) {
      expect(found([tls, SERVICE, pod("ingressgateway"), secret(namespace)])).toEqual([]);
    }
    expect(found([spec(`tls: [{hosts: [a.test]}], ${rule()}`), SERVICE])).toEqual([
      "HDL0173 Warning spec.tls[0]",
    ]);
  });

  test("does not claim what an older one has", () => {
    const one = (text: string, name: string, namespace = "default") =>
      ingress(`{ingressClassName: istio, ${text}}`, { name, namespace });
    const path = "spec.rules[0].http.paths[0]";
    const twice = (code: string, at: string) => [`${code} ${at}`, `${code} ${at}`];
    const clash = [one(rule(), "a"), one(rule(backend("number: 81")), "b")];
    expect(found(clash)).toEqual(twice("HDL0172 Error", path));
    expect(found(clash, { force: true })).toEqual(twice("HDL0172 Warning", path));
    expect(found(clash, { conflictsOnly: true })).toEqual(twice("HDL0172 Error", path));
    expect(found([one(rule(), "a"), one(rule(), "b", "other")])).toHaveLength(2);
    expect(found([one(rule(), "a"), one(rule(), "b")])).toEqual([]);
    expect(
      found([one(rule(), "a"), one(rule(backend("number: 81"), "a.test", "/b"), "b")]),
    ).toEqual([]);
    // Of another controller's nobody knows what it does.
    expect(
      found([
        one(rule(), "a"),
        ingress(`{ingressClassName: nginx, ${rule(backend("number: 81"))}}`, { name: "b" }),
      ]),
    ).toEqual(other);
    const tls = (secretName: string) =>
      `tls: [{hosts: [a.test], secretName: ${secretName}}], ${rule()}`;
    expect(found([one(tls("x"), "a"), one(tls("y"), "b")])).toEqual(
      twice("HDL0172 Error", "spec.tls[0]"),
    );
    expect(found([one(tls("x"), "a"), one(tls("x"), "b")])).toEqual([]);
  });
});

describe("the status of an Ingress", () => {
  const front = `
apiVersion: v1
kind: Service
metadata: {name: istio-ingressgateway, namespace: istio-system}
spec: {type: LoadBalancer, externalIPs: [192.0.2.7], ports: [{name: http, port: 80}]}
status: {loadBalancer: {ingress: [{ip: 192.0.2.1}, {hostname: lb.test}]}}`;
  const statusOf = (...documents: string[]) => {
    const index = new MeshIndex();
    for (const object of parsed(...documents).objects) index.put(object);
    return ingressStatusOf(index, "networking.k8s.io/Ingress/default/shop");
  };

  test("has the addresses of the Service in front of the gateways", () => {
    expect(statusOf(ingress(`{ingressClassName: istio, ${rule()}}`), front)).toEqual({
      loadBalancer: {
        ingress: [{ ip: "192.0.2.1" }, { hostname: "lb.test" }, { ip: "192.0.2.7" }],
      },
    });
  });

  test("is not there where nobody knows the Service, or the Ingress is another controller's", () => {
    expect(statusOf(ingress(`{ingressClassName: istio, ${rule()}}`))).toBeUndefined();
    expect(statusOf(ingress(`{ingressClassName: nginx, ${rule()}}`), front)).toBeUndefined();
  });
});
