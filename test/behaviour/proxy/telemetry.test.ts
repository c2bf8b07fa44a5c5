/** Istio's metrics, access logs and spans, as two real Envoys make them. */
import { connect, createServer, type Server } from "node:net";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** Those that a policy leaves behind are in records of proxies with such a policy alone. */
const ALWAYS = Object.values(ATTRIBUTE).filter(
  (name) => !/^heddle\.(?:authorization|request_validation)\./.test(name),
);
import { ACCESS_LOG_ATTRIBUTES as ATTRIBUTE } from "@heddle/translate";
import { type Application, startApplication } from "../../harness/application.ts";
import {
  createAuthority,
  type Leaf,
  type TestAuthority,
  workloadSecrets,
} from "../../harness/certificates.ts";
import { envoyBinary, type RunningEnvoy, startEnvoy } from "../../harness/envoy-process.ts";
import { pod, service, virtualService } from "../../harness/objects.ts";
import { type Collector, startCollector } from "../../harness/otlp-collector.ts";
import { type Sample, scrape } from "../../harness/scrape.ts";
import { ask, type Asking } from "../../harness/request.ts";
import { bootstrapOf } from "../../harness/world.ts";

const CLIENT = "127.72.0.1";
const SERVER = "127.72.0.2";
const APPLICATION = "127.72.1.2";
const LEGACY = "127.72.1.3";
const COLLECTOR = "127.72.2.1";
const OTLP = { address: COLLECTOR, port: 4317 };
const PROXY_PORT = 15001;

const OBJECTS = [
  pod({
    name: "shop-5d8c7b9f4-abcde",
    workload: "shop-v1",
    address: CLIENT,
    labels: { app: "shop", version: "v1" },
    serviceAccount: "shop",
  }),
  pod({
    name: "reviews-5d8c7b9f4-fghij",
    workload: "reviews-v2",
    address: SERVER,
    labels: { app: "reviews", version: "v2", "service.istio.io/canonical-revision": "second" },
    serviceAccount: "reviews",
    namespace: "books",
  }),
  ...service(
    "reviews",
    [
      { name: "http", port: 80, targetPort: 9080 },
      { name: "tcp-raw", port: 9090 },
    ],
    [SERVER],
    { namespace: "books", clusterIP: "10.0.0.1" },
  ),
  // Says of itself nothing but its name, and has no proxy.
  pod({ name: "legacy", address: LEGACY, labels: {}, mesh: false }),
  ...service("legacy", [{ name: "http", port: 80, targetPort: 9080 }], [LEGACY]),
  ...service("empty", [{ name: "http", port: 80 }], []),
  virtualService(
    "reviews",
    { hosts: ["reviews"], http: [{ name: "main", route: [{ destination: { host: "reviews" } }] }] },
    "books",
  ),
];

const PARTIES = {
  source_workload: "shop-v1",
  source_workload_namespace: "default",
  source_principal: "spiffe://cluster.local/ns/default/sa/shop",
  source_app: "shop",
  source_version: "v1",
  source_cluster: "c1",
  source_canonical_service: "shop",
  source_canonical_revision: "v1",
  destination_workload: "reviews-v2",
  destination_workload_namespace: "books",
  destination_principal: "spiffe://cluster.local/ns/books/sa/reviews",
  destination_app: "reviews",
  destination_version: "v2",
  destination_cluster: "c1",
  destination_canonical_service: "reviews",
  destination_canonical_revision: "second",
  destination_service: "reviews.books.svc.cluster.local",
  destination_service_name: "reviews",
  destination_service_namespace: "books",
};

const REQUEST = {
  request_protocol: "http",
  response_code: "200",
  grpc_response_status: "",
  response_flags: "-",
};

const NOBODY = Object.fromEntries(
  Object.keys(PARTIES)
    .filter((label) => label.startsWith("source_"))
    .map((label) => [label, "unknown"]),
);

/** A connection to the server's TCP port as a sidecar makes it, which ends after an echo. */
function overTls({ chain: cert, key }: Leaf, ca: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      ...{ host: SERVER, port: 9090, cert, key, ca, ALPNProtocols: ["istio"] },
      // The server's identity is a URI.
      checkServerIdentity: () => undefined,
    });
    socket.on("secureConnect", () => socket.write("0123456789"));
    socket.on("data", () => socket.end());
    socket.on("error", reject);
    socket.on("close", () => resolve());
  });
}

