import { expect, test } from "vitest";
import {
  attributeLogs,
  attributeTraces,
  decodeLogs,
  decodeTraces,
  encodeLogs,
  encodeTraces,
  type LogRecord,
  type Sender,
  type SpanRecord,
} from "../index.ts";

const WEB: Sender = {
  ...{ pod: "web-1", uid: "7", namespace: "shop", workload: "web", app: "web", version: "" },
  ...{ canonicalService: "web", canonicalRevision: "latest", cluster: "c1" },
  principal: "spiffe://td/ns/shop/sa/web",
};

/** What a resource says that is somebody else's. */
const BANK = {
  "service.name": "vault.bank",
  "k8s.namespace.name": "bank",
  "k8s.pod.name": "vault-1",
  "k8s.deployment.name": "vault",
  node_name: "sidecar~10.0.0.9~vault-1.bank~bank.svc.cluster.local",
  "telemetry.sdk.name": "envoy",
};
const OWN = {
  "service.name": "web.shop",
  "k8s.namespace.name": "shop",
  "k8s.pod.name": "web-1",
  "k8s.pod.uid": "7",
  "telemetry.sdk.name": "envoy",
};

/** As the plane reads them. */
const logs = (...all: Partial<LogRecord>[]) => {
  const records = all.map((record) => ({
    ...{ timeNs: 5n, severity: "INFO", body: "GET / 200", traceId: "", spanId: "" },
    ...{ attributes: {}, resource: BANK },
    ...record,
  }));
  attributeLogs(records, WEB);
  return decodeLogs(encodeLogs(records)).records;
};

const side = (name: string, values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`${name}.${key}`, value]));
const VAULT = {
  ...{ workload: "vault", namespace: "bank", app: "vault", version: "v9", cluster: "c9" },
  ...{ canonical_service: "vault", canonical_revision: "v9" },
  principal: "spiffe://td/ns/bank/sa/vault",
};
const WEB_SIDE = {
  ...{ workload: "web", namespace: "shop", app: "web", cluster: "c1" },
  ...{ canonical_service: "web", canonical_revision: "latest" },
  principal: "spiffe://td/ns/shop/sa/web",
};

test("what a resource says of who it is is what is known of its sender, and the rest stays", () => {
  expect(logs({ resource: BANK }, { resource: {} }).map(({ resource }) => resource)).toEqual(
    [OWN, { ...OWN, "telemetry.sdk.name": undefined }].map(
      (each) => JSON.parse(JSON.stringify(each)) as object,
    ),
  );
});

test("the side of a request that reports it is the sender's, and the other one is as it was said", () => {
  for (const [reporter, other] of [
    ["source", "destination"],
    ["destination", "source"],
  ] as const) {
    const said = { ...side(reporter, VAULT), ...side(other, VAULT), "url.path": "/" };
    const [record] = logs({ attributes: { "heddle.reporter": reporter, ...said } });
    expect(record?.attributes).toEqual({
      "heddle.reporter": reporter,
      "url.path": "/",
      ...side(reporter, WEB_SIDE),
      ...side(other, VAULT),
    });
  }
});

test("a record of no proxy is its sender's as a source, whatever it calls its reporter", () => {
  for (const reporter of [undefined, "both", 1])
    expect(
      logs({
        attributes: {
          ...(reporter === undefined ? {} : { "heddle.reporter": reporter }),
          "source.workload": "vault",
          "source.namespace": "bank",
        },
      })[0]?.attributes,
    ).toMatchObject({ "source.workload": "web", "source.namespace": "shop" });
});

test("what a proxy did not know stays unknown", () => {
  const attributes = {
    "heddle.reporter": "source",
    "source.principal": "-",
    "source.app": "unknown",
  };
  expect(logs({ attributes })[0]?.attributes).toEqual(attributes);
});

test("a span is its sender's, under all names that a workload has", () => {
  const span: SpanRecord = {
    ...{ traceId: "a".repeat(32), spanId: "b".repeat(16), parentSpanId: "", service: "vault.bank" },
    ...{ operation: "GET", kind: "server", startNs: 5n, durationNs: 7, status: "unset" },
    ...{ statusMessage: "", events: [], links: [], resource: BANK },
    attributes: {
      ...{ "k8s.namespace.name": "bank", "heddle.workload": "vault", "heddle.version": "v9" },
      ...{ "istio.namespace": "bank", "http.method": "GET", "heddle.reporter": "destination" },
    },
  };
  attributeTraces([span], WEB);
  const { records } = decodeTraces(encodeTraces([span]));
  expect(records).toMatchObject([
    { operation: "GET", service: "web.shop", durationNs: 7, resource: OWN },
  ]);
  expect(records[0]?.attributes).toEqual({
    ...{ "k8s.namespace.name": "shop", "k8s.cluster.name": "c1", "istio.namespace": "shop" },
    ...{ "heddle.workload": "web", "heddle.app": "web", "heddle.canonical_service": "web" },
    ...{ "heddle.canonical_revision": "latest", "heddle.reporter": "destination" },
    "http.method": "GET",
  });
});
