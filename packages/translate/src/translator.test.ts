import { type MeshObject, objectKey } from "@heddle/model";
import { describe, expect, it } from "vitest";
import {
  destinationRule,
  object,
  pod,
  service,
  virtualService,
} from "../../../test/harness/objects.ts";
import {
  createTranslator,
  parseNode,
  type ProxyView,
  type Schedule,
  type Translator,
} from "./index.ts";
import type { Change } from "./overlay.ts";
import { ANY_MESH } from "./testing/mesh.ts";

const REVIEWS = "reviews.default.svc.cluster.local";
const CLUSTER = `outbound|80||${REVIEWS}`;
const CLUSTER_V1 = `outbound|80|v1|${REVIEWS}`;

function set(...objects: readonly MeshObject[]): Change[] {
  return objects.map((each) => ({ key: objectKey(each), object: each }));
}

function gone(...objects: readonly MeshObject[]): Change[] {
  return objects.map((each) => ({ key: objectKey(each), object: null }));
}

function client(name: string, namespace = "default", metadata: Record<string, unknown> = {}) {
  return parseNode({
    id: `sidecar~10.9.0.9~${name}.${namespace}~${namespace}.svc.cluster.local`,
    metadata,
  });
}

const HTTP = [{ name: "http", port: 80 }];
const reviews = service("reviews", HTTP, ["10.1.0.1"], { clusterIP: "10.0.0.1" });
const rule = destinationRule("reviews", {
  host: "reviews",
  subsets: [{ name: "v1", labels: { version: "v1" } }],
});

function translatorWith(...objects: readonly MeshObject[]): Translator {
  const translator = createTranslator({ mesh: ANY_MESH });
  translator.apply(set(...objects));
  return translator;
}

function services(count: number): MeshObject[] {
  return Array.from({ length: count }, (_, i) =>
    service(`svc-${i}`, HTTP, [`10.2.${i >> 8}.${i & 255}`], {
      namespace: `ns-${i % 10}`,
      clusterIP: `10.0.${i >> 8}.${i & 255}`,
    }),
  ).flat();
}

describe("a view", () => {
  it("follows the model at once for whoever reads it", () => {
    const translator = translatorWith();
    const view = translator.view(client("web"));
    expect(view.resources("cluster").has(CLUSTER)).toBe(false);
    translator.apply(set(...reviews));
    expect(view.resources("cluster").has(CLUSTER)).toBe(true);
    translator.apply(gone(...reviews));
    expect(view.resources("cluster").has(CLUSTER)).toBe(false);
  });

  it("tells what changed, by type and name, as soon as the caller returns", async () => {
    // A clock that stands still: on a busy machine a slice may end before the work does.
    const schedule = { now: () => 0, soon: queueMicrotask, later: () => expect.unreachable() };
    const translator = createTranslator({ mesh: ANY_MESH, schedule });
    translator.apply(set(...reviews));
    const view = translator.view(client("web"));
    await translator.settled();
    const told: unknown[] = [];
    view.subscribe((types, names) => told.push([[...types], [...(names.get("cluster") ?? [])]]));
    translator.apply(set(rule));
    expect(told).toEqual([]);
    await Promise.resolve();
    expect(told).toEqual([[["cluster", "endpoint"], [CLUSTER_V1]]]);
  });

  it("tells once of what was applied in one turn", async () => {
    const translator = translatorWith(...reviews);
    const view = translator.view(client("web"));
    await translator.settled();
    let told = 0;
    view.subscribe(() => told++);
    translator.apply(set(rule));
    translator.apply(set(virtualService("reviews", { hosts: ["reviews"], http: [timeout("1s")] })));
    await translator.settled();
    expect(told).toBe(1);
  });

  it("says nothing of a change that changes nothing for it", async () => {
    const translator = translatorWith(...reviews, rule);
    const view = translator.view(client("web"));
    await translator.settled();
    view.subscribe(() => expect.unreachable());
    translator.apply(set({ ...rule, metadata: { ...rule.metadata, labels: { note: "seen" } } }));
    await translator.settled();
  });

  it("keeps the identity of every value that a change leaves equal", async () => {
    const translator = translatorWith(...reviews, ...services(20), rule);
    const view = translator.view(client("web"));
    const before = new Map(view.resources("cluster"));
    translator.apply(
      set(destinationRule("reviews", { host: "reviews", subsets: [{ name: "v2" }] })),
    );
    for (const [name, value] of view.resources("cluster")) {
      if (!name.includes("|v2|")) expect(value, name).toBe(before.get(name));
    }
  });

  it("answers for names that are not its own, and tells of their changes", async () => {
    const translator = translatorWith();
    const view = translator.view(client("grpc"));
    await translator.settled();
    expect(view.named("listener", "reviews:80")).toBeUndefined();
    const told: string[] = [];
    view.subscribe((_, names) => told.push(...(names.get("listener") ?? [])));
    translator.apply(set(...reviews));
    await translator.settled();
    expect(told).toContain("reviews:80");
    expect(view.named("listener", "reviews:80")).toMatchObject({ name: "reviews:80" });
    expect(view.named("route", `${REVIEWS}:80`)).toMatchObject({ name: `${REVIEWS}:80` });
    expect(view.named("route", "nobody.example.com:80")).toBeUndefined();
    expect(view.resources("listener").has("reviews:80")).toBe(false);
  });

  it("names the secrets that its clusters ask for", () => {
    const tls = { mode: "SIMPLE" as const, credentialName: "outside" };
    const translator = translatorWith(
      ...reviews,
      destinationRule("reviews", {
        host: "reviews",
        trafficPolicy: { tls: { mode: "SIMPLE" } },
      }),
      destinationRule("selecting", {
        host: "reviews",
        workloadSelector: { matchLabels: { app: "egress" } },
        trafficPolicy: { tls },
      }),
    );
    const labelled = (app: string) => client(app, "default", { LABELS: { app } });
    expect(translator.view(labelled("egress")).secrets()).toEqual([
      "ROOTCA",
      "default",
      "kubernetes://outside-cacert",
    ]);
    expect(translator.view(labelled("web")).secrets()).toEqual([
      "ROOTCA",
      "default",
      "file-root:system",
    ]);
  });
});