describe.skipIf(!envoyBinary)("telemetry of two proxies", () => {
  const stops: (() => Promise<unknown>)[] = [];
  let collector: Collector;
  let application: Application;
  let raw: Server;
  let authority: TestAuthority;
  const envoys: RunningEnvoy[] = [];

  beforeAll(async () => {
    collector = await startCollector(COLLECTOR, OTLP.port);
    application = await startApplication("reviews", APPLICATION, 9080);
    raw = createServer((socket) => socket.pipe(socket));
    await new Promise<void>((resolve) => raw.listen(9090, APPLICATION, resolve));
    authority = await createAuthority();
    const secrets = async (account: string, workload: string) =>
      workloadSecrets(
        await authority.issue([`spiffe://cluster.local/ns/${account}`, workload]),
        authority.certificate,
      );
    const server = bootstrapOf(OBJECTS, {
      pod: "reviews-5d8c7b9f4-fghij",
      address: SERVER,
      appAddress: APPLICATION,
      namespace: "books",
      labels: { app: "reviews", version: "v2" },
      secrets: await secrets("books/sa/reviews", "reviews-v2.books.workload.cluster.local"),
      otlp: OTLP,
    });
    const client = bootstrapOf(OBJECTS, {
      pod: "shop-5d8c7b9f4-abcde",
      address: CLIENT,
      labels: { app: "shop", version: "v1" },
      httpProxyPort: PROXY_PORT,
      secrets: await secrets("default/sa/shop", "shop-v1.default.workload.cluster.local"),
      otlp: OTLP,
    });
    // A listener for connections: without interception a proxy has none, so the one of an intercepting proxy is bound here.
    const intercepting = bootstrapOf(OBJECTS, {
      pod: "shop-5d8c7b9f4-abcde",
      address: CLIENT,
      labels: { app: "shop", version: "v1" },
      interception: "REDIRECT",
      secrets: await secrets("default/sa/shop", "shop-v1.default.workload.cluster.local"),
    });
    const tcp = intercepting.staticResources?.listeners?.find(
      ({ name }) => name === "10.0.0.1_9090",
    );
    if (!tcp || !client.staticResources) throw new Error("no listener for the TCP port");
    const bound = {
      ...tcp,
      bindToPort: true,
      address: { socketAddress: { address: CLIENT, portValue: 9090 } },
    };
    const withTcp = {
      ...client,
      staticResources: {
        ...client.staticResources,
        listeners: [...(client.staticResources.listeners ?? []), bound],
      },
    };
    envoys.push(await startEnvoy(server), await startEnvoy(withTcp));
  });

  afterAll(async () => {
    await Promise.all(envoys.map((envoy) => envoy.stop()));
    await Promise.all([collector?.stop(), application?.stop(), ...stops.map((stop) => stop())]);
    await new Promise((resolve) => raw?.close(resolve));
  });

  const get = (path: string, asking?: Asking, authority = "reviews.books") =>
    ask(CLIENT, PROXY_PORT, authority, path, asking);
  /** Samples that a step has added. */
  const added = async (
    metric: string,
    address: string,
    step: () => Promise<unknown>,
  ): Promise<readonly Sample[]> => {
    const text = (sample: Sample) => JSON.stringify(sample.labels);
    const before = new Map(
      (await scrape(address, metric)).map((sample) => [text(sample), sample.value]),
    );
    await step();
    let difference: readonly Sample[] = [];
    await expect
      .poll(async () => {
        difference = (await scrape(address, metric))
          .map((sample) => ({ ...sample, value: sample.value - (before.get(text(sample)) ?? 0) }))
          .filter(({ value }) => value !== 0);
        return difference.length;
      })
      .toBeGreaterThan(0);
    return difference;
  };

  test("counts a request at the client with every label of Istio's list", async () => {
    const samples = await added("istio_requests_total", CLIENT, async () => {
      for (let i = 0; i < 3; i++) await get("/a");
    });
    expect(samples).toEqual([
      {
        labels: {
          reporter: "source",
          ...PARTIES,
          connection_security_policy: "unknown",
          ...REQUEST,
        },
        value: 3,
      },
    ]);
  });

  test("counts the same request at the server, with the client as its certificate and header say", async () => {
    const samples = await added("istio_requests_total", SERVER, async () => {
      for (let i = 0; i < 3; i++) await get("/a");
    });
    expect(samples).toEqual([
      {
        labels: {
          reporter: "destination",
          ...PARTIES,
          connection_security_policy: "mutual_tls",
          ...REQUEST,
        },
        value: 3,
      },
    ]);
  });

  test("counts nothing by name for a client in the clear, whatever its header says", async () => {
    const stolen = "KhUKEwoId29ya2xvYWQSBxoFc2hvcHM=";
    const samples = await added("istio_requests_total", SERVER, () =>
      ask(SERVER, 9080, "reviews.books", "/", { headers: { "x-heddle-peer-metadata": stolen } }),
    );
    expect(samples).toEqual([
      {
        labels: {
          reporter: "destination",
          ...PARTIES,
          ...NOBODY,
          destination_principal: "unknown",
          connection_security_policy: "none",
          ...REQUEST,
        },
        value: 1,
      },
    ]);
  });

  test("says what went wrong in the code", async () => {
    const samples = await added("istio_requests_total", CLIENT, () => get("/status/500"));
    expect(samples.map(({ labels }) => labels["response_code"])).toEqual(["500"]);
  });

  test("says unknown of the workload where no endpoint was there to take the request", async () => {
    const samples = await added("istio_requests_total", CLIENT, () => get("/", {}, "empty"));
    expect(samples).toHaveLength(1);
    expect(samples[0]?.labels).toMatchObject({
      response_code: "503",
      response_flags: "UH",
      destination_service: "empty.default.svc.cluster.local",
      destination_workload: "unknown",
      destination_workload_namespace: "unknown",
      destination_principal: "unknown",
      destination_canonical_service: "unknown",
    });
  });

  test("says unknown of what a workload without labels and proxy does not tell", async () => {
    const legacy = await startApplication("legacy", LEGACY, 9080);
    const samples = await added("istio_requests_total", CLIENT, () => get("/", {}, "legacy"));
    await legacy.stop();
    expect(samples).toHaveLength(1);
    expect(samples[0]?.labels).toMatchObject({
      response_code: "200",
      source_principal: "unknown",
      destination_principal: "unknown",
      destination_workload: "legacy",
      destination_app: "unknown",
      destination_version: "unknown",
      destination_canonical_service: "legacy",
      destination_canonical_revision: "latest",
    });
  });

  test("tells gRPC from other requests, with its status", async () => {
    const samples = await added("istio_requests_total", CLIENT, () =>
      get("/status/503", { method: "POST", headers: { "content-type": "application/grpc" } }),
    );
    expect(
      samples.map(({ labels }) => [labels["request_protocol"], labels["response_code"]]),
    ).toEqual([["grpc", "503"]]);
  });

  test("measures time and sizes in Istio's buckets", async () => {
    await get("/slow/120", { method: "POST", body: "x".repeat(5000) });
    for (const address of [CLIENT, SERVER]) {
      const le = async (metric: string) =>
        new Set((await scrape(address, `${metric}_bucket`)).map(({ labels }) => labels["le"]));
      // Envoy merges histograms every 5 s.
      await expect
        .poll(() => le("istio_request_duration_milliseconds"), { timeout: 8000 })
        .toContain("250");
      expect(await le("istio_request_bytes")).toContain("10000");
      expect(await le("istio_response_bytes")).toContain("1000");
      const sums = await scrape(address, "istio_request_bytes_sum");
      expect(sums.reduce((sum, { value }) => sum + value, 0)).toBeGreaterThanOrEqual(5000);
      expect(sums.map(({ labels }) => labels["destination_canonical_revision"])).toContain(
        "second",
      );
    }
  });

  test("counts connections and their bytes on both sides", async () => {
    const talk = () =>
      new Promise<void>((resolve, reject) => {
        const socket = connect(9090, CLIENT, () => socket.write("0123456789"));
        socket.on("data", () => socket.end());
        socket.on("error", reject);
        socket.on("close", () => resolve());
      });
    const atClient = await added("istio_tcp_connections_closed_total", CLIENT, talk);
    expect(atClient).toEqual([
      {
        labels: {
          reporter: "source",
          ...PARTIES,
          connection_security_policy: "unknown",
          request_protocol: "tcp",
          response_flags: "-",
        },
        value: 1,
      },
    ]);
    const atServer = await added("istio_tcp_connections_closed_total", SERVER, talk);
    expect(atServer).toEqual([
      {
        labels: {
          reporter: "destination",
          ...PARTIES,
          ...NOBODY,
          source_workload: "shop-v1",
          source_workload_namespace: "default",
          source_principal: PARTIES.source_principal,
          connection_security_policy: "mutual_tls",
          request_protocol: "tcp",
          response_flags: "-",
        },
        value: 1,
      },
    ]);
    const isOfTcp = ({ attributes }: (typeof collector.logs)[number]) =>
      attributes[ATTRIBUTE.method] === undefined && attributes[ATTRIBUTE.reporter] !== undefined;
    const logged = () =>
      collector.logs.filter(isOfTcp).map(({ attributes }) => attributes[ATTRIBUTE.sourceWorkload]);
    await expect.poll(() => logged(), { timeout: 5000 }).toEqual(Array(4).fill("shop-v1"));
    const received = await scrape(SERVER, "istio_tcp_received_bytes_total");
    expect(received.map(({ value }) => value)).toEqual([20]);
    for (const address of [CLIENT, SERVER]) {
      const opened = await scrape(address, "istio_tcp_connections_opened_total");
      expect(opened.map(({ labels, value }) => [labels["source_workload"], value])).toEqual([
        ["shop-v1", 2],
      ]);
    }
  });

  test("names the workload of a connection only as a certificate of its own namespace and trust domain may", async () => {
    const SHOP = "spiffe://cluster.local/ns/default/sa/shop";
    const names: Readonly<Record<string, string>> = {
      "shop-v2.default.workload.cluster.local": "shop-v2",
      "vault.books.workload.cluster.local": "unknown",
      "vault.default.workload.other.example": "unknown",
      "vault.default.books.workload.cluster.local": "unknown",
      "vault.default.svc.cluster.local": "unknown",
    };
    for (const [name, workload] of [...Object.entries(names), ["", "unknown"]]) {
      const leaf = await authority.issue([SHOP, ...(name ? [name] : [])]);
      const [one] = await added("istio_tcp_connections_closed_total", SERVER, () =>
        overTls(leaf, authority.certificate),
      );
      expect(one?.labels, name).toMatchObject({
        source_workload: workload,
        source_workload_namespace: "default",
        source_principal: SHOP,
      });
    }
  });

  test("keeps few statistics of Envoy's own", async () => {
    const stats = await envoys[1]?.admin("/stats");
    expect(stats?.split("\n").filter((line) => line.startsWith("cluster.outbound"))).toEqual([]);
    expect(stats).toContain("cluster_manager.cluster_added");
    expect(stats?.split("\n").length).toBeLessThan(800);
  });

  test("writes an access log record at each side, with who, what and how", async () => {
    await get("/logged?q=1", { headers: { "user-agent": "tester" } });
    const found = () =>
      collector.logs
        .filter(({ attributes }) => attributes[ATTRIBUTE.path] === "/logged?q=1")
        .map((log) => log.attributes);
    await expect.poll(() => found().length, { timeout: 5000 }).toBe(2);
    for (const reporter of ["source", "destination"]) {
      const attributes = found().find((each) => each[ATTRIBUTE.reporter] === reporter) ?? {};
      expect(Object.keys(attributes).toSorted()).toEqual(ALWAYS.toSorted());
      expect(attributes).toMatchObject({
        [ATTRIBUTE.method]: "GET",
        [ATTRIBUTE.authority]: "reviews.books",
        [ATTRIBUTE.status]: "200",
        [ATTRIBUTE.flags]: "-",
        [ATTRIBUTE.details]: "via_upstream",
        [ATTRIBUTE.userAgent]: "tester",
        [ATTRIBUTE.sourceWorkload]: "shop-v1",
        [ATTRIBUTE.sourcePrincipal]: PARTIES.source_principal,
        [ATTRIBUTE.destinationWorkload]: "reviews-v2",
        [ATTRIBUTE.destinationService]: PARTIES.destination_service,
        [ATTRIBUTE.routeName]: reporter === "source" ? "main" : "default",
      });
      expect(attributes[ATTRIBUTE.requestId]).toMatch(/^[0-9a-f-]{36}$/);
      expect(Number(attributes[ATTRIBUTE.duration])).toBeGreaterThanOrEqual(0);
    }
    const [one, two] = found();
    expect(one?.[ATTRIBUTE.traceId]).toMatch(/^[0-9a-f]{32}$/);
    expect(two?.[ATTRIBUTE.traceId]).toBe(one?.[ATTRIBUTE.traceId]);
    const { resource } = collector.logs[0] ?? {};
    expect(resource).toMatchObject({
      "service.name": expect.stringMatching(/^(shop\.default|reviews\.books)$/),
    });
    expect(resource?.["node_name"]).toMatch(/^sidecar~/);
  });

  test("sends spans of one trace from both sides", async () => {
    const { headers } = (await get("/traced")).echo();
    const traceId = headers["traceparent"]?.split("-")[1] ?? "none";
    await expect
      .poll(
        () =>
          collector.spans
            .filter((span) => span.traceId === traceId)
            .map(({ resource }) => resource["service.name"])
            .toSorted(),
        { timeout: 10_000 },
      )
      .toEqual(["reviews.books", "shop.default"]);
    const span = collector.spans.find(
      (each) => each.traceId === traceId && each.resource["service.name"] === "shop.default",
    );
    expect(span?.attributes).toMatchObject({
      "heddle.workload": "shop-v1",
      "heddle.reporter": "source",
      "destination.service": PARTIES.destination_service,
    });
  });
});
