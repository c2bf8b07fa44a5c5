import { describe, expect, test } from "vitest";
import type { MeshObject } from "../object.ts";
import type { DestinationRule } from "../kinds/destination-rule.ts";
import type { PeerAuthentication } from "../kinds/peer-authentication.ts";
import type { VirtualService } from "../kinds/virtual-service.ts";
import { chooseDestinationRule } from "./destination-rule.ts";
import { mutualTlsMode } from "./peer-authentication.ts";
import { chooseVirtualService, gatewaysOf } from "./virtual-service.ts";
import { isVisible } from "./visibility.ts";

function object<Spec>(kind: string, key: string, spec: Spec, time?: number): MeshObject<Spec> {
  const [namespace = "", name = ""] = key.split("/");
  return {
    apiVersion: "networking.istio.io/v1",
    kind,
    metadata: {
      name,
      namespace,
      labels: {},
      annotations: {},
      ...(time === undefined ? {} : { creationTimestamp: new Date(time).toISOString() }),
    },
    spec,
  };
}

test("an object is visible as its exportTo says", () => {
  expect(isVisible(undefined, "a", "b")).toBe(true);
  expect(isVisible([], "a", "b")).toBe(true);
  expect(isVisible(["*"], "a", "b")).toBe(true);
  expect(isVisible(["."], "a", "b")).toBe(false);
  expect(isVisible(["."], "a", "a")).toBe(true);
  expect(isVisible(["b"], "a", "b")).toBe(true);
  expect(isVisible(["~"], "a", "a")).toBe(false);
});

describe("virtual services", () => {
  const rule = (key: string, spec: VirtualService, time?: number) =>
    object("VirtualService", key, spec, time);
  const choose = (rules: MeshObject<VirtualService>[], host: string, namespace = "c") =>
    chooseVirtualService(rules, host, namespace, "cluster.local")?.metadata.name;

  test("the most specific host wins, then the oldest rule", () => {
    const rules = [
      rule("a/wide", { hosts: ["*.com"] }, 0),
      rule("a/young", { hosts: ["x.com"] }, 2000),
      rule("a/old", { hosts: ["x.com"] }, 1000),
    ];
    expect(choose(rules, "x.com")).toBe("old");
    expect(choose(rules, "y.com")).toBe("wide");
    expect(choose(rules, "y.org")).toBeUndefined();
  });

  test("rules of gateways only and those not visible are passed over", () => {
    const rules = [
      rule("a/edge", { hosts: ["x.com"], gateways: ["g"] }),
      rule("a/own", { hosts: ["x.com"], exportTo: ["."] }),
    ];
    expect(choose(rules, "x.com")).toBeUndefined();
    expect(choose(rules, "x.com", "a")).toBe("own");
  });

  test("gateways are named with their namespaces", () => {
    const gateways = ["mesh", "g", "b/g", "g.b.svc.cluster.local"];
    expect(gatewaysOf(rule("a/x", { gateways }))).toEqual(["mesh", "a/g", "b/g", "b/g"]);
    expect(gatewaysOf(rule("a/x", {}))).toEqual(["mesh"]);
  });
});

