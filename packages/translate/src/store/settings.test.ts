import { type MeshObject, objectKey, type MeshSettingsSpec } from "@heddle/model";
import { describe, expect, it } from "vitest";
import { destinationRule, service } from "../../../../test/harness/objects.ts";
import { createTranslator, parseNode, type ProxyView, type Translator } from "../index.ts";
import { ANY_MESH } from "../testing/mesh.ts";

const HTTP = [{ name: "http", port: 80 }];
const reviews = service("reviews", HTTP, ["10.1.0.1"], { clusterIP: "10.0.0.1" });
const KEY = "heddle.dev/MeshSettings/-/mesh";

function settings(spec: MeshSettingsSpec): MeshObject {
  const metadata = { name: "mesh", namespace: "", labels: {}, annotations: {} };
  return { apiVersion: "heddle.dev/v1", kind: "MeshSettings", metadata, spec };
}

function put(translator: Translator, ...objects: readonly MeshObject[]): void {
  translator.apply(objects.map((object) => ({ key: objectKey(object), object })));
}

const web = parseNode({ id: "sidecar~10.9.0.9~web.default~default.svc.cluster.local" });

function everything(view: ProxyView): unknown {
  return (["cluster", "endpoint", "listener", "route"] as const).map((type) =>
    [...view.resources(type)].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function begin(...objects: readonly MeshObject[]): { translator: Translator; view: ProxyView } {
  const translator = createTranslator({ mesh: ANY_MESH });
  put(translator, ...reviews, ...objects);
  return { translator, view: translator.view(web) };
}

const strangers = (view: ProxyView) => JSON.stringify(view.resources("route").get("80"));

describe("a MeshSettings object", () => {
  it("goes over the settings given at the start, and its end brings those back", async () => {
    const { translator, view } = begin();
    expect(strangers(view)).toContain("PassthroughCluster");
    put(translator, settings({ outboundTrafficPolicy: "REGISTRY_ONLY" }));
    expect(strangers(view)).not.toContain("PassthroughCluster");
    expect(translator.mesh()).toEqual({ ...ANY_MESH, outboundTrafficPolicy: "REGISTRY_ONLY" });
    translator.apply([{ key: KEY, object: null }]);
    expect(strangers(view)).toContain("PassthroughCluster");
    await translator.settled();
  });

  it("has what reads the setting that changed derived again, and nothing else", async () => {
    const { translator, view } = begin();
    everything(view);
    await translator.settled();
    const told: string[][] = [];
    view.subscribe((types) => told.push([...types]));
    await translator.settled();
    told.length = 0;
    translator.stats();
    put(translator, settings({ traceSampling: 50 }));
    await translator.settled();
    expect(told).toEqual([["listener"]]);
    const { byName } = translator.stats();
    expect(Object.keys(byName).filter((name) => byName[name]!.recomputed > 0)).toSatisfy(
      (names: string[]) => names.length > 0 && names.every((name) => name.startsWith("listener/")),
    );
  });

  it.each([
    { rootNamespace: "default" },
    { clusterDomain: "mesh.example" },
    { outboundTrafficPolicy: "REGISTRY_ONLY", accessLog: false, traceSampling: 0 },
  ] as const)("leads where a start with %j leads", async (chosen) => {
    const rule = destinationRule("reviews", {
      host: "reviews",
      trafficPolicy: { connectionPool: { tcp: { maxConnections: 7 } } },
    });
    const { translator, view } = begin(rule);
    everything(view);
    await translator.settled();
    put(translator, settings(chosen));
    await translator.settled();
    const fresh = createTranslator({ mesh: { ...ANY_MESH, ...chosen } });
    put(fresh, ...reviews, rule);
    expect(everything(view)).toEqual(everything(fresh.view(web)));
    // What comes after follows too.
    const gone = [{ key: objectKey(rule), object: null }];
    translator.apply(gone);
    fresh.apply(gone);
    expect(everything(view)).toEqual(everything(fresh.view(web)));
  });
});

describe("staged settings", () => {
  const tried = parseNode({
    id: "sidecar~10.9.0.8~tried.default~default.svc.cluster.local",
    metadata: { HEDDLE_COHORT: "candidate" },
  });
  const both = (translator: Translator) => [translator.view(web), translator.view(tried)] as const;
  const named = (view: ProxyView) => [...view.resources("cluster").keys()].join(" ");
  const stage = (translator: Translator, object: MeshObject | null, candidate: MeshObject | null) =>
    translator.apply([{ key: KEY, object, candidate }]);

  it("are candidates' alone until they are everybody's", async () => {
    const { translator } = begin();
    const [stable, candidate] = both(translator);
    const closed = settings({ outboundTrafficPolicy: "REGISTRY_ONLY" });
    const letOut = () =>
      [stable, candidate].map((view) => strangers(view).includes("PassthroughCluster"));
    expect(letOut()).toEqual([true, true]);
    stage(translator, null, closed);
    expect(letOut()).toEqual([true, false]);
    expect(translator.mesh()).toEqual(ANY_MESH);
    put(translator, closed);
    expect(letOut()).toEqual([false, false]);
    stage(translator, closed, null);
    expect(letOut()).toEqual([false, true]);
    await translator.settled();
  });

  it("name candidates' services in a domain of their own, also of services that come later", () => {
    const { translator } = begin();
    const [stable, candidate] = both(translator);
    stage(translator, null, settings({ clusterDomain: "mesh.example" }));
    put(translator, ...service("ratings", HTTP, [], { clusterIP: "10.0.0.2" }));
    for (const name of ["reviews", "ratings"]) {
      expect(named(stable)).toContain(`outbound|80||${name}.default.svc.cluster.local`);
      expect(named(stable)).not.toContain("mesh.example");
      expect(named(candidate)).toContain(`outbound|80||${name}.default.svc.mesh.example`);
      expect(named(candidate)).not.toContain("cluster.local");
    }
    translator.apply([{ key: KEY, object: null }]);
    expect(named(candidate)).toBe(named(stable));
  });

  it("leave the stable cohort's resources as they are", async () => {
    const { translator } = begin();
    const [stable, candidate] = both(translator);
    everything(stable);
    everything(candidate);
    await translator.settled();
    const told: string[] = [];
    stable.subscribe((types) => told.push(...types));
    await translator.settled();
    told.length = 0;
    stage(translator, null, settings({ traceSampling: 50 }));
    stage(translator, null, settings({ traceSampling: 50, rootNamespace: "default" }));
    await translator.settled();
    expect(told).toEqual([]);
  });
});