describe("sharing", () => {
  it("gives clients of one namespace one set of outbound resources", () => {
    const translator = translatorWith(...reviews, rule);
    const views = ["a", "b", "c"].map((name) =>
      translator.view(client(name, "default", { LABELS: { app: name } })),
    );
    views.forEach((view) => view.resources("cluster"));
    expect(translator.stats().outboundSets).toBe(1);
  });

  it("computes a cluster once for all namespaces that see the same rule", () => {
    const translator = translatorWith(...reviews, rule);
    const views = ["a", "b"].map((namespace) => translator.view(client("web", namespace)));
    const clusters = views.map((view) => view.resources("cluster").get(CLUSTER));
    expect(clusters[0]).toBe(clusters[1]);
    expect(translator.stats().byName["cluster/outbound"]).toMatchObject({ alive: 2 });
  });

  it("sets apart the namespace that a rule is for", () => {
    const own = destinationRule(
      "mine",
      { host: REVIEWS, trafficPolicy: { loadBalancer: { simple: "RANDOM" } } },
      "a",
    );
    const translator = translatorWith(...reviews, rule, own);
    const policies = ["a", "b"].map(
      (namespace) =>
        (
          translator.view(client("web", namespace)).resources("cluster").get(CLUSTER) as {
            lbPolicy: string;
          }
        ).lbPolicy,
    );
    expect(policies).toEqual(["RANDOM", "LEAST_REQUEST"]);
  });

  it("sets apart the clients that a rule selects, and no others", async () => {
    const mine = destinationRule("mine", {
      host: "reviews",
      workloadSelector: { matchLabels: { tier: "gold" } },
      trafficPolicy: {
        loadBalancer: { simple: "RANDOM", consistentHash: { useSourceIp: true } },
      },
    });
    const translator = translatorWith(...reviews, rule, mine);
    const views = ["gold", "gold", "lead", undefined].map((tier, i) =>
      translator.view(
        client(`c${i}`, "default", { LABELS: { ...(tier ? { tier } : {}), app: `c${i}` } }),
      ),
    );
    const stranger = translator.view(client("web", "other", { LABELS: { tier: "gold" } }));
    const [gold, alsoGold, lead, none] = views.map((view) =>
      view.resources("cluster").get(CLUSTER),
    );
    expect(gold).toMatchObject({ lbPolicy: "RING_HASH" });
    expect(alsoGold).toBe(gold);
    expect(lead).toMatchObject({ lbPolicy: "LEAST_REQUEST" });
    expect(none).toBe(lead);
    expect(stranger.resources("cluster").get(CLUSTER)).toBe(lead);
    const hashed = views.map((view) =>
      JSON.stringify(view.resources("route").get("80")).includes("sourceIp"),
    );
    expect(hashed).toEqual([true, true, false, false]);
    expect(views[0]?.resources("cluster").has(CLUSTER_V1)).toBe(false);
    expect(views[2]?.resources("cluster").has(CLUSTER_V1)).toBe(true);
    translator.apply(gone(mine));
    await translator.settled();
    expect(translator.stats().outboundSets).toBe(2);
  });

  it("sets clients apart by the labels that a rule asks for, as long as it does", async () => {
    const gold = virtualService("reviews", {
      hosts: ["reviews"],
      http: [{ match: [{ sourceLabels: { tier: "gold" } }], ...timeout("1s") }, timeout("2s")],
    });
    const translator = translatorWith(...reviews);
    const views = ["gold", "lead"].map((tier) =>
      translator.view(client(tier, "default", { LABELS: { tier, app: tier } })),
    );
    const routes = () => views.map((view) => JSON.stringify(view.resources("route").get("80")));
    expect(new Set(routes()).size).toBe(1);
    expect(translator.stats().outboundSets).toBe(1);
    translator.apply(set(gold));
    expect(new Set(routes()).size).toBe(2);
    expect(translator.stats().outboundSets).toBe(2);
    translator.apply(gone(gold));
    expect(new Set(routes()).size).toBe(1);
    await translator.settled();
    expect(translator.stats().outboundSets).toBe(1);
  });
});

