/** `istio_requests_total` as a real Prometheus sees it: every label of Istio's list, exact values, both reporters. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DemoProcess, removeDemoData, startDemoProcess } from "../harness/demo-process.ts";
import { type Prometheus, startPrometheus } from "../harness/prometheus.ts";

/** istio.io, "Istio Standard Metrics", labels. */
const SIDES = [
  "workload",
  "workload_namespace",
  "principal",
  "app",
  "version",
  "cluster",
  "canonical_service",
  "canonical_revision",
];
const LABELS = [
  "reporter",
  ...SIDES.map((side) => `source_${side}`),
  ...SIDES.map((side) => `destination_${side}`),
  "destination_service",
  "destination_service_name",
  "destination_service_namespace",
  "request_protocol",
  "response_code",
  "response_flags",
  "connection_security_policy",
].toSorted();

const REQUESTS = 120;
let demo: DemoProcess;
let prometheus: Prometheus;

beforeAll(async () => {
  demo = await startDemoProcess({ port: 8740, gatewayPort: 8741, block: 32 });
  prometheus = await startPrometheus(9740, "127.32.0.1:15014", "/stats/prometheus");
});
afterAll(async () => {
  await prometheus?.close();
  await demo?.stop();
  await removeDemoData(demo);
});

const REVIEWS = 'destination_service_name="reviews"';

async function total(selector: string): Promise<number> {
  const [sample] = await prometheus.query(`sum(istio_requests_total{${selector}})`);
  return sample?.value ?? 0;
}

/** Waits until a total stays the same for as long as two scrapes of the agent's and two of Prometheus's take. */
async function settled(selector: string): Promise<number> {
  for (let last = -1, same = 0; ;) {
    const now = await total(selector);
    same = now === last ? same + 1 : 0;
    last = now;
    if (same >= 6) return now;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

test("every label, exact values, both reporters, and a sum that equals the requests sent", async () => {
  const before = {
    source: await settled(`reporter="source",${REVIEWS}`),
    destination: await settled(`reporter="destination",${REVIEWS}`),
  };
  for (let i = 0; i < REQUESTS; i++) {
    const response = await fetch(`${demo.gatewayUrl}/api/v1/products/0/reviews`);
    expect(response.status).toBe(200);
    await response.arrayBuffer();
  }
  for (const reporter of ["source", "destination"] as const) {
    const after = await settled(`reporter="${reporter}",${REVIEWS}`);
    console.log(`${reporter}: ${after - before[reporter]} of ${REQUESTS} requests`);
    expect(after - before[reporter]).toBe(REQUESTS);
  }

  const series = await prometheus.query(
    `istio_requests_total{${REVIEWS},destination_version="v2"}`,
  );
  expect(series).toHaveLength(2);
  for (const { labels } of series) {
    // `instance` and `job` are Prometheus's own; `pod` and `namespace` say whose proxy counted. What is empty
    // (`grpc_response_status` for HTTP) Prometheus drops, so that the list is exactly what must be there.
    const { instance: _instance, job: _job, pod: _pod, namespace: _namespace, ...own } = labels;
    expect(Object.keys(own).toSorted()).toEqual(LABELS);
    expect(own).toEqual({
      reporter: labels["reporter"],
      source_workload: "productpage-v1",
      source_workload_namespace: "default",
      source_principal: "spiffe://cluster.local/ns/default/sa/bookinfo-productpage",
      source_app: "productpage",
      source_version: "v1",
      source_cluster: "local",
      source_canonical_service: "productpage",
      source_canonical_revision: "v1",
      destination_workload: "reviews-v2",
      destination_workload_namespace: "default",
      destination_principal: "spiffe://cluster.local/ns/default/sa/bookinfo-reviews",
      destination_app: "reviews",
      destination_version: "v2",
      destination_cluster: "local",
      destination_canonical_service: "reviews",
      destination_canonical_revision: "v2",
      destination_service: "reviews.default.svc.cluster.local",
      destination_service_name: "reviews",
      destination_service_namespace: "default",
      request_protocol: "http",
      response_code: "200",
      response_flags: "-",
      // Istio: the client side cannot know what the server saw.
      connection_security_policy: labels["reporter"] === "destination" ? "mutual_tls" : "unknown",
    });
  }
});
