/** What a revocation changes at proxies: filter chains and clusters with mutual TLS of the mesh, and nothing else. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { Metadata } from "@heddle/envoy/config/core/v3";
import type { Listener } from "@heddle/envoy/config/listener/v3";
import { objectKey } from "@heddle/model";
import { expect, test } from "vitest";
import { gateway, pod, service } from "../../../test/harness/objects.ts";
import { createTranslator, parseNode, type ProxyView } from "./index.ts";
import { ANY_MESH } from "./testing/mesh.ts";

const SIDECAR = parseNode({
  id: "sidecar~10.0.0.1~web.default~default.svc.cluster.local",
  metadata: { LABELS: { app: "web" } },
});
const EDGE = parseNode({
  id: "router~10.0.0.9~edge.default~default.svc.cluster.local",
  metadata: { LABELS: { istio: "ingressgateway" } },
});
const tls = (mode: string, credentialName?: string) => ({
  port: { number: mode === "SIMPLE" ? 443 : 15443, name: `https-${mode}`, protocol: "HTTPS" },
  hosts: ["*"],
  tls: { mode, ...(credentialName ? { credentialName } : {}) },
});
const OBJECTS = [
  pod({ name: "web", address: "10.0.0.1", labels: { app: "web" } }),
  ...service("web", [{ name: "http", port: 80 }], ["10.0.0.1"]),
  gateway("edge", {
    selector: { istio: "ingressgateway" },
    servers: [tls("SIMPLE", "cert"), tls("ISTIO_MUTUAL")],
  } as never),
];

interface Marked {
  readonly name?: string;
  readonly metadata?: Metadata | undefined;
}
const markOf = ({ metadata }: Marked) => metadata?.filterMetadata?.["heddle"]?.["revocation"];
const resources = <T>(view: ProxyView, type: "listener" | "cluster") =>
  [...view.resources(type).values()] as T[];
const chainsOf = (view: ProxyView) =>
  resources<Listener>(view, "listener").flatMap(({ filterChains = [] }) => filterChains);

test("chains and clusters with mutual TLS of the mesh change with each revocation, others stay as they are", () => {
  const translator = createTranslator({ mesh: ANY_MESH });
  translator.apply(OBJECTS.map((object) => ({ key: objectKey(object), object })));
  const views = [translator.view(SIDECAR), translator.view(EDGE)];
  const all = () =>
    views.flatMap(
      (view) => [...chainsOf(view), ...resources<Cluster>(view, "cluster")] as Marked[],
    );
  const before = all();
  expect(before.map(markOf).filter(Boolean)).toEqual([]);
  const text = (each: Marked) => JSON.stringify(each);
  for (const revocation of ["first", "second"]) {
    translator.setRevocation(revocation);
    const after = all();
    const marked = after.filter((each) => markOf(each) !== undefined);
    expect(new Set(marked.map(markOf))).toEqual(new Set([revocation]));
    // By what they are made of: all that shake hands by certificates of the mesh, and only these.
    expect(marked.map(text)).toEqual(after.map(text).filter((each) => each.includes('"ROOTCA"')));
    expect(marked.length).toBeGreaterThan(3);
    // What requests are counted under is still there.
    expect(text(marked.find(({ name }) => name?.startsWith("outbound")) ?? {})).toContain(
      '"service":"web.default.svc.cluster.local"',
    );
    expect(after.filter((each) => markOf(each) === undefined).map(text)).toEqual(
      before.map(text).filter((each) => !each.includes('"ROOTCA"')),
    );
  }
});
