import { type MeshObject, objectKey } from "@heddle/model";
import { describe, expect, it } from "vitest";
import {
  authorizationPolicy,
  destinationRule,
  peerAuthentication,
  pod,
  service,
  serviceEntry,
} from "../../../test/harness/objects.ts";
import { createTranslator, parseNode, type ProxyView, type Translator } from "./index.ts";
import { ANY_MESH } from "./testing/mesh.ts";
import { snapshot } from "./testing/snapshot.ts";

const PARTNER = "partner.example";
const OWN = ANY_MESH.trustDomain;
const port = [{ name: "http", port: 80 }];
const objects: readonly MeshObject[] = [
  ...service("web", port, ["10.1.0.1"]),
  pod({ name: "web", address: "10.1.0.1", labels: { app: "web" } }),
  peerAuthentication("default", { mtls: { mode: "STRICT" } }),
  authorizationPolicy("callers", {
    rules: [
      { from: [{ source: { principals: [`${PARTNER}/ns/shop/sa/web`] } }] },
      { from: [{ source: { namespaces: ["shop"] } }] },
      { from: [{ source: { serviceAccounts: ["shop/web"] } }] },
    ],
  }),
  ...["named", "unnamed"].map((name) =>
    serviceEntry(name, {
      hosts: [`${name}.test`],
      ports: [{ number: 80, name: "http", protocol: "HTTP" }],
      resolution: "STATIC",
      endpoints: [{ address: "192.0.2.1" }],
      ...(name === "named" ? { subjectAltNames: [`spiffe://${PARTNER}/ns/shop/sa/api`] } : {}),
    }),
  ),
  destinationRule("outside", {
    ...{ host: "*.test", trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } },
  }),
];

function started(federated: readonly string[] | undefined): [Translator, ProxyView] {
  const translator = createTranslator({
    mesh: {
      ...{ ...ANY_MESH, trustDomainAliases: ["old.example"] },
      ...(federated ? { federatedTrustDomains: federated } : {}),
    },
  });
  translator.apply(objects.map((each) => ({ key: objectKey(each), object: each })));
  const proxy = parseNode({
    id: "sidecar~10.1.0.1~web.default~default.svc.cluster.local",
    metadata: { LABELS: { app: "web" }, NAMESPACE: "default", HTTP_PROXY_PORT: "15001" },
  });
  return [translator, translator.view(proxy)];
}

const text = (view: ProxyView, type: "listener" | "cluster", name?: string) =>
  [...view.resources(type)]
    .filter(([key]) => name === undefined || key.includes(name))
    .map(([, value]) => JSON.stringify(value))
    .join("\n");

describe("a mesh that federates", () => {
  const [, view] = started([PARTNER]);
  const [, alone] = started(undefined);
  const prefix = (domain: string) => `{"sanType":"URI","matcher":{"prefix":"spiffe://${domain}/"}}`;
  const ours = [OWN, "old.example"].map(prefix).join(",");

  it("takes identities of the other trust domain as a server, beside its own", () => {
    expect(text(view, "listener")).toContain(`[${ours},${prefix(PARTNER)}]`);
    expect(text(alone, "listener")).toContain(`[${ours}]`);
    expect(text(alone, "listener")).not.toContain(prefix(PARTNER));
  });

  it("takes them as a client where they are named, and else the mesh's own alone", () => {
    expect(text(view, "cluster", "|named.test")).toContain(`spiffe://${PARTNER}/ns/shop/sa/api`);
    expect(text(view, "cluster", "|unnamed.test")).toContain(`[${ours}]`);
    expect(text(alone, "cluster", "|unnamed.test")).not.toContain("matchTypedSubjectAltNames");
  });

  it("means its own namespaces and accounts by those of policies, and the other's by whole names", () => {
    const own = "spiffe://(cluster\\\\.local|old\\\\.example)(/.+|)/ns/shop/";
    const rules = text(view, "listener");
    expect(rules).toContain(`${own}.*"`);
    expect(rules).toContain(`${own}(.+/|)sa/web(/.+)?"`);
    expect(rules).toContain(`{"exact":"spiffe://${PARTNER}/ns/shop/sa/web"}`);
    expect(text(alone, "listener")).toContain(`".*/ns/shop/.*"`);
  });

  it("may do so at any time, and no longer", async () => {
    const [translator, changing] = started(undefined);
    const before = snapshot(changing);
    translator.setFederatedTrustDomains([PARTNER]);
    await translator.settled();
    expect(snapshot(changing)).toEqual(snapshot(view));
    translator.setFederatedTrustDomains([]);
    await translator.settled();
    expect(snapshot(changing)).toEqual(before);
  });
});
