/** For tests: two real Envoys, a client's and a server's, that count, log and trace as the mesh's proxies do. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, get, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface EnvoyPair {
  /** Sends a request through both proxies; resolves with its status. */
  call(path: string): Promise<number>;
  /** `address:port` of each one's Prometheus listener. */
  readonly targets: { client: string; server: string };
  /** Ends the client's proxy and starts it anew. */
  restartClient(): Promise<void>;
  close(): Promise<void>;
}

const type = (name: string) => `type.googleapis.com/${name}`;
const extension = (name: string, typeName: string, value: object) => ({
  name,
  typedConfig: { "@type": type(typeName), ...value },
});
const address = (port: number) => ({ socketAddress: { address: "127.0.0.1", portValue: port } });

/**
 * A service that answers `/fail` with 503, all else with 200, behind the server's proxy; `ports` are seven free ones. Statistics are
 * kept for good, or unused ones forgotten at the second end of `evictEvery`, a multiple of `5s`.
 */
export async function startEnvoyPair(
  envoy: string,
  otlpPort: number,
  ports: readonly number[],
  evictEvery?: string,
): Promise<EnvoyPair> {
  const [app, inbound, outbound, clientStats, serverStats, clientAdmin, serverAdmin] = ports as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const directory = await mkdtemp(join(tmpdir(), "heddle-envoys-"));
  const service: Server = createServer((request, response) => {
    response.writeHead(request.url === "/fail" ? 503 : 200);
    response.end("hello");
  });
  service.listen(app, "127.0.0.1");
  await once(service, "listening");
  const configs = {
    client: proxy({
      reporter: "source",
      listen: outbound,
      upstream: inbound,
      stats: clientStats,
      admin: clientAdmin,
      otlpPort,
      evictEvery,
    }),
    server: proxy({
      reporter: "destination",
      listen: inbound,
      upstream: app,
      stats: serverStats,
      admin: serverAdmin,
      otlpPort,
      evictEvery,
    }),
  };
  const running: Record<"client" | "server", ChildProcess> = {
    client: await start("client"),
    server: await start("server"),
  };

  return {
    targets: { client: `127.0.0.1:${clientStats}`, server: `127.0.0.1:${serverStats}` },
    call: (path) => status(`http://127.0.0.1:${outbound}${path}`),
    async restartClient() {
      await end(running.client);
      running.client = await start("client");
    },
    async close() {
      await Promise.all(Object.values(running).map(end));
      service.close();
      await rm(directory, { recursive: true });
    },
  };

  async function start(name: "client" | "server"): Promise<ChildProcess> {
    const file = join(directory, `${name}.json`);
    await writeFile(file, JSON.stringify(configs[name]));
    const child = spawn(
      envoy,
      ["-c", file, "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "error"],
      { stdio: ["ignore", "inherit", "inherit"] },
    );
    const admin = name === "client" ? clientAdmin : serverAdmin;
    for (
      let tries = 0;
      (await status(`http://127.0.0.1:${admin}/ready`).catch(() => 0)) !== 200;
      tries++
    ) {
      if (tries > 200 || child.exitCode !== null)
        throw new Error(`the ${name}'s Envoy does not start`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return child;
  }
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill();
  await exited;
}

function status(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    }).on("error", reject);
  });
}

interface ProxyOptions {
  reporter: "source" | "destination";
  listen: number;
  upstream: number;
  stats: number;
  admin: number;
  otlpPort: number;
  evictEvery: string | undefined;
}

const labels: Record<string, string> = {
  source_workload: "frontend-v1",
  source_workload_namespace: "shop",
  source_principal: "spiffe://demo/ns/shop/sa/frontend",
  source_app: "frontend",
  source_version: "v1",
  source_cluster: "c1",
  source_canonical_service: "frontend",
  source_canonical_revision: "v1",
  destination_workload: "reviews-v2",
  destination_workload_namespace: "shop",
  destination_principal: "spiffe://demo/ns/shop/sa/reviews",
  destination_app: "reviews",
  destination_version: "v2",
  destination_cluster: "c1",
  destination_service: "reviews.shop.svc.cluster.local",
  destination_service_name: "reviews",
  destination_service_namespace: "shop",
  destination_canonical_service: "reviews",
  destination_canonical_revision: "v2",
  request_protocol: "http",
  response_code: "%RESPONSE_CODE%",
  grpc_response_status: "%GRPC_STATUS_NUMBER%",
  response_flags: "%RESPONSE_FLAGS%",
  connection_security_policy: "none",
};

