/** What a sidecar whose traffic iptables leads to it gets; validated, and its sniffing listener tried. */
import { connect, createServer, type Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Listener } from "@heddle/envoy/config/listener/v3";
import type { RouteConfiguration } from "@heddle/envoy/config/route/v3";
import { type Application, startApplication } from "../../harness/application.ts";
import { createAuthority, workloadSecrets } from "../../harness/certificates.ts";
import {
  envoyBinary,
  type RunningEnvoy,
  startEnvoy,
  validate,
} from "../../harness/envoy-process.ts";
import { peerAuthentication, pod, service } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { bootstrapOf, type ProxyOptions, viewOf } from "../../harness/world.ts";

const CLIENT = "127.76.0.1";
const HTTP_SERVER = "127.76.0.2";
const RAW_SERVER = "127.76.0.3";

const OBJECTS = [
  pod({ name: "client", address: CLIENT, labels: { app: "client" } }),
  pod({ name: "server", address: HTTP_SERVER, labels: { app: "server" }, mesh: false }),
  pod({ name: "raw", address: RAW_SERVER, labels: { app: "raw" }, mesh: false }),
  ...service(
    "client",
    [
      { name: "http", port: 8000 },
      { name: "tcp-x", port: 8001 },
      { name: "unnamed", port: 8002 },
    ],
    [CLIENT],
    { clusterIP: "10.0.0.1" },
  ),
  ...service("web", [{ name: "http", port: 80, targetPort: 9080 }], [HTTP_SERVER], {
    clusterIP: "10.0.0.2",
  }),
  ...service("any-http", [{ name: "unnamed", port: 9080 }], [HTTP_SERVER], {
    clusterIP: "10.0.0.3",
  }),
  ...service("any-raw", [{ name: "unnamed", port: 9090 }], [RAW_SERVER], { clusterIP: "10.0.0.4" }),
  ...service("db", [{ name: "mysql", port: 3306 }], [RAW_SERVER], { clusterIP: "10.0.0.5" }),
  ...service("stateful", [{ name: "tcp", port: 7000 }], [RAW_SERVER]),
];

const PROXY: ProxyOptions = {
  pod: "client",
  address: CLIENT,
  labels: { app: "client" },
  interception: "REDIRECT",
};

const listenersOf = (proxy: ProxyOptions, extra: typeof OBJECTS = []) => {
  const view = viewOf([...OBJECTS, ...extra], proxy);
  const listeners = new Map(view.resources("listener") as ReadonlyMap<string, Listener>);
  const routes = [...view.resources("route").keys()].toSorted();
  view.dispose();
  return { listeners, routes };
};

describe("an intercepting sidecar", () => {
  test("has a listener for each HTTP port, and for each address and port of other services", () => {
    const { listeners, routes } = listenersOf(PROXY);
    expect([...listeners.keys()].toSorted()).toEqual([
      "0.0.0.0_80",
      "0.0.0.0_8000",
      "10.0.0.1_8001",
      "10.0.0.1_8002",
      "10.0.0.3_9080",
      "10.0.0.4_9090",
      "10.0.0.5_3306",
      `${RAW_SERVER}_7000`,
      "virtualInbound",
      "virtualOutbound",
    ]);
    expect(routes).toEqual([
      "80",
      "8000",
      "any-http.default.svc.cluster.local:9080",
      "any-raw.default.svc.cluster.local:9090",
      "client.default.svc.cluster.local:8002",
    ]);
  });

  test("takes its own ports by number, in TLS of the mesh and in the clear", () => {
    const chains = listenersOf(PROXY).listeners.get("virtualInbound")?.filterChains ?? [];
    expect(chains.map(({ name }) => name)).toEqual([
      "virtualInbound-blackhole",
      "8000-mtls",
      "8000-plain",
      "8001-mtls",
      "8001-tls",
      "8001-plain",
      "8002-mtls-http",
      "8002-mtls",
      "8002-tls",
      "8002-plain-http",
      "8002-plain",
      "virtualInbound-mtls-http",
      "virtualInbound-mtls",
      "virtualInbound-tls",
      "virtualInbound-plain-http",
      "virtualInbound-plain",
    ]);
  });

  test("has no chain for the clear in STRICT, and none for TLS in DISABLE", () => {
    const namesIn = (mode: "STRICT" | "DISABLE") =>
      listenersOf(PROXY, [peerAuthentication("default", { mtls: { mode } })])
        .listeners.get("virtualInbound")
        ?.filterChains?.map(({ name = "" }) => name) ?? [];
    expect(namesIn("STRICT").filter((name) => name.includes("plain"))).toEqual([]);
    expect(namesIn("DISABLE").filter((name) => name.includes("mtls"))).toEqual([]);
  });

  test("leads strangers' destinations through, or nowhere, as the mesh is set", () => {
    const clusterOf = (outboundTrafficPolicy: "ALLOW_ANY" | "REGISTRY_ONLY") => {
      const view = viewOf(OBJECTS, PROXY, { outboundTrafficPolicy });
      const text = JSON.stringify([
        view.named("listener", "virtualOutbound"),
        view.named("route", "80"),
      ]);
      view.dispose();
      return ["PassthroughCluster", "block_all"].filter((name) => text.includes(`"${name}"`));
    };
    expect(clusterOf("ALLOW_ANY")).toEqual(["PassthroughCluster"]);
    expect(clusterOf("REGISTRY_ONLY")).toEqual(["block_all"]);
  });
});

