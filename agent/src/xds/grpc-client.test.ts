import { Client, Server, ServerCredentials, credentials } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import type { HttpConnectionManager } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import { createAdsServer } from "./ads-server.ts";
import { cluster, endpoints, route } from "./testing/resources.ts";
import { createTestSecrets, createTestViews, silent } from "./testing/views.ts";
import type { Changes } from "./testing/views.ts";

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const identity = (bytes: Buffer): Buffer => bytes;
const say = {
  path: "/test.Echo/Say",
  requestStream: false,
  responseStream: false,
  requestSerialize: identity,
  requestDeserialize: identity,
  responseSerialize: identity,
  responseDeserialize: identity,
} as const;

async function echo(name: string): Promise<number> {
  const server = new Server();
  server.addService(
    { say },
    {
      say: (_: unknown, reply: (error: null, bytes: Buffer) => void) =>
        reply(null, Buffer.from(name)),
    },
  );
  cleanups.push(() => server.forceShutdown());
  return new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  );
}

/** What a proxyless client needs of a service: by gRPC's rules, places have a name and a weight, and clusters a policy that it knows. */
function service(port: number): Changes {
  const manager: HttpConnectionManager = {
    rds: { routeConfigName: "echo:7070", configSource: { ads: {}, resourceApiVersion: "V3" } },
    httpFilters: [
      {
        name: "envoy.filters.http.router",
        typedConfig: {
          "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
        },
      },
    ],
  };
  const type =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
  const { endpoints: places } = endpoints("echo", port);
  return {
    listener: {
      "echo:7070": {
        name: "echo:7070",
        apiListener: { apiListener: { "@type": type, ...manager } },
      },
    },
    route: { "echo:7070": route("echo:7070", { echo: 1 }) },
    cluster: { echo: cluster("echo") },
    endpoint: {
      echo: {
        clusterName: "echo",
        endpoints: places!.map((place) => ({ ...place, locality: {}, loadBalancingWeight: 1 })),
      },
    },
  };
}

test("grpc-js's own xDS client calls a service by its name, and follows its endpoints", async () => {
  const first = await echo("first");
  const views = createTestViews();
  views.change(service(first));
  const server = createAdsServer({ translator: views, secrets: createTestSecrets(), log: silent });
  cleanups.push(() => server.close());
  const port = await server.start("127.0.0.1:0");
  process.env["GRPC_XDS_BOOTSTRAP_CONFIG"] = JSON.stringify({
    xds_servers: [
      {
        server_uri: `127.0.0.1:${port}`,
        channel_creds: [{ type: "insecure" }],
        server_features: ["xds_v3"],
      },
    ],
    node: { id: "sidecar~127.0.0.9~caller.default~default.svc.cluster.local", locality: {} },
  });
  const { register } = await import("@grpc/grpc-js-xds");
  register();
  const client = new Client("xds:///echo:7070", credentials.createInsecure());
  cleanups.push(() => client.close());
  const call = (): Promise<string> =>
    new Promise((resolve, reject) =>
      client.makeUnaryRequest(
        say.path,
        identity,
        identity,
        Buffer.from("hello"),
        { deadline: Date.now() + 5_000 },
        (error, reply) => (error ? reject(error) : resolve(String(reply))),
      ),
    );
  expect(await call()).toBe("first");
  const second = await echo("second");
  views.change({ endpoint: service(second).endpoint! });
  server.setRevision(2);
  await expect.poll(call, { timeout: 5_000 }).toBe("second");
  const [status] = server.status();
  expect(status).toMatchObject({ dialect: "sotw", acknowledgedRevision: 2 });
  expect(Object.values(status!.types).every((type) => type.error === undefined)).toBe(true);
});
