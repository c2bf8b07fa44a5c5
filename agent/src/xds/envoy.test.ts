import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createServer, request } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createAdsServer } from "./ads-server.ts";
import type { AdsServer } from "./ads-server.ts";
import { until } from "./testing/client.ts";
import { cluster, endpoints, listener, route } from "./testing/resources.ts";
import { createTestSecrets, createTestViews, silent } from "./testing/views.ts";
import type { TestViews } from "./testing/views.ts";
import { freePorts } from "../testing/free-ports.ts";

const envoyBinary = process.env["HEDDLE_ENVOY"];
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An HTTP server that answers with its name; gives its port. */
async function upstream(name: string): Promise<number> {
  const server: Server = createServer((_, response) => response.end(name));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => void server.close());
  return (server.address() as AddressInfo).port;
}

function get(port: number): Promise<{ status: number; body: string }> {
  return new Promise((resolve) => {
    const call = request({ host: "127.0.0.1", port, agent: false }, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    call.on("error", (error) => resolve({ status: 0, body: String(error) }));
    call.end();
  });
}

function startEnvoy(xdsPort: number, apiType: string): ChildProcess {
  const bootstrap = {
    node: { id: "sidecar~127.0.0.1~web.default~default.svc.cluster.local", cluster: "web.default" },
    dynamic_resources: {
      ads_config: {
        api_type: apiType,
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "heddle-xds" } }],
      },
      cds_config: { ads: {}, resource_api_version: "V3" },
      lds_config: { ads: {}, resource_api_version: "V3" },
    },
    static_resources: {
      clusters: [
        {
          name: "heddle-xds",
          connect_timeout: "1s",
          type: "STATIC",
          typed_extension_protocol_options: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
              "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: "heddle-xds",
            endpoints: [
              {
                lb_endpoints: [
                  {
                    endpoint: {
                      address: { socket_address: { address: "127.0.0.1", port_value: xdsPort } },
                    },
                  },
                ],
              },
            ],
          },
        },
      ],
    },
  };
  const args = [
    "--config-yaml",
    JSON.stringify(bootstrap),
    "--concurrency",
    "1",
    "--use-dynamic-base-id",
    "-l",
    "off",
  ];
  const child = spawn(envoyBinary!, args, { stdio: "ignore" });
  cleanups.push(async () => {
    if (child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  });
  return child;
}

async function startServer(
  views: TestViews,
  port = 0,
  linger?: number,
): Promise<{ server: AdsServer; port: number }> {
  const server = createAdsServer({
    ...{ translator: views, secrets: createTestSecrets(), log: silent },
    ...(linger === undefined ? {} : { linger }),
  });
  cleanups.push(() => server.close());
  return { server, port: await server.start(`127.0.0.1:${port}`) };
}

/** Resolves when a request through Envoy obeys; fails on any answer that is neither old nor new. */
async function obeys(port: number, body: string): Promise<void> {
  await until(
    async () => (await get(port)).body === body,
    () => get(port),
  );
}

