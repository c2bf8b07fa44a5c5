/**
 * Process of its own: proxies by TLS with their pods' tokens, that subscribe as Envoy does with nothing on demand, so that every change concerns
 * every one of them; and what a proxy would answer to a scrape. Says of each change when the last proxy had it.
 */
import { createServer } from "node:http";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { decode, encode, typeUrls } from "@heddle/envoy";
import type { ProxyPod } from "./mesh.ts";

export interface ClientsStart {
  readonly port: number;
  /** The agent's name in its certificate. */
  readonly authority: string;
  readonly roots: string;
  readonly proxies: readonly ProxyPod[];
}

export interface ClientsReport {
  /** Of each proxy, the clusters whose endpoints it has. */
  readonly clusters: readonly number[];
  readonly failures: readonly string[];
  /** By generation: when the last proxy had it or a later one of its slice, `performance.timeOrigin`-based milliseconds. */
  readonly served: readonly (readonly [generation: number, at: number])[];
  readonly bytes: number;
}

const METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
const REQUEST = "envoy.service.discovery.v3.DeltaDiscoveryRequest";
const RESPONSE = "envoy.service.discovery.v3.DeltaDiscoveryResponse";
const STATS_PORT = 15090;
const identity = (bytes: Buffer): Buffer => bytes;

interface Response {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources?: readonly { readonly name: string; readonly resource?: unknown }[];
  readonly removedResources?: readonly string[];
}

const clusters: number[] = [];
const failures: string[] = [];
let bytes = 0;
let count = 0;
/** By generation: how many proxies have it, and when the last of them got it. */
const arrivals = new Map<number, { proxies: number; at: number }>();

function connect(start: ClientsStart, index: number): void {
  const proxy = start.proxies[index]!;
  const client = new Client(
    `127.0.0.1:${start.port}`,
    credentials.createSsl(Buffer.from(start.roots)),
    {
      ...{ "grpc.ssl_target_name_override": start.authority },
      ...{ "grpc.default_authority": start.authority },
      ...{ "grpc.max_receive_message_length": 64 * 1024 * 1024 },
      "grpc.use_local_subchannel_pool": 1,
    },
  );
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${proxy.token}`);
  const call: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
    ...([METHOD, identity, identity, metadata] as const),
  );
  const send = (request: object) => void call.write(Buffer.from(encode(REQUEST, request)));
  const wanted = { endpoint: new Set<string>(), route: new Set<string>() };
  const want = (type: "endpoint" | "route", names: readonly string[]) => {
    const fresh = names.filter((name) => !wanted[type].has(name));
    for (const name of fresh) wanted[type].add(name);
    if (fresh.length > 0) send({ typeUrl: typeUrls[type], resourceNamesSubscribe: fresh });
  };
  const held = new Set<string>();
  call.on("error", (error) => failures.push(`${proxy.name}: ${error.message}`));
  call.on("end", () => failures.push(`${proxy.name}: the stream has ended`));
  call.on("data", (message: Buffer) => {
    const now = performance.timeOrigin + performance.now();
    bytes += message.length;
    const { typeUrl, nonce, resources = [] } = responseOf(message);
    const names = resources.map(({ name }) => name);
    if (typeUrl === typeUrls.cluster)
      want(
        "endpoint",
        names.filter((name) => name.startsWith("outbound|")),
      );
    if (typeUrl === typeUrls.listener) want("route", routeNames(resources));
    if (typeUrl === typeUrls.endpoint) {
      for (const name of names) held.add(name);
      clusters[index] = held.size;
      for (const generation of marksIn(message)) arrive(generation, now);
    }
    send({ typeUrl, responseNonce: nonce });
  });
  const node = {
    id: `sidecar~${proxy.address}~${proxy.name}.default~default.svc.cluster.local`,
    metadata: {
      NAMESPACE: "default",
      LABELS: { app: proxy.name },
      SERVICE_ACCOUNT: proxy.account,
      INSTANCE_IPS: proxy.address,
    },
  };
  clusters[index] = 0;
  for (const type of ["cluster", "listener"] as const) send({ node, typeUrl: typeUrls[type] });
}

function arrive(generation: number, at: number): void {
  const before = arrivals.get(generation) ?? { proxies: 0, at: 0 };
  arrivals.set(generation, { proxies: before.proxies + 1, at });
}

let last: { readonly message: Buffer; readonly response: Response } | undefined;

/** Proxies mostly get the same bytes, but for the nonce; so does a test's own process have to read them as rarely as can be. */
function responseOf(message: Buffer): Response {
  if (last?.message.equals(message)) return last.response;
  const response = decode(RESPONSE, message) as unknown as Response;
  last = { message, response };
  return response;
}

/** Addresses are text in these bytes. */
function marksIn(message: Buffer): number[] {
  const found = message.toString("latin1").matchAll(/10\.200\.(\d+)\.(\d+)/g);
  return [...found].map(([, high, low]) => (Number(high) << 8) | Number(low));
}

function routeNames(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "routeConfigName" ? [String(inner)] : routeNames(inner),
  );
}

/** As many series as a proxy has that calls ten services. */
function exposition(proxy: string): string {
  const lines = ["# TYPE istio_requests_total counter"];
  for (let index = 0; index < 10; index++) {
    const labels = `reporter="source",source_workload="${proxy}",source_workload_namespace="default",destination_service="svc-${index}.default.svc.cluster.local",destination_service_name="svc-${index}",destination_service_namespace="default",request_protocol="http",response_code="200",response_flags="-",connection_security_policy="mutual_tls"`;
    lines.push(`istio_requests_total{${labels}} ${Math.floor(process.uptime() * 10)}`);
    lines.push("# TYPE istio_request_duration_milliseconds histogram");
    for (const le of [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, "+Inf"])
      lines.push(
        `istio_request_duration_milliseconds_bucket{${labels},le="${le}"} ${Math.floor(process.uptime() * 10)}`,
      );
  }
  return `${lines.join("\n")}\n`;
}

process.on("message", (message: ClientsStart | "report") => {
  if (message === "report") {
    const served = [...arrivals].filter(([, { proxies }]) => proxies >= count);
    process.send!({
      ...{ clusters, failures, bytes },
      served: served.map(([generation, { at }]) => [generation, at]),
    } satisfies ClientsReport);
    return;
  }
  count = message.proxies.length;
  for (const { name, address } of message.proxies) {
    const server = createServer((_, response) => response.end(exposition(name)));
    server.listen(STATS_PORT, address);
  }
  for (let index = 0; index < count; index++) connect(message, index);
});
process.on("disconnect", () => process.exit(0));
