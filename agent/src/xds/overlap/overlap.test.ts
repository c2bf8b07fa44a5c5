/** Both ends of a connection change: the server takes old and new until whoever calls it has what is new. */
import type { ClusterLoadAssignment } from "@heddle/envoy/config/endpoint/v3";
import type { Listener } from "@heddle/envoy/config/listener/v3";
import { afterEach, describe, expect, test } from "vitest";
import { createAdsServer } from "../ads-server.ts";
import type { AdsServer } from "../ads-server.ts";
import type { Dialect } from "../discovery.ts";
import { TestClient, until } from "../testing/client.ts";
import { cluster, listener, route } from "../testing/resources.ts";
import { createTestSecrets, createTestViews, silent } from "../testing/views.ts";
import type { TestViews } from "../testing/views.ts";

const SERVER = "127.0.0.7";
const CLIENT = "127.0.0.8";
const OTHER = "127.0.0.9";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const MATCH = { plain: "raw_buffer", tls: "tls" } as const;
type Takes = keyof typeof MATCH;

const inbound = (...takes: Takes[]): Listener => ({
  ...listener("inbound", 9080, "web"),
  trafficDirection: "INBOUND",
  filterChains: takes.map((name) => ({
    name,
    filterChainMatch: { transportProtocol: MATCH[name] },
    filters: [],
  })),
});

/** Its one endpoint says how it is to be reached. */
const reached = (address: string, by: Takes): ClusterLoadAssignment => ({
  clusterName: address,
  endpoints: [
    {
      lbEndpoints: [
        {
          endpoint: { address: { socketAddress: { address, portValue: 9080 } } },
          metadata: { filterMetadata: { "envoy.transport_socket_match": { by } } },
        },
      ],
    },
  ],
});

describe.each(["delta", "sotw"] as const)("%s", (dialect) => {
  test("server first, then clients, then the server without what is old", async () => {
    const { views, server, log, connect } = await start(dialect);
    connect("server", SERVER, 300);
    connect("client", CLIENT, 100);
    await inStep(server, 2);
    log.length = 0;
    change(views, "tls");
    await until(() => log.some((each) => each === "server takes tls"));
    expect(log.filter((each) => !each.startsWith("client takes"))).toEqual([
      "server takes tls,plain",
      "client reaches the server by tls",
      "server takes tls",
    ]);
    await inStep(server, 2);
  });

  test("what leads elsewhere does not wait", async () => {
    const { views, server, log, connect } = await start(dialect);
    connect("server", SERVER, 400);
    connect("client", CLIENT);
    await inStep(server, 2);
    log.length = 0;
    change(views, "tls", { endpoint: { [OTHER]: reached(OTHER, "tls") } });
    await until(() => log.includes("client reaches the server by tls"));
    expect(log.indexOf("client reaches the other by tls")).toBeLessThan(
      log.indexOf("server takes tls,plain"),
    );
  });

  test("is not in step while it still takes what is old", async () => {
    const { views, server, log, connect } = await start(dialect);
    connect("server", SERVER);
    connect("client", CLIENT, 250);
    await inStep(server, 2);
    log.length = 0;
    change(views, "tls");
    server.setRevision(2);
    await until(() => log.includes("server takes tls,plain"));
    expect(revisionOf(server, "server")).toBe(1);
    await until(() => revisionOf(server, "server") === 2);
    expect(log).toContain("server takes tls");
  });

  test("a listener that goes stays until nobody is led to it", async () => {
    const { views, server, log, connect } = await start(dialect);
    const running = connect("server", SERVER);
    connect("client", CLIENT, 300);
    await inStep(server, 2);
    log.length = 0;
    views.change({
      listener: { inbound: null },
      endpoint: { [SERVER]: { clusterName: SERVER } },
    });
    await until(() => log.some((each) => each.startsWith("client reaches the server")));
    expect(running.state.get("listener")!.has("inbound")).toBe(true);
    await until(() => !running.state.get("listener")!.has("inbound"));
  });

  test("what nobody comes by any more goes at once", async () => {
    const { views, server, log, connect } = await start(dialect);
    connect("server", SERVER);
    connect("client", CLIENT, 100);
    await inStep(server, 2);
    views.change({ listener: { inbound: inbound("tls", "plain") } });
    await until(() => log.includes("server takes tls,plain"));
    await inStep(server, 2);
    const begun = performance.now();
    views.change({ listener: { inbound: inbound("tls") } });
    await until(() => log.includes("server takes tls"));
    expect(performance.now() - begun).toBeLessThan(900);
  });

  test("a client that never answers holds up the end no longer than patience lasts", async () => {
    const { views, server, log, connect } = await start(dialect);
    connect("server", SERVER);
    connect("client", CLIENT, 8_000);
    await until(() => revisionOf(server, "server") === 1);
    log.length = 0;
    const begun = performance.now();
    change(views, "tls");
    await until(() => log.includes("server takes tls"), undefined, 8_000);
    expect(performance.now() - begun).toBeGreaterThan(4_900);
  }, 20_000);
});

function change(views: TestViews, by: Takes, more: Parameters<TestViews["change"]>[0] = {}): void {
  views.change({
    listener: { inbound: inbound(by) },
    ...more,
    endpoint: { [SERVER]: reached(SERVER, by), ...more.endpoint },
  });
}

async function start(dialect: Dialect) {
  const views = createTestViews();
  const server = createAdsServer({ translator: views, secrets: createTestSecrets(), log: silent });
  const port = await server.start("127.0.0.1:0");
  cleanups.push(() => server.close());
  views.change({
    cluster: { [SERVER]: cluster(SERVER), [OTHER]: cluster(OTHER) },
    endpoint: { [SERVER]: reached(SERVER, "plain"), [OTHER]: reached(OTHER, "plain") },
    listener: { inbound: inbound("plain"), web: listener("web", 80, "web") },
    route: { web: route("web", { [SERVER]: 1 }) },
  });
  server.setRevision(1);
  /** What each proxy has come to hold, as it answers. */
  const log: string[] = [];
  const connect = (name: string, address: string, delay = 0) => {
    const last = new Map<string, string>();
    const note = (what: string, text: string) => {
      if (last.get(what) === text) return;
      last.set(what, text);
      log.push(text);
    };
    const client = new TestClient({
      port,
      dialect,
      id: `sidecar~${address}~${name}.default~default.svc.cluster.local`,
      delay,
      check: ({ state }) => {
        const held = state.get("listener")!.get("inbound")?.value as Listener | undefined;
        if (held) note("takes", `${name} takes ${held.filterChains?.map((each) => each.name)}`);
        if (name === "server") return;
        for (const [who, at] of [
          ["server", SERVER],
          ["other", OTHER],
        ] as const) {
          const found = state.get("endpoint")!.get(at)?.value;
          const by = /"by":"(\w+)"/.exec(JSON.stringify(found) ?? "")?.[1];
          if (found) note(who, `${name} reaches the ${who} by ${by}`);
        }
      },
    });
    cleanups.push(() => client.close());
    return client;
  };
  return { views, server, log, connect };
}

const revisionOf = (server: AdsServer, name: string) =>
  server.status().find((each) => each.name === `${name}.default`)?.acknowledgedRevision;

const inStep = (server: AdsServer, count: number) =>
  until(
    () => server.status().filter((proxy) => proxy.inStep).length === count,
    () => server.status(),
  );
