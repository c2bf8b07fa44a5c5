/** `istio_requests_total` as a real Prometheus sees it: every label of Istio's list, exact values, both reporters. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DemoProcess, removeDemoData, startDemoProcess } from "../harness/demo-process.ts";
import { faultOf } from "../harness/load.ts";
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

/** A workload of the demo, as labels tell of it. */
interface Workload {
  readonly name: string;
  readonly namespace: string;
  readonly account: string;
  readonly app: string;
  readonly version: string;
}

const bookinfo = (app: string, version = "v1"): Workload => ({
  name: `${app}-${version}`,
  namespace: "default",
  account: `bookinfo-${app}`,
  app,
  version,
});
const GATEWAY: Workload = {
  name: "istio-ingressgateway",
  namespace: "istio-system",
  account: "istio-ingressgateway",
  app: "istio-ingressgateway",
  version: "v1",
};

/** Who calls whom, for one page after the other. */
const CALLS: readonly (readonly [Workload, Workload])[] = [
  [GATEWAY, bookinfo("productpage")],
  [bookinfo("productpage"), bookinfo("details")],
  [bookinfo("productpage"), bookinfo("reviews", "v1")],
  [bookinfo("productpage"), bookinfo("reviews", "v2")],
  [bookinfo("productpage"), bookinfo("reviews", "v3")],
  [bookinfo("reviews", "v2"), bookinfo("ratings")],
  [bookinfo("reviews", "v3"), bookinfo("ratings")],
];
const REPORTERS = ["source", "destination"] as const;
type Reporter = (typeof REPORTERS)[number];

function side(prefix: string, { name, namespace, account, app, version }: Workload) {
  return {
    [`${prefix}_workload`]: name,
    [`${prefix}_workload_namespace`]: namespace,
    [`${prefix}_principal`]: `spiffe://cluster.local/ns/${namespace}/sa/${account}`,
    [`${prefix}_app`]: app,
    [`${prefix}_version`]: version,
    [`${prefix}_cluster`]: "local",
    [`${prefix}_canonical_service`]: app,
    [`${prefix}_canonical_revision`]: version,
  };
}

/** Every label of a call's series. */
function labelsOf(reporter: Reporter, [source, destination]: (typeof CALLS)[number]) {
  return {
    reporter,
    ...side("source", source),
    ...side("destination", destination),
    destination_service: `${destination.app}.default.svc.cluster.local`,
    destination_service_name: destination.app,
    destination_service_namespace: "default",
    request_protocol: "http",
    response_code: "200",
    response_flags: "-",
    // Istio: the client side cannot know what the server saw.
    connection_security_policy: reporter === "destination" ? "mutual_tls" : "unknown",
  };
}

const APPS = 'destination_service_name=~"productpage|details|reviews|ratings"';

/** Requests by series: its labels, without those that are not Istio's, as JSON. */
async function requests(): Promise<Map<string, number>> {
  const series = await prometheus.query(`istio_requests_total{${APPS}}`);
  return new Map(
    series.map(({ labels, value }) => {
      // `instance` and `job` are Prometheus's own; `pod` and `namespace` say whose proxy counted. What is empty
      // (`grpc_response_status` for HTTP) Prometheus drops, so that the list is exactly what must be there.
      const { instance: _instance, job: _job, pod: _pod, namespace: _namespace, ...own } = labels;
      return [sorted(own), value];
    }),
  );
}

function sorted(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(labels, Object.keys(labels).toSorted());
}

/** Waits until all stays the same for as long as two scrapes of the agent's and two of Prometheus's take. */
async function settled(): Promise<Map<string, number>> {
  for (let last = "", same = 0; ;) {
    const now = await requests();
    const text = JSON.stringify([...now].toSorted());
    same = text === last ? same + 1 : 0;
    last = text;
    if (same >= 6) return now;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

test("every label, exact values, both reporters, and sums that equal the requests sent", async () => {
  const before = await settled();
  const versions: Record<string, number> = {};
  for (let i = 0; i < REQUESTS; i++) {
    const response = await fetch(`${demo.gatewayUrl}/productpage`);
    const body = await response.text();
    expect(faultOf(response.status, body)).toBe("");
    const version = /<code>reviews-(v\d)-/.exec(body)?.[1] ?? "none";
    versions[version] = (versions[version] ?? 0) + 1;
  }
  expect(Object.keys(versions).toSorted()).toEqual(["v1", "v2", "v3"]);
  const after = await settled();
  const grown = new Map(
    [...after]
      .map(([labels, value]) => [labels, value - (before.get(labels) ?? 0)] as const)
      .filter(([, growth]) => growth !== 0),
  );

  // As many of each as there were pages that led to it, and no series beside these has grown.
  const expected = new Map<string, number>();
  for (const reporter of REPORTERS) {
    for (const call of CALLS) {
      const labels = labelsOf(reporter, call);
      expect(Object.keys(labels).toSorted()).toEqual(LABELS);
      const [source, destination] = call;
      const version =
        destination.app === "reviews"
          ? destination.version
          : source.app === "reviews"
            ? source.version
            : undefined;
      expected.set(sorted(labels), version ? (versions[version] ?? 0) : REQUESTS);
    }
  }
  console.log(`${REQUESTS} pages, ${JSON.stringify(versions)}: ${grown.size} series`);
  expect(Object.fromEntries(grown)).toEqual(Object.fromEntries(expected));
});