describe("cost", () => {
  it("recomputes a few derivations for one VirtualService among many services and views", async () => {
    const translator = translatorWith(...services(500));
    const views = Array.from({ length: 20 }, (_, i) => translator.view(client("web", `ns-${i}`)));
    await translator.settled();
    translator.stats();
    const change = (value: string) =>
      set(virtualService("svc-3", { hosts: ["svc-3"], http: [timeout(value)] }, "ns-3"));
    translator.apply(change("1s"));
    await translator.settled();
    expect(translator.stats().recomputed).toBeLessThanOrEqual(50);
    translator.apply(change("2s"));
    await translator.settled();
    const { recomputed, byName } = translator.stats();
    expect(recomputed).toBeGreaterThan(0);
    expect(recomputed).toBeLessThanOrEqual(50);
    expect(byName["cluster/outbound"]?.recomputed).toBe(0);
    views.forEach((view) => view.dispose());
    await translator.settled();
    expect(translator.stats().alive).toBe(0);
  });

  it("recomputes only what delegates to a rule when that rule changes", async () => {
    const root = (name: string, delegate: string) =>
      virtualService(name, { hosts: [name], http: [{ delegate: { name: delegate } }] }, "ns-1");
    const part = (status: number) =>
      virtualService("part", { http: [{ directResponse: { status } }] }, "ns-1");
    const translator = translatorWith(
      ...services(200),
      root("svc-1", "part"),
      root("svc-11", "other"),
      part(298),
      virtualService("other", { http: [{ directResponse: { status: 297 } }] }, "ns-1"),
    );
    const view = translator.view(client("a"));
    await translator.settled();
    const routes = () => JSON.stringify(view.resources("route").get("80"));
    expect(routes()).toContain('"status":298');
    translator.stats();
    translator.apply(set(part(299)));
    await translator.settled();
    expect(routes()).toContain('"status":299');
    const { byName } = translator.stats();
    expect(byName["form/rule-set"]?.recomputed).toBe(1);
    expect(byName["route/host"]?.recomputed).toBe(1);
  });

  it("recomputes nothing that does not depend on an endpoint", async () => {
    const translator = translatorWith(...services(100));
    translator.view(client("web"));
    await translator.settled();
    translator.stats();
    translator.apply(
      set(
        service("svc-7", HTTP, ["10.2.0.7", "10.2.0.77"], {
          namespace: "ns-7",
          clusterIP: "10.0.0.7",
        })[1] as MeshObject,
      ),
    );
    await translator.settled();
    const { byName } = translator.stats();
    const recomputed = Object.entries(byName).filter(([, each]) => each.recomputed > 0);
    expect(Object.fromEntries(recomputed.map(([name, each]) => [name, each.recomputed]))).toEqual({
      "endpoint/load-assignment": 1,
      "view/outbound-host": 1,
      "view/outbound-part": 1,
    });
  });

  it("gives I/O a turn when a change takes longer than a slice", async () => {
    const { schedule, turns } = slowClock();
    const translator = createTranslator({ mesh: ANY_MESH, schedule });
    translator.apply(set(...services(50)));
    const views = ["a", "b", "c"].map((namespace) => translator.view(client("web", namespace)));
    await translator.settled();
    turns.length = 0;
    const told: number[] = [];
    views.forEach((view, i) => view.subscribe(() => told.push(i)));
    const everywhere = destinationRule(
      "all",
      { host: "*.svc.cluster.local", trafficPolicy: { loadBalancer: { simple: "RANDOM" } } },
      "istio-system",
    );
    translator.apply(set(everywhere));
    await translator.settled();
    expect(turns.length).toBeGreaterThan(3);
    expect(told.toSorted()).toEqual([0, 1, 2]);
  });
});

