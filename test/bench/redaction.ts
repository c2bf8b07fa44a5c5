/**
 * What redaction costs the telemetry process, in records for each second of CPU: `node test/bench/redaction.ts [requests]`. Requests
 * are as Envoy sends them, of 50 access log records or spans each.
 */
import {
  createRedactor,
  decodeLogs,
  decodeTraces,
  encodeLogs,
  encodeTraces,
  isWholeRequest,
  type LogRecord,
  type NamedRedaction,
  type SpanRecord,
} from "@heddle/telemetry";
import { createHmac } from "node:crypto";

const requests = Number(process.argv[2] ?? 400);
const perRequest = 50;
const resource = { "service.name": "web.shop", "k8s.namespace.name": "shop" };

const accessLog = (index: number, query: string): LogRecord => {
  const path = `/products/${index}${query}`;
  return {
    ...{ timeNs: 1_764_000_000_000_000_000n, severity: "", traceId: "", spanId: "", resource },
    body: `GET ${path} 200`,
    attributes: {
      ...{ "heddle.reporter": "source", "http.request.method": "GET", "url.path": path },
      ...{ "url.scheme": "http", "http.request.authority": "reviews:9080" },
      ...{ "network.protocol": "HTTP/1.1", "http.response.status_code": "200" },
      ...{ "envoy.response_flags": "-", "envoy.response_code_details": "via_upstream" },
      ...{ "http.request.body.size": "0", "http.response.body.size": "379" },
      ...{ "envoy.duration_ms": "3", "envoy.upstream.host": "10.1.2.3:9080" },
      ...{ "envoy.downstream.remote_address": "10.1.2.4:53124", "envoy.route_name": "default" },
      ...{ "http.request.id": "4b2ff7e0-0a2c-9d7e-8c0b-000000000000" },
      ...{ "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64)" },
      ...{ "source.principal": "spiffe://cluster.local/ns/shop/sa/web" },
      ...{ "source.workload": "web", "source.namespace": "shop", "source.app": "web" },
      ...{ "destination.workload": "reviews", "destination.namespace": "shop" },
      ...{ "destination.service": "reviews.shop.svc.cluster.local" },
    },
  };
};
const span = (index: number, query: string): SpanRecord => ({
  ...{ traceId: "ab".repeat(16), spanId: "cd".repeat(8), parentSpanId: "", service: "web.shop" },
  ...{ operation: "reviews:9080/*", kind: "client", startNs: 1n, durationNs: 5 },
  ...{ status: "unset", statusMessage: "", resource, events: [], links: [] },
  attributes: {
    ...{ component: "proxy", "http.method": "GET", "http.status_code": "200" },
    ...{ "http.url": `http://reviews:9080/products/${index}${query}`, "mesh.name": "demo" },
    ...{ user_agent: "Mozilla/5.0 (X11; Linux x86_64)", "http.protocol": "HTTP/1.1" },
    ...{ "heddle.workload": "web", "k8s.namespace.name": "shop", "peer.address": "10.1.2.3" },
  },
});

const of = <T>(make: (index: number, query: string) => T, query: string) =>
  Array.from({ length: perRequest }, (_, index) => make(index, query));
const objects = (spec: NamedRedaction["spec"]): NamedRedaction[] => [
  { namespace: "istio-system", name: "all", spec },
];
const redactor = (all: NamedRedaction[]) =>
  createRedactor(
    { rootNamespace: "istio-system", objects: all },
    {
      hash: (value) => createHmac("sha256", "k").update(value).digest("hex").slice(0, 16),
      now: () => performance.now(),
    },
  );
const tally = { redacted: () => undefined, unread: () => undefined };

/** Records for each second of CPU, best of three. */
function speed(work: () => void): number {
  let best = 0;
  for (let round = 0; round < 3; round++) {
    const before = process.cpuUsage();
    for (let index = 0; index < requests; index++) work();
    const { user, system } = process.cpuUsage(before);
    best = Math.max(best, (requests * perRequest * 1e6) / (user + system));
  }
  return best;
}

const known = new Map<NamedRedaction[], ReturnType<typeof redactor>>();
const show = (what: string, value: number) =>
  console.log(`${what.padEnd(76)} ${Math.round(value / 1000).toLocaleString("en")} k/s`);

const personal = objects({
  rules: [{ what: { detectors: ["EMAIL", "CARD_NUMBER", "IBAN", "IP_ADDRESS"] } }],
});
const expression = objects({ rules: [{ what: { regex: "cust-[0-9]+" } }] });
const byName = objects({
  rules: [{ where: { attributes: ["user.*"], queryParameters: ["name"] } }],
});

for (const [signal, plain, found] of [
  ["logs", encodeLogs(of(accessLog, "?page=2")), encodeLogs(of(accessLog, "?access_token=a1b2"))],
  ["spans", encodeTraces(of(span, "?page=2")), encodeTraces(of(span, "?access_token=a1b2"))],
] as const) {
  const decode = (bytes: Uint8Array) => {
    if (signal === "logs") return encodeLogs(decodeLogs(bytes).records);
    return encodeTraces(decodeTraces(bytes).records);
  };
  const redact = (by: ReturnType<typeof redactor>, bytes: Uint8Array, always = false) => {
    const concerned = by.concerns(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1"),
    );
    if (!concerned && !always) return;
    if (signal === "logs") {
      const { records } = decodeLogs(bytes);
      if (concerned) by.logs(records, undefined, tally);
      encodeLogs(records);
    } else {
      const { records } = decodeTraces(bytes);
      if (concerned) by.traces(records, undefined, tally);
      encodeTraces(records);
    }
  };
  console.log(`\n${signal}, requests of ${plain.length} bytes`);
  show(
    "before, of a sender in the clear: its outline alone",
    speed(() => isWholeRequest(plain)),
  );
  show(
    "before, of a proven pod: read, and written again",
    speed(() => decode(plain)),
  );
  const secrets = redactor([]);
  show(
    "of a sender in the clear, nothing to take out: the byte search alone",
    speed(() => redact(secrets, plain)),
  );
  show(
    "of a proven pod, nothing to take out",
    speed(() => redact(secrets, plain, true)),
  );
  show(
    "a secret in each",
    speed(() => redact(secrets, found)),
  );
  const named = redactor(byName);
  show(
    "names, of which the search finds pieces, none there",
    speed(() => redact(named, plain)),
  );
  show(
    "all detectors of personal data",
    speed(() => redact(redactorOf(personal), plain)),
  );
  show(
    "an expression",
    speed(() => redact(redactorOf(expression), plain)),
  );
}

function redactorOf(all: NamedRedaction[]): ReturnType<typeof redactor> {
  let made = known.get(all);
  if (!made) known.set(all, (made = redactor(all)));
  return made;
}
