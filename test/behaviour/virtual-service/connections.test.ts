/** What a sidecar does with its application's connections: rules for TLS and TCP, by connections to services' addresses. */
import type { Listener } from "@heddle/envoy/config/listener/v3";
import type { L4MatchAttributes, TLSMatchAttributes } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Greeter, greeting, startGreeter } from "../../harness/bytes.ts";
import { createAuthority, workloadSecrets } from "../../harness/certificates.ts";
import { envoyBinary, type RunningEnvoy, startEnvoy } from "../../harness/envoy-process.ts";
import { destinationRule, pod, service, virtualService } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { bootstrapOf } from "../../harness/world.ts";
import { proves } from "../proves.ts";

const CLIENT = "127.83.0.1";
const A = "127.83.0.2";
const B = "127.83.0.3";
const PORT = 7000;
const SECURE = 7443;

/** Services' own addresses; Envoy binds them here, as nothing leads connections to it. */
const VIPS = {
  plain: "127.83.5.1",
  labels: "127.83.5.2",
  namespaces: "127.83.5.3",
  subnets: "127.83.5.4",
  weights: "127.83.5.5",
  ports: "127.83.5.6",
  gateways: "127.83.5.7",
  sources: "127.83.5.8",
  any: "127.83.5.9",
  vault: "127.83.6.1",
  "vault-source": "127.83.6.2",
  "vault-plain": "127.83.6.3",
  "vault-subnets": "127.83.6.4",
} as const;
type Name = keyof typeof VIPS;

const to = (host: string, weight?: number) => ({
  destination: { host },
  ...(weight === undefined ? {} : { weight }),
});
/** Connections that match go to b, all others to a. */
const tcp = (name: Name, ...match: L4MatchAttributes[]) =>
  virtualService(name, { hosts: [name], tcp: [{ match, route: [to("b")] }, { route: [to("a")] }] });
const tls = (name: Name, match: Omit<TLSMatchAttributes, "sniHosts">) => {
  const hosts = [name, "one.test"];
  return virtualService(name, {
    hosts,
    tls: [
      { match: [{ ...match, sniHosts: ["one.test"] }], route: [to("secure-b")] },
      { match: [{ sniHosts: ["one.test"] }], route: [to("secure-a")] },
    ],
  });
};

const vip = (name: Name, port = "tcp") =>
  service(name, [{ name: port, port: name.startsWith("vault") ? SECURE : PORT }], [A], {
    clusterIP: VIPS[name],
  });

const OBJECTS = [
  pod({ name: "client", address: CLIENT, labels: { app: "client", tier: "gold" } }),
  ...service("a", [{ name: "tcp", port: PORT }], [A], { clusterIP: "10.0.0.1" }),
  ...service("b", [{ name: "tcp", port: PORT }], [B], { clusterIP: "10.0.0.2" }),
  ...service("secure-a", [{ name: "tls", port: SECURE }], [A], { clusterIP: "10.0.0.3" }),
  ...service("secure-b", [{ name: "tls", port: SECURE }], [B], { clusterIP: "10.0.0.4" }),
  ...(
    ["plain", "labels", "namespaces", "subnets", "weights", "gateways", "sources"] as const
  ).flatMap((name) => vip(name)),
  ...vip("any", "unnamed"),
  ...service(
    "ports",
    [
      { name: "tcp", port: PORT },
      { name: "tcp-other", port: PORT + 1, targetPort: PORT },
    ],
    [A],
    { clusterIP: VIPS.ports },
  ),
  ...(["vault", "vault-source", "vault-plain", "vault-subnets"] as const).flatMap((name) =>
    vip(name, "tls"),
  ),
  ...service("secure-both", [{ name: "tls", port: SECURE }], [A, B], { clusterIP: "10.0.0.5" }),
  pod({ name: "a", address: A, labels: { v: "a" }, mesh: false }),
  pod({ name: "b", address: B, labels: { v: "b" }, mesh: false }),
  destinationRule("secure-both", {
    host: "secure-both",
    subsets: [{ name: "b", labels: { v: "b" } }],
  }),
  tcp("labels", { sourceLabels: { tier: "iron" } }, { sourceLabels: { tier: "gold" } }),
  tcp("namespaces", { sourceNamespace: "other" }, { sourceNamespace: "default" }),
  tcp(
    "subnets",
    { destinationSubnets: ["127.83.5.99/32"] },
    { destinationSubnets: ["10.0.0.0/8", "127.83.5.0/24"] },
  ),
  tcp("ports", { port: PORT + 1 }),
  tcp("gateways", { gateways: ["edge"] }, { gateways: ["mesh"], sourceLabels: { tier: "iron" } }),
  tcp("sources", { sourceSubnet: "127.83.9.0/24" }),
  tcp("any", { destinationSubnets: ["127.83.5.9"] }),
  virtualService("weights", {
    hosts: ["weights"],
    tcp: [{ route: [to("a", 25), to("b", 75)] }],
  }),
  virtualService("vault", {
    hosts: ["vault", "one.test", "subset.test", "*.many.test"],
    tls: [
      { match: [{ sniHosts: ["one.test"], port: 1 }], route: [to("secure-a")] },
      { match: [{ sniHosts: ["one.test"], gateways: ["edge"] }], route: [to("secure-a")] },
      {
        match: [{ sniHosts: ["one.test"], sourceLabels: { tier: "iron" } }],
        route: [to("secure-a")],
      },
      { match: [{ sniHosts: ["one.test"], sourceNamespace: "other" }], route: [to("secure-a")] },
      {
        match: [{ sniHosts: ["one.test"] }],
        route: [{ destination: { host: "secure-b", port: { number: SECURE } } }],
      },
      {
        match: [{ sniHosts: ["subset.test"] }],
        route: [{ destination: { host: "secure-both", subset: "b" } }],
      },
      { match: [{ sniHosts: ["*.many.test"] }], route: [to("secure-a", 50), to("secure-b", 50)] },
    ],
  }),
  tls("vault-source", {
    sourceLabels: { tier: "gold" },
    sourceNamespace: "default",
    gateways: ["mesh"],
  }),
  tls("vault-subnets", { destinationSubnets: ["127.83.6.0/24"] }),
];