function proxy(options: ProxyOptions): object {
  const { reporter, listen, upstream, stats, admin, otlpPort, evictEvery } = options;
  const tags = Object.entries({ reporter, ...labels }).map(([name, valueFormat]) => ({
    name,
    valueFormat,
  }));
  const stat = (name: string) => ({ name, tags });
  const counting = extension(
    "envoy.access_loggers.stats",
    "envoy.extensions.access_loggers.stats.v3.Config",
    {
      statsScope: { prefix: "mesh", maxCounters: 100, maxHistograms: 100, enableEviction: true },
      counters: [{ stat: stat("istio_requests_total"), valueFixed: "1" }],
      histograms: [
        {
          stat: stat("istio_request_duration_milliseconds"),
          unit: "Milliseconds",
          valueFormat: "%DURATION%",
        },
        { stat: stat("istio_response_bytes"), unit: "Bytes", valueFormat: "%BYTES_SENT%" },
      ],
    },
  );
  const attributes: Record<string, string> = {
    "heddle.reporter": reporter,
    "http.request.method": "%REQ(:METHOD)%",
    "url.path": "%REQ(:PATH)%",
    "http.response.status_code": "%RESPONSE_CODE%",
    "envoy.response_flags": "%RESPONSE_FLAGS%",
    "envoy.duration_ms": "%DURATION%",
    "source.workload": "frontend-v1",
    "destination.service": "reviews.shop.svc.cluster.local",
  };
  const otlp = { envoyGrpc: { clusterName: "otlp" } };
  const logging = extension(
    "envoy.access_loggers.open_telemetry",
    "envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig",
    {
      grpcService: otlp,
      logName: "test",
      bufferFlushInterval: "0.2s",
      body: { stringValue: "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE%" },
      attributes: {
        values: Object.entries(attributes).map(([key, stringValue]) => ({
          key,
          value: { stringValue },
        })),
      },
    },
  );
  const once = { logTypeFilter: { types: ["DownstreamEnd"] } };
  const http = (prefix: string, cluster: string, path: string, more: object) =>
    extension(
      "envoy.filters.network.http_connection_manager",
      "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
      {
        statPrefix: prefix,
        httpFilters: [
          extension(
            "envoy.filters.http.router",
            "envoy.extensions.filters.http.router.v3.Router",
            {},
          ),
        ],
        routeConfig: {
          virtualHosts: [
            {
              name: "all",
              domains: ["*"],
              routes: [{ match: { prefix: path }, route: { cluster } }],
            },
          ],
        },
        ...more,
      },
    );
  const traffic = http("traffic", "next", "/", {
    accessLog: [counting, logging].map((log) => ({ ...log, filter: once })),
    tracing: {
      randomSampling: { value: 100 },
      provider: extension(
        "envoy.tracers.opentelemetry",
        "envoy.config.trace.v3.OpenTelemetryConfig",
        {
          grpcService: otlp,
          serviceName: reporter === "source" ? "frontend.shop" : "reviews.shop",
        },
      ),
    },
  });
  const cluster = (name: string, port: number, more: object = {}) => ({
    name,
    connectTimeout: "1s",
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ endpoint: { address: address(port) } }] }],
    },
    ...more,
  });
  const http2 = {
    typedExtensionProtocolOptions: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": type("envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
        explicitHttpConfig: { http2ProtocolOptions: {} },
      },
    },
  };
  return {
    node: { id: reporter, cluster: reporter },
    admin: { address: address(admin) },
    ...(evictEvery === undefined ? {} : { statsEvictionInterval: evictEvery }),
    statsConfig: {
      histogramBucketSettings: [
        {
          match: { suffix: "istio_request_duration_milliseconds" },
          buckets: [1, 5, 10, 25, 50, 100, 1000],
        },
      ],
    },
    layeredRuntime: {
      layers: [
        { name: "static", staticLayer: { tracing: { opentelemetry: { flush_interval_ms: 200 } } } },
      ],
    },
    staticResources: {
      listeners: [
        { name: "traffic", address: address(listen), filterChains: [{ filters: [traffic] }] },
        {
          name: "stats",
          address: address(stats),
          filterChains: [{ filters: [http("stats", "admin", "/stats/prometheus", {})] }],
        },
      ],
      clusters: [
        cluster("next", upstream),
        cluster("admin", admin),
        cluster("otlp", otlpPort, http2),
      ],
    },
  };
}
