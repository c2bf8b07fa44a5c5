import { type MeshObject, objectKey } from "@heddle/model";
import { describe, expect, it } from "vitest";
import {
  destinationRule,
  gateway,
  peerAuthentication,
  pod,
  service,
  virtualService,
} from "../../../../test/harness/objects.ts";
import { createTranslator, parseNode, type ProxyView, type Translator } from "../index.ts";
import { ANY_MESH } from "../testing/mesh.ts";
import { RESOURCE_TYPES } from "../view/resource-set.ts";

const HTTP = [{ name: "http", port: 80 }];
const to = (host: string) => [{ route: [{ destination: { host } }] }];
const REVIEWS = "reviews.default.svc.cluster.local";

const OBJECTS: readonly MeshObject[] = [
  pod({ name: "web", address: "10.9.0.9", labels: { app: "web" } }),
  ...service("web", HTTP, ["10.9.0.9"], { clusterIP: "10.0.0.9" }),
  ...service("reviews", HTTP, ["10.1.0.1"], { clusterIP: "10.0.0.1" }),
  ...service("ratings", HTTP, ["10.1.0.2"], { clusterIP: "10.0.0.2" }),
  ...service("db", [{ name: "tcp", port: 3306 }], ["10.1.0.3"], { clusterIP: "10.0.0.3" }),
  virtualService("reviews", { hosts: ["reviews"], http: to("reviews") }),
  virtualService("shop", { hosts: ["shop.example"], gateways: ["edge"], http: to("reviews") }),
  destinationRule("reviews", { host: "reviews", subsets: [{ name: "v1" }] }),
  destinationRule("theirs", { host: REVIEWS, exportTo: ["."] }, "other"),
  gateway("edge", {
    selector: { istio: "ingressgateway" },
    servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
  }),
  peerAuthentication("strict", { mtls: { mode: "STRICT" } }),
];

const web = parseNode({
  id: "sidecar~10.9.0.9~web.default~default.svc.cluster.local",
  metadata: { LABELS: { app: "web" }, INTERCEPTION_MODE: "REDIRECT" },
});
const other = parseNode({ id: "sidecar~10.9.1.9~api.other~other.svc.cluster.local" });
const ingress = parseNode({
  id: "router~10.9.2.9~edge.default~default.svc.cluster.local",
  metadata: { LABELS: { istio: "ingressgateway" } },
});

function begin(): { translator: Translator; views: readonly ProxyView[] } {
  const translator = createTranslator({ mesh: ANY_MESH });
  translator.apply(OBJECTS.map((each) => ({ key: objectKey(each), object: each })));
  return { translator, views: [web, other, ingress].map((proxy) => translator.view(proxy)) };
}

const key = (kind: string, name: string, namespace = "default") =>
  `${kind === "PeerAuthentication" ? "security" : "networking"}.istio.io/${kind}/${namespace}/${name}`;

function effect(translator: Translator, of: string): Record<string, string[]> {
  return Object.fromEntries(
    translator
      .effectOf(of)
      .map(({ proxy, resources }) => [
        proxy.pod!,
        resources.map(({ type, name }) => `${type} ${name}`).toSorted(),
      ]),
  );
}

describe("a resource leads back to the objects that it was made from", () => {
  const { views } = begin();
  const [sidecar, , edge] = views as [ProxyView, ProxyView, ProxyView];
  const written = (view: ProxyView, type: "cluster" | "listener" | "route", name: string) =>
    view.origins(type, name).filter((each) => !each.startsWith("core/"));

  it("and to no others", () => {
    expect(written(sidecar, "cluster", `outbound|80||${REVIEWS}`)).toEqual([
      key("DestinationRule", "reviews"),
    ]);
    expect(sidecar.origins("cluster", `outbound|80||${REVIEWS}`)).toContain(
      "core/Service/default/reviews",
    );
    expect(written(sidecar, "cluster", "outbound|80||ratings.default.svc.cluster.local")).toEqual(
      [],
    );
    expect(written(sidecar, "route", "80")).toContain(key("VirtualService", "reviews"));
    expect(written(sidecar, "route", "80")).not.toContain(key("VirtualService", "shop"));
    expect(written(sidecar, "listener", "virtualInbound")).toEqual([
      key("PeerAuthentication", "strict"),
    ]);
    expect(written(edge, "listener", "0.0.0.0_80")).toEqual([key("Gateway", "edge")]);
    expect(written(edge, "route", "http.80")).toEqual([
      key("DestinationRule", "reviews"),
      key("Gateway", "edge"),
      key("VirtualService", "shop"),
    ]);
  });

  it("that is not there leads nowhere", () => {
    expect(sidecar.origins("cluster", "nobody")).toEqual([]);
  });
});