describe.skipIf(!envoyBinary)("connections of a sidecar's application", () => {
  const greeters: Greeter[] = [];
  let envoy: RunningEnvoy;

  beforeAll(async () => {
    const authority = await createAuthority();
    for (const [name, address] of [
      ["a", A],
      ["b", B],
    ] as const) {
      greeters.push(await startGreeter(name, address, PORT));
      const leaf = await authority.issue(`${name}.test`);
      greeters.push(await startGreeter(`secure-${name}`, address, SECURE, leaf));
    }
    const leaf = await authority.issue("spiffe://cluster.local/ns/default/sa/default");
    const whole = bootstrapOf(
      OBJECTS,
      {
        pod: "client",
        address: CLIENT,
        labels: { app: "client", tier: "gold" },
        interception: "REDIRECT",
        secrets: workloadSecrets(leaf, authority.certificate),
      },
      // What no rule takes would go to the address that it is for, which is this Envoy's here.
      { outboundTrafficPolicy: "REGISTRY_ONLY" },
    );
    const bound = (whole.staticResources?.listeners ?? []).flatMap((listener): Listener[] =>
      /^127\.83\.[56]\./.test(listener.name ?? "") ? [{ ...listener, bindToPort: true }] : [],
    );
    envoy = await startEnvoy({
      ...whole,
      staticResources: { ...whole.staticResources, listeners: bound },
    });
  });

  afterAll(async () => {
    await envoy?.stop();
    await Promise.all(greeters.map((greeter) => greeter.stop()));
  });

  const said = async (name: Name, hello = {}, port = PORT) =>
    (await greeting(VIPS[name], port, hello)).text;
  const secretly = (name: Name, servername: string) =>
    said(name, { secure: true, servername }, SECURE);

  test("go to the service that they are for, where no rule speaks of it", async () => {
    expect(await said("plain")).toBe("a");
    expect(await secretly("vault-plain", "any.test")).toBe("secure-a");
  });

  proves(
    "VirtualService",
    ["tcp[].match[].{sourceLabels,sourceNamespace}"],
    "go where a rule for their workload says",
    async () => {
      expect(await said("labels")).toBe("b");
      expect(await said("namespaces")).toBe("b");
    },
  );

  proves(
    "VirtualService",
    ["tcp[].match[].destinationSubnets"],
    "are told apart by the address that they are for",
    async () => {
      expect(await said("subnets")).toBe("b");
      expect(await said("any", { say: "no request\n" })).toBe("b");
    },
  );

  proves("VirtualService", ["tcp[].match[].port"], "are told apart by port", async () => {
    expect(await said("ports")).toBe("a");
    expect(await said("ports", {}, PORT + 1)).toBe("b");
  });

  proves(
    "VirtualService",
    ["tcp[].match[].gateways"],
    "pass by rules for gateways, and by rules for the mesh that do not concern their workload",
    async () => expect(await said("gateways")).toBe("a"),
  );

  proves(
    "VirtualService",
    ["tcp[].match[].sourceSubnet"],
    "are told apart by the address that they come from",
    async () => {
      expect(await said("sources", { localAddress: "127.83.9.9" })).toBe("b");
      expect(await said("sources", { localAddress: CLIENT })).toBe("a");
    },
  );

  proves("VirtualService", ["tcp[].route[].weight"], "are shared by weight", async () => {
    const counts = { a: 0, b: 0 };
    for (let i = 0; i < 400; i++) counts[(await said("weights")) as "a" | "b"]++;
    expect(counts.b).toBeGreaterThan(260);
    expect(counts.a).toBeGreaterThan(60);
  });

  proves(
    "VirtualService",
    [
      "tls[].match[].{sniHosts,port,gateways,sourceLabels,sourceNamespace}",
      "tls[].route[].destination.{host,subset,port.number}",
    ],
    "in TLS go by the name that the client asks for, and nowhere for a name that no rule has",
    async () => {
      expect(await secretly("vault", "one.test")).toBe("secure-b");
      expect(await secretly("vault-source", "one.test")).toBe("secure-b");
      expect(await secretly("vault", "subset.test")).toBe("secure-b");
      await expect(secretly("vault", "two.test")).rejects.toThrow(/ECONNRESET|disconnected/);
    },
  );

  proves("VirtualService", ["tls[].route[].weight"], "in TLS are shared by weight", async () => {
    const counts: Record<string, number> = { "secure-a": 0, "secure-b": 0 };
    for (let i = 0; i < 100; i++) {
      const text = await secretly("vault", "any.many.test");
      counts[text] = (counts[text] ?? 0) + 1;
    }
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(20);
  });

  proves(
    "VirtualService",
    ["tls[].match[].destinationSubnets"],
    "in TLS are told apart by the address that they are for",
    async () => expect(await secretly("vault-subnets", "one.test")).toBe("secure-b"),
  );

  test("are looked into for requests on a port that does not say what it carries", async () => {
    // The application behind it knows no HTTP; that Envoy says so shows that it took this for a request.
    expect((await ask(VIPS.any, PORT, "any", "/")).status).toBe(502);
  });
});
