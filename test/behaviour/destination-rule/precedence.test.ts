/** Which rule is for whom: hosts, namespaces, workloads, subsets and ports. */
import type { DestinationRule, MeshObject, TrafficPolicy } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CountingServer, startCountingServer } from "../../harness/counting-server.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, object, pod, service, virtualService } from "../../harness/objects.ts";
import { proves } from "../proves.ts";

const SERVERS = { v1: "127.84.0.10", v2: "127.84.0.11" } as const;
const PORT = 9080;

/** A policy that is known by the cookie which it makes. */
const marked = (cookie: string): TrafficPolicy => ({
  loadBalancer: { consistentHash: { httpCookie: { name: cookie, ttl: "60s" } } },
});

const rule = (namespace: string, name: string, spec: Partial<DestinationRule> & { host: string }) =>
  destinationRule(name, { trafficPolicy: marked(`${namespace}-${name}`), ...spec }, namespace);

const served = (name: string, namespace = "shop"): readonly MeshObject[] =>
  service(
    name,
    [
      { name: "http", port: 80, targetPort: PORT },
      { name: "http-too", port: 81, targetPort: PORT },
    ],
    Object.values(SERVERS),
    { namespace, clusterIP: "10.0.0.1" },
  );
const fullName = (name: string, namespace = "shop") => `${name}.${namespace}.svc.cluster.local`;
const older = { creationTimestamp: "2026-01-01T00:00:00Z" };
const younger = { creationTimestamp: "2026-02-01T00:00:00Z" };