describe("an object leads to what it became", () => {
  it("at each proxy that has it", () => {
    const { translator } = begin();
    // Clients learn from the endpoints how a workload wants to be talked to.
    const client = ["endpoint outbound|80||web.default.svc.cluster.local"];
    expect(effect(translator, key("PeerAuthentication", "strict"))).toEqual({
      web: [...client, "listener virtualInbound"],
      api: client,
      edge: client,
    });
    expect(effect(translator, key("VirtualService", "shop"))).toEqual({ edge: ["route http.80"] });
    expect(effect(translator, key("Gateway", "edge"))).toEqual({
      edge: ["listener 0.0.0.0_80", "route http.80"],
    });
    // A rule of another namespace is seen there alone, though all answers for the host lie together.
    const theirs = effect(translator, key("DestinationRule", "theirs", "other"));
    expect(Object.keys(theirs)).toEqual(["api"]);
    expect(theirs["api"]).toContain(`cluster outbound|80||${REVIEWS}`);
    expect(effect(translator, key("DestinationRule", "reviews"))["web"]).toEqual(
      expect.arrayContaining([
        `cluster outbound|80|v1|${REVIEWS}`,
        `cluster outbound|80||${REVIEWS}`,
        `endpoint outbound|80||${REVIEWS}`,
      ]),
    );
    expect(effect(translator, "core/Service/default/db")["web"]).toContain(
      "cluster outbound|3306||db.default.svc.cluster.local",
    );
    expect(effect(translator, key("VirtualService", "nobody"))).toEqual({});
  });

  it("which are the resources that lead back to it", () => {
    const { translator, views } = begin();
    for (const each of OBJECTS.map(objectKey).filter((one) => !one.startsWith("core/"))) {
      const found = new Map(
        translator.effectOf(each).map(({ proxy, resources }) => [proxy.id, resources]),
      );
      for (const view of views) {
        const back = RESOURCE_TYPES.filter((type) => type !== "secret").flatMap((type) =>
          [...view.resources(type).keys()]
            .filter((name) => view.origins(type, name).includes(each))
            .map((name) => `${type} ${name}`),
        );
        const forward = (found.get(view.proxy.id) ?? []).map(({ type, name }) => `${type} ${name}`);
        expect(forward.toSorted(), `${each} at ${view.proxy.pod}`).toEqual(back.toSorted());
      }
    }
  });

  it("after a change too", async () => {
    const { translator } = begin();
    const moved = virtualService("shop", { hosts: ["ratings"], http: to("ratings") });
    translator.apply([{ key: objectKey(moved), object: moved }]);
    await translator.settled();
    const now = effect(translator, objectKey(moved));
    expect(now["web"]).toEqual(["route 80"]);
    expect(now["edge"]).toBeUndefined();
  });
});

it("a derivation that fails names the object that it had read", () => {
  const { translator } = begin();
  const broken = destinationRule("reviews", {
    host: "reviews",
    trafficPolicy: {
      get connectionPool(): never {
        throw new Error("unreadable");
      },
    },
  } as never);
  translator.apply([{ key: objectKey(broken), object: broken }]);
  translator.view(web).resources("cluster");
  const found = translator.diagnostics().filter(({ code }) => code === "HDL4002");
  expect(found.length).toBeGreaterThan(0);
  for (const { origin } of found) expect(origin).toBe("DestinationRule default/reviews");
});