describe("destination rules", () => {
  const rule = (key: string, spec: Partial<DestinationRule> = {}, time?: number) =>
    object("DestinationRule", key, { host: "s.svc-ns.svc.cluster.local", ...spec }, time);
  const question = {
    host: "s.svc-ns.svc.cluster.local",
    clientNamespace: "client",
    serviceNamespace: "svc-ns",
    rootNamespace: "root",
    clusterDomain: "cluster.local",
  };
  const choose = (
    rules: MeshObject<DestinationRule>[],
    more = {},
    labels: Readonly<Record<string, string>> = {},
  ) => chooseDestinationRule(rules, { ...question, ...more }, labels);

  test("the client's namespace goes first, then the service's, then the root's", () => {
    const [client, service, root] = [rule("client/c"), rule("svc-ns/s"), rule("root/r")];
    expect(choose([root, service, client])).toBe(client);
    expect(choose([root, service])).toBe(service);
    expect(choose([root])).toBe(root);
    expect(choose([rule("elsewhere/x")])).toBeUndefined();
    expect(choose([root, service], { clientNamespace: "root" })).toBe(service);
  });

  test("a rule that is not exported to the client is passed over", () => {
    expect(choose([rule("svc-ns/s", { exportTo: ["."] })])).toBeUndefined();
  });

  test("the most specific host wins inside of a namespace", () => {
    const exact = rule("svc-ns/exact");
    const wide = rule("svc-ns/wide", { host: "*.svc-ns.svc.cluster.local" });
    expect(choose([wide, exact])).toBe(exact);
    expect(choose([rule("svc-ns/short", { host: "s" })])?.metadata.name).toBe("short");
  });

  test("rules for one host are joined, the oldest one's policy and subsets first", () => {
    const subset = (name: string, version: string) => ({ name, labels: { version } });
    const old = rule("svc-ns/old", { subsets: [subset("v1", "old")] }, 1000);
    const young = rule(
      "svc-ns/young",
      {
        subsets: [subset("v1", "young"), subset("v2", "young")],
        trafficPolicy: { loadBalancer: { simple: "RANDOM" } },
      },
      2000,
    );
    const joined = choose([young, old]);
    expect(joined?.metadata.name).toBe("old");
    expect(joined?.spec.subsets).toEqual([subset("v1", "old"), subset("v2", "young")]);
    expect(joined?.spec.trafficPolicy?.loadBalancer?.simple).toBe("RANDOM");
  });

  describe("with a workloadSelector", () => {
    const selecting = (key: string, app: string, spec: Partial<DestinationRule> = {}, time = 0) =>
      rule(key, { workloadSelector: { matchLabels: { app } }, ...spec }, time);
    const nameFor = (rules: MeshObject<DestinationRule>[], app: string, more = {}) =>
      choose(rules, more, { app })?.metadata.name;

    test("go before others, for the clients that they pick, in their own namespace", () => {
      const rules = [selecting("client/picky", "x"), rule("client/plain")];
      expect(nameFor(rules, "x")).toBe("picky");
      expect(nameFor(rules, "y")).toBe("plain");
      expect(nameFor([selecting("svc-ns/picky", "x")], "x")).toBeUndefined();
      expect(
        nameFor([selecting("root/picky", "x"), rule("svc-ns/s")], "x", { clientNamespace: "root" }),
      ).toBe("picky");
    });

    test("are not there for others, who go on to the next namespace", () => {
      const rules = [selecting("client/picky", "x"), rule("svc-ns/service")];
      expect(nameFor(rules, "x")).toBe("picky");
      expect(nameFor(rules, "y")).toBe("service");
    });

    test("the oldest that picks a client counts; equal selectors are joined", () => {
      const subsets = [{ name: "v1" }];
      const rules = [
        selecting("client/young", "x", { subsets }, 3000),
        selecting("client/old", "x", {}, 1000),
        rule("client/older-than-all", {}, 0),
      ];
      expect(choose(rules, {}, { app: "x" })).toMatchObject({
        metadata: { name: "old" },
        spec: { subsets },
      });
    });

    test("take what is private to the same namespace as they are, and nothing else", () => {
      const trafficPolicy = { loadBalancer: { simple: "RANDOM" } } as const;
      const picky = selecting("client/picky", "x", { subsets: [{ name: "v1" }] });
      const of = (exportTo?: readonly string[]) =>
        choose(
          [picky, rule("client/p", { trafficPolicy, ...(exportTo ? { exportTo } : {}) })],
          {},
          {
            app: "x",
          },
        )?.spec.trafficPolicy;
      expect(of(["."])).toEqual(trafficPolicy);
      expect(of()).toBeUndefined();
    });
  });

  test("rules that are exported differently are not joined: the youngest counts", () => {
    const old = rule("svc-ns/old", { exportTo: ["*"], subsets: [{ name: "v1" }] }, 1000);
    const young = rule("svc-ns/young", { subsets: [{ name: "v2" }] }, 2000);
    expect(choose([young, old])?.spec.subsets).toEqual([{ name: "v2" }]);
    const wider = rule(
      "svc-ns/wider",
      { exportTo: ["client", "x"], subsets: [{ name: "w" }] },
      3000,
    );
    const narrow = rule("svc-ns/narrow", { exportTo: ["client"], subsets: [{ name: "n" }] }, 500);
    expect(choose([wider, narrow])?.spec.subsets).toEqual([{ name: "n" }, { name: "w" }]);
    expect(choose([wider, narrow], { clientNamespace: "x" })?.spec.subsets).toEqual([
      { name: "w" },
    ]);
  });

  test("a rule that is private to the root namespace is for its clients alone", () => {
    const rules = [rule("root/mine", { exportTo: ["."] }), rule("svc-ns/s")];
    expect(choose(rules, { clientNamespace: "root" })?.metadata.name).toBe("mine");
    expect(choose(rules)?.metadata.name).toBe("s");
  });
});

describe("mutual TLS", () => {
  const policy = (key: string, spec: PeerAuthentication, time?: number) =>
    object("PeerAuthentication", key, spec, time);
  const strict = { mtls: { mode: "STRICT" } } as const;
  const off = { mtls: { mode: "DISABLE" } } as const;
  const unset = { mtls: { mode: "UNSET" } } as const;
  const selector = { matchLabels: { app: "x" } };
  const mode = (policies: MeshObject<PeerAuthentication>[], port = 80, labels = { app: "x" }) =>
    mutualTlsMode(policies, { namespace: "n", labels, rootNamespace: "root", port });

  test("is permissive by default, and the narrower policy wins", () => {
    expect(mode([])).toBe("PERMISSIVE");
    const mesh = policy("root/m", strict);
    expect(mode([mesh])).toBe("STRICT");
    expect(mode([mesh, policy("n/n", off)])).toBe("DISABLE");
    expect(mode([mesh, policy("n/n", off), policy("n/w", { ...strict, selector })])).toBe("STRICT");
    expect(mode([mesh, policy("other/n", off)])).toBe("STRICT");
  });

  test("inherits what is unset", () => {
    expect(mode([policy("root/m", strict), policy("n/n", unset)])).toBe("STRICT");
  });

  test("a port has a mode of its own, and its UNSET is the workload's", () => {
    const ports = { "80": { mode: "DISABLE" }, "81": { mode: "UNSET" } } as const;
    const workload = policy("n/w", { ...strict, selector, portLevelMtls: ports });
    expect(mode([workload], 80)).toBe("DISABLE");
    expect(mode([workload], 81)).toBe("STRICT");
    expect(mode([workload], 82)).toBe("STRICT");
    expect(mode([workload], 80, { app: "y" })).toBe("PERMISSIVE");
  });

  test("of two policies for the same workloads the oldest counts, whatever the order", () => {
    const [old, young] = [policy("n/z", strict, 1000), policy("n/a", off, 2000)];
    expect(mode([old, young])).toBe("STRICT");
    expect(mode([young, old])).toBe("STRICT");
  });
});