describe("a gRPC client that speaks xDS", () => {
  test.each(["web:80", "web.default:80", "web.default.svc.cluster.local:80"])(
    "finds a listener for %s",
    (name) => {
      const view = viewOf(OBJECTS, PROXY);
      const route = "web.default.svc.cluster.local:80";
      expect(JSON.stringify(view.named("listener", name))).toContain(
        `"routeConfigName":"${route}"`,
      );
      const { virtualHosts } = view.named("route", route) as RouteConfiguration;
      expect(virtualHosts?.[0]?.domains).toContain(name);
      expect(virtualHosts?.[0]?.routes?.[0]?.route?.cluster).toBe(
        "outbound|80||web.default.svc.cluster.local",
      );
      view.dispose();
    },
  );

  test("finds none for a service or a port that is not there", () => {
    const view = viewOf(OBJECTS, PROXY);
    expect(view.named("listener", "nobody:80")).toBeUndefined();
    expect(view.named("listener", "web:81")).toBeUndefined();
    expect(view.named("listener", "web")).toBeUndefined();
    view.dispose();
  });
});

describe.skipIf(!envoyBinary)("an intercepting sidecar, in Envoy", () => {
  let envoy: RunningEnvoy;
  let web: Application;
  let raw: Server;

  beforeAll(async () => {
    web = await startApplication("web", HTTP_SERVER, 9080);
    // Speaks first, as databases do.
    raw = createServer((socket) => socket.resume().end("hello from raw"));
    await new Promise<void>((resolve) => raw.listen(9090, RAW_SERVER, resolve));
    const authority = await createAuthority();
    const leaf = await authority.issue("spiffe://cluster.local/ns/default/sa/default");
    const whole = bootstrapOf(OBJECTS, {
      ...PROXY,
      secrets: workloadSecrets(leaf, authority.certificate),
    });
    const bound = (whole.staticResources?.listeners ?? []).flatMap((listener) => {
      if (listener.name !== "10.0.0.3_9080" && listener.name !== "10.0.0.4_9090") return [];
      const portValue = listener.name.endsWith("9080") ? 9080 : 9090;
      return [
        {
          ...listener,
          bindToPort: true,
          address: { socketAddress: { address: CLIENT, portValue } },
        },
      ];
    });
    envoy = await startEnvoy({
      ...whole,
      staticResources: { ...whole.staticResources, listeners: bound },
    });
  });

  afterAll(async () => {
    await envoy.stop();
    await web.stop();
    await new Promise((resolve) => raw.close(resolve));
  });

  test("validates", async () => {
    expect(await validate(bootstrapOf(OBJECTS, PROXY))).toBe("");
    const strict = [...OBJECTS, peerAuthentication("default", { mtls: { mode: "STRICT" } })];
    expect(await validate(bootstrapOf(strict, PROXY))).toBe("");
  });

  test("routes HTTP by request on a port that does not say what it carries", async () => {
    const answer = await ask(CLIENT, 9080, "any-http", "/sniffed");
    expect(answer.echo().url).toBe("/sniffed");
    expect(answer.headers["x-envoy-upstream-service-time"]).toBeDefined();
  });

  test("carries anything else on such a port", async () => {
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(9090, CLIENT, () => socket.write("not http at all\n"));
      let received = "";
      socket.on("data", (chunk) => (received += chunk.toString()));
      socket.on("error", reject);
      socket.on("close", () => resolve(received));
    });
    expect(text).toBe("hello from raw");
  });
});