describe.skipIf(!envoyBinary).each([
  ["sotw", "GRPC"],
  ["delta", "DELTA_GRPC"],
])("a real Envoy, %s", (dialect, apiType) => {
  async function begin(linger?: number): Promise<{
    views: TestViews;
    server: AdsServer;
    xdsPort: number;
    web: number;
    one: number;
    two: number;
  }> {
    const [one, two] = [await upstream("one"), await upstream("two")];
    const [web = 0] = await freePorts(1);
    const views = createTestViews();
    views.change({
      cluster: { one: cluster("one"), two: cluster("two") },
      endpoint: { one: endpoints("one", one), two: endpoints("two", two) },
      listener: { web: listener("web", web, "web") },
      route: { web: route("web", { one: 1 }) },
    });
    const { server, port } = await startServer(views, 0, linger);
    server.setRevision(1);
    startEnvoy(port, apiType);
    await until(
      () => server.status()[0]?.acknowledgedRevision === 1,
      () => server.status(),
    );
    await obeys(web, "one");
    return { views, server, xdsPort: port, web, one, two };
  }

  test("serves what it was given and follows a change of weights within 100 ms of the acknowledgement", async () => {
    const { views, server, web } = await begin();
    expect(server.status()[0]).toMatchObject({ name: "web.default", dialect });
    for (let revision = 2; revision < 12; revision++) {
      const target = revision % 2 === 0 ? "two" : "one";
      views.change({ route: { web: route("web", { [target]: 1 }) } });
      server.setRevision(revision);
      await until(
        () => server.status()[0]?.acknowledgedRevision === revision,
        () => server.status(),
      );
      await until(
        async () => (await get(web)).body === target,
        () => get(web),
        100,
      );
    }
  });

  test("a new cluster behind a route, and the old one taken away, lose no request", async () => {
    const { views, server, web, two } = await begin();
    const answers: { status: number; body: string }[] = [];
    let going = true;
    const traffic = (async () => {
      while (going) answers.push(await get(web));
    })();
    for (let revision = 2; revision < 22; revision++) {
      views.change({
        cluster: {
          [`c${revision}`]: cluster(`c${revision}`),
          [`c${revision - 1}`]: null,
          one: null,
        },
        endpoint: {
          [`c${revision}`]: endpoints(`c${revision}`, two),
          [`c${revision - 1}`]: null,
          one: null,
        },
        route: { web: route("web", { [`c${revision}`]: 1 }) },
      });
      server.setRevision(revision);
      await until(
        () => server.status()[0]?.acknowledgedRevision === revision,
        () => server.status(),
      );
    }
    going = false;
    await traffic;
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(answers.at(-1)!.body).toBe("two");
    expect(answers.length).toBeGreaterThan(50);
  });

  test("requests that a delay holds find their cluster, though no route has led there for longer than clusters stay", async () => {
    const { views, server, web } = await begin(100);
    views.change({ route: { web: route("web", { one: 1 }, "1.5s") } });
    server.setRevision(2);
    await until(() => server.status()[0]?.acknowledgedRevision === 2);
    const held = get(web);
    await new Promise((resolve) => setTimeout(resolve, 200));
    views.change({
      route: { web: route("web", { two: 1 }) },
      cluster: { one: null },
      endpoint: { one: null },
    });
    server.setRevision(3);
    await obeys(web, "two");
    expect(await held).toEqual({ status: 200, body: "one" });
    await until(
      () => server.status()[0]?.types.cluster?.resources === 1,
      () => JSON.stringify(server.status()),
    );
  });

  test("endpoints stay when their cluster is changed", async () => {
    const { views, server, web } = await begin();
    views.change({ cluster: { one: cluster("one", 3) } });
    server.setRevision(2);
    await until(
      () => server.status()[0]?.acknowledgedRevision === 2,
      () => server.status(),
    );
    for (let index = 0; index < 20; index++)
      expect(await get(web)).toEqual({ status: 200, body: "one" });
  });

  test("a listener that it refuses is named, and holds back neither routes nor other listeners", async () => {
    const { views, server, web } = await begin();
    const [other = 0] = await freePorts(1);
    const bad = { ...listener("bad", other, "web"), listenerFilters: [{ name: "no.such.filter" }] };
    views.change({
      listener: { bad, good: listener("good", other, "web") },
      route: { web: route("web", { two: 1 }) },
    });
    server.setRevision(2);
    await obeys(web, "two");
    await obeys(other, "two");
    await until(() => server.status()[0]?.types.listener?.error !== undefined);
    expect(server.status()[0]).toMatchObject({
      acknowledgedRevision: 1,
      types: { listener: { refusals: [{ resource: "bad" }] } },
    });
    views.change({ listener: { bad: null } });
    server.setRevision(3);
    await until(
      () => server.status()[0]?.acknowledgedRevision === 3,
      () => server.status(),
    );
  });

  test("of several changed resources that fail a constraint together, the bad one is found", async () => {
    const { views, server, web } = await begin();
    const [first = 0, second = 0] = await freePorts(2);
    views.change({
      listener: { l1: listener("l1", first, "r1"), l2: listener("l2", second, "r2") },
      route: { r1: route("r1", { one: 1 }), r2: route("r2", { two: 1 }) },
    });
    server.setRevision(2);
    await obeys(second, "two");
    views.change({
      route: {
        r1: route("r1", { two: 1 }),
        r2: { name: "r2", virtualHosts: [{ name: "", domains: [] }] },
        web: route("web", { two: 1 }),
      },
    });
    server.setRevision(3);
    await obeys(first, "two");
    await obeys(web, "two");
    await obeys(second, "two");
    await until(
      () => server.status()[0]?.types.route?.refusals !== undefined,
      () => server.status(),
    );
    expect(server.status()[0]!.types.route).toMatchObject({ refusals: [{ resource: "r2" }] });
  });

  test("reconnects to a server that was away, and takes what changed meanwhile", async () => {
    const { views, server, xdsPort, web } = await begin();
    await server.close();
    expect((await get(web)).body).toBe("one");
    views.change({ route: { web: route("web", { two: 1 }) } });
    const again = await startServer(views, xdsPort);
    again.server.setRevision(2);
    await obeys(web, "two");
    await until(
      () => again.server.status()[0]?.acknowledgedRevision === 2,
      () => again.server.status(),
    );
  });
});