describe.skipIf(!envoyBinary)("a rule is chosen", () => {
  const servers: CountingServer[] = [];
  beforeAll(async () => {
    for (const [name, address] of Object.entries(SERVERS))
      servers.push(await startCountingServer(name, address, PORT));
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });
  const mesh = startedMesh({
    workloads: {
      gold: { address: "127.84.0.1", namespace: "a", labels: { tier: "gold" } },
      lead: { address: "127.84.0.2", namespace: "a", labels: { tier: "lead" } },
      other: { address: "127.84.0.3", namespace: "b", labels: { tier: "gold" } },
    },
    objects: [
      ...Object.entries(SERVERS).map(([version, address]) =>
        pod({ name: version, address, labels: { version }, namespace: "shop", mesh: false }),
      ),
      ...[
        "order",
        "short",
        "full",
        "wide",
        "exported",
        "hidden",
        "selected",
        "versions",
        "ports",
      ].flatMap((name) => served(name)),
      ...["joined", "apart"].flatMap((name) => served(name)),
      ...served("rootless", "elsewhere"),
      rule("istio-system", "root", { host: "*.svc.cluster.local" }),
      rule("shop", "wide", { host: "*.shop.svc.cluster.local" }),
      rule("a", "order", { host: fullName("order") }),
      rule("shop", "order", { host: "order" }),
      rule("shop", "short", { host: "short" }),
      rule("shop", "full", { host: fullName("full") }),
      rule("shop", "exported", { host: "exported", exportTo: ["a"] }),
      rule("shop", "hidden", { host: "hidden", exportTo: ["."] }),
      rule("a", "selected", {
        host: fullName("selected"),
        workloadSelector: { matchLabels: { tier: "gold" } },
      }),
      rule("shop", "versions", {
        host: "versions",
        subsets: [
          { name: "one", labels: { version: "v1" } },
          { name: "two", labels: { version: "v2" }, trafficPolicy: marked("of-two") },
        ],
      }),
      virtualService(
        "versions",
        {
          hosts: ["versions"],
          http: ["one", "two"].map((subset) => ({
            match: [{ uri: { prefix: `/${subset}` } }],
            route: [{ destination: { host: "versions", subset, port: { number: 80 } } }],
          })),
        },
        "shop",
      ),
      rule("shop", "ports", {
        host: "ports",
        trafficPolicy: {
          ...marked("all-ports"),
          portLevelSettings: [
            { port: { number: 81 }, connectionPool: { http: { h2UpgradePolicy: "UPGRADE" } } },
          ],
        },
      }),
      ...["by-port"].flatMap((name) => served(name)),
      rule("shop", "by-port", {
        host: "by-port",
        trafficPolicy: {
          ...marked("any"),
          portLevelSettings: [{ port: { number: 81 }, ...marked("port-81") }],
        },
      }),
      ...(["joined", "apart"] as const).flatMap((host) => [
        object(
          "networking.istio.io/v1",
          "DestinationRule",
          `${host}-old`,
          { host, trafficPolicy: marked("old"), ...(host === "apart" ? { exportTo: ["*"] } : {}) },
          "shop",
          older,
        ),
        object(
          "networking.istio.io/v1",
          "DestinationRule",
          `${host}-young`,
          { host, trafficPolicy: marked("young") },
          "shop",
          younger,
        ),
      ]),
    ],
  });

  type Client = "gold" | "lead" | "other";
  const ask = (from: Client, host: string, path = "/", port = 80) =>
    mesh.get(from, `${host.includes(".") ? host : `${host}.shop`}:${port}`, path);
  /** The cookie of the rule in effect. */
  const ruleOf = async (from: Client, host: string, path?: string, port?: number) =>
    (await ask(from, host, path, port)).headers["set-cookie"]?.split("=")[0];

  proves(
    "DestinationRule",
    ["host"],
    "by a short name, a full one, or a wildcard, the longest first",
    async () => {
      expect(await ruleOf("other", "short")).toBe("shop-short");
      expect(await ruleOf("other", "full")).toBe("shop-full");
      expect(await ruleOf("other", "wide")).toBe("shop-wide");
      expect(await ruleOf("other", "rootless.elsewhere")).toBe("istio-system-root");
    },
  );

  test("from the client's namespace, then the service's, then the root namespace", async () => {
    expect(await ruleOf("gold", "order")).toBe("a-order");
    expect(await ruleOf("other", "order")).toBe("shop-order");
    expect(await ruleOf("gold", "rootless.elsewhere")).toBe("istio-system-root");
  });

  proves(
    "DestinationRule",
    ["exportTo"],
    "of those that are exported to the client's namespace",
    async () => {
      expect(await ruleOf("gold", "exported")).toBe("shop-exported");
      expect(await ruleOf("other", "exported")).toBe("shop-wide");
      expect(await ruleOf("gold", "hidden")).toBe("shop-wide");
    },
  );

  proves(
    "DestinationRule",
    ["workloadSelector.matchLabels"],
    "for the workloads that it selects in its own namespace, and for nobody else",
    async () => {
      expect(await ruleOf("gold", "selected")).toBe("a-selected");
      expect(await ruleOf("lead", "selected")).toBe("shop-wide");
      expect(await ruleOf("other", "selected")).toBe("shop-wide");
    },
  );

  proves(
    "DestinationRule",
    ["subsets[].name", "subsets[].labels", "subsets[].trafficPolicy"],
    "with subsets by label, each with the rule's policy under its own",
    async () => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => ask("gold", "versions", "/one")),
      );
      expect(new Set(answers.map(({ headers }) => headers["x-application"]))).toEqual(
        new Set(["v1"]),
      );
      expect((await ask("gold", "versions", "/two")).headers["x-application"]).toBe("v2");
      expect(await ruleOf("gold", "versions", "/one")).toBe("shop-versions");
      expect(await ruleOf("gold", "versions", "/two")).toBe("of-two");
    },
  );

  proves(
    "DestinationRule",
    [
      "trafficPolicy.portLevelSettings[].port.number",
      "trafficPolicy.portLevelSettings[].loadBalancer",
      "trafficPolicy.portLevelSettings[].connectionPool",
    ],
    "with settings for a port, which replace all others there",
    async () => {
      expect(await ruleOf("gold", "by-port")).toBe("any");
      expect(await ruleOf("gold", "by-port", "/", 81)).toBe("port-81");
      const [other, port] = [await ask("gold", "ports"), await ask("gold", "ports", "/", 81)];
      expect(other.headers["x-protocol"]).toBe("1.1");
      expect(other.headers["set-cookie"]).toMatch(/^all-ports=/);
      expect(port.headers["x-protocol"]).toBe("2.0");
      expect(port.headers["set-cookie"]).toBeUndefined();
    },
  );

  test("of two for one host the oldest, unless they are exported differently: then the youngest", async () => {
    expect(await ruleOf("gold", "joined")).toBe("old");
    expect(await ruleOf("gold", "apart")).toBe("young");
  });
});