describe("a staged change", () => {
  const two = destinationRule("reviews", {
    host: "reviews",
    trafficPolicy: { loadBalancer: { simple: "RANDOM" } },
  });
  const lbOf = (view: ProxyView) =>
    (view.resources("cluster").get(CLUSTER) as { lbPolicy: string }).lbPolicy;

  it("is read by candidates alone, and what does not differ is shared", async () => {
    const translator = translatorWith(...reviews, ...services(10), rule);
    const stable = translator.view(client("a"));
    const candidate = translator.view(client("b", "default", { HEDDLE_COHORT: "candidate" }));
    expect([lbOf(stable), lbOf(candidate)]).toEqual(["LEAST_REQUEST", "LEAST_REQUEST"]);
    expect(translator.stats().outboundSets).toBe(1);
    translator.apply([{ key: objectKey(rule), object: rule, candidate: two }]);
    expect([lbOf(stable), lbOf(candidate)]).toEqual(["LEAST_REQUEST", "RANDOM"]);
    translator.apply([{ key: objectKey(rule), object: two }]);
    expect([lbOf(stable), lbOf(candidate)]).toEqual(["RANDOM", "RANDOM"]);
    await translator.settled();
    expect(translator.stats().outboundSets).toBe(1);
  });

  it("may add an object for candidates, or take one away", () => {
    const translator = translatorWith(...reviews);
    const stable = translator.view(client("a"));
    const candidate = translator.view(client("b", "default", { HEDDLE_COHORT: "candidate" }));
    const key = objectKey(rule);
    translator.apply([{ key, object: null, candidate: rule }]);
    const held = () => [stable, candidate].map((view) => view.resources("cluster").has(CLUSTER_V1));
    expect(held()).toEqual([false, true]);
    translator.apply([{ key, object: rule, candidate: null }]);
    expect(held()).toEqual([true, false]);
  });

  it("goes on reading what else changes", () => {
    const translator = translatorWith(...reviews, rule);
    const candidate = translator.view(client("b", "default", { HEDDLE_COHORT: "candidate" }));
    translator.apply([{ key: objectKey(rule), object: rule, candidate: two }]);
    expect(lbOf(candidate)).toBe("RANDOM");
    translator.apply(set(...service("ratings", HTTP, [], { clusterIP: "10.0.0.2" })));
    expect(
      candidate.resources("cluster").has("outbound|80||ratings.default.svc.cluster.local"),
    ).toBe(true);
  });
});

describe("endpoints", () => {
  const [web, slice] = service("web", HTTP, ["10.1.0.1"], { clusterIP: "10.0.0.1" }) as [
    MeshObject,
    MeshObject,
  ];
  const webPod = pod({
    name: "web-1",
    address: "10.1.0.1",
    labels: { app: "web" },
    serviceAccount: "web",
  });

  it.each([
    ["a pod before its slice", [[webPod], [web], [slice]]],
    ["a slice before its pod", [[slice], [web], [webPod]]],
    ["the service last", [[slice], [webPod], [web]]],
    ["all at once", [[slice, webPod, web]]],
  ])("come out the same with %s", (_, batches) => {
    const translator = createTranslator({ mesh: ANY_MESH });
    const view = translator.view(client("a"));
    for (const objects of batches) {
      translator.apply(set(...objects));
      view.resources("endpoint");
    }
    const text = JSON.stringify(
      view.resources("endpoint").get("outbound|80||web.default.svc.cluster.local"),
    );
    expect(text).toContain('"tlsMode":"istio"');
    expect(text).toContain('"10.1.0.1"');
    expect(
      JSON.stringify(view.resources("cluster").get("outbound|80||web.default.svc.cluster.local")),
    ).toContain("spiffe://cluster.local/ns/default/sa/web");
  });

  it("take plain text where a PeerAuthentication turns mutual TLS off", () => {
    const off = object("security.istio.io/v1", "PeerAuthentication", "default", {
      mtls: { mode: "DISABLE" },
    });
    const translator = translatorWith(web, slice, webPod, off);
    const text = JSON.stringify([...translator.view(client("a")).resources("endpoint").values()]);
    expect(text).not.toContain("tlsMode");
  });
});

describe("what cannot be translated", () => {
  it("is reported with the object's name and leaves everything else alone", () => {
    const broken = object("v1", "Service", "broken", { ports: 7 });
    const translator = translatorWith(...reviews, broken);
    const view = translator.view(client("a"));
    expect(view.resources("cluster").has(CLUSTER)).toBe(true);
    expect(translator.diagnostics()).toMatchObject([
      { code: "HDL4001", origin: "Service default/broken" },
    ]);
    translator.apply(gone(broken));
    expect(translator.diagnostics()).toEqual([]);
  });

  it("keeps its last good value", () => {
    const translator = translatorWith(...reviews, rule);
    const view = translator.view(client("a"));
    const before = view.resources("cluster").get(CLUSTER);
    const broken = destinationRule("reviews", {
      host: "reviews",
      trafficPolicy: { connectionPool: { tcp: { connectTimeout: "soon" } } },
    });
    translator.apply(set(broken));
    expect(view.resources("cluster").get(CLUSTER)).toBe(before);
    expect(translator.diagnostics()).toMatchObject([{ code: "HDL4002", level: "Error" }]);
    translator.apply(set(rule));
    view.resources("cluster");
    expect(translator.diagnostics()).toEqual([]);
  });

  it("is left out, and nothing else, where there never was a good value", () => {
    const broken = [
      destinationRule("reviews", {
        host: "reviews",
        trafficPolicy: { connectionPool: { tcp: { connectTimeout: "soon" } } },
      }),
      virtualService("svc-1", { hosts: ["svc-1"], http: [timeout("later")] }, "ns-1"),
    ];
    const others = services(200);
    const translator = translatorWith(...reviews, ...others, ...broken);
    const view = translator.view(client("a"));
    expect(view.resources("cluster").has(CLUSTER)).toBe(false);
    const held = [...view.resources("cluster").keys()].filter((name) => name.includes("|svc-"));
    expect(held).toHaveLength(200);
    const route = JSON.stringify(view.resources("route").get("80"));
    expect(route).toContain('"svc-2.ns-2.svc.cluster.local:80"');
    expect(route).not.toContain('"svc-1.ns-1.svc.cluster.local:80"');
    expect(translator.diagnostics().map(({ code }) => code)).toContain("HDL4002");
  });

  it("refuses a change whose key is not its object's", () => {
    const translator = translatorWith();
    expect(() => translator.apply([{ key: "core/Pod/a/b", object: rule }])).toThrow(TypeError);
  });
});

function timeout(value: string) {
  return { route: [{ destination: { host: REVIEWS } }], timeout: value };
}

/** Every look at the clock costs 3 ms; turns for I/O are counted. */
function slowClock(): { schedule: Schedule; turns: number[] } {
  const turns: number[] = [];
  let now = 0;
  return {
    turns,
    schedule: {
      now: () => (now += 3),
      soon: (run) => queueMicrotask(run),
      later: (run) => {
        turns.push(now);
        setImmediate(run);
      },
    },
  };
}
