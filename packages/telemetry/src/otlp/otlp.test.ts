import { readFileSync } from "node:fs";
import {
  create,
  createFileRegistry,
  fromBinary,
  toBinary,
  toJsonString,
  type DescMessage,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CodecError,
  decodeLogs,
  decodeLogsJson,
  decodeMetrics,
  decodeMetricsJson,
  decodeTraces,
  decodeTracesJson,
  encodeExportAnswer,
  encodeLogs,
  encodeLogsJson,
  encodeMetrics,
  encodeMetricsJson,
  encodeTraces,
  encodeTracesJson,
  isWholeRequest,
  type LogRecord,
  type MetricPoint,
  type SpanRecord,
} from "../index.ts";

const descriptors = readFileSync(
  new URL("../../../envoy/descriptors/envoy-1.40.0.binpb", import.meta.url),
);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));

/** The official message of this name, read by protobuf-es: what every hand-written codec here is checked against. */
function official(name: string): DescMessage {
  const message = registry.getMessage(`opentelemetry.proto.collector.${name}`);
  if (!message) throw new Error(`no ${name} among the descriptors`);
  return message;
}

const traces = official("trace.v1.ExportTraceServiceRequest");
const logs = official("logs.v1.ExportLogsServiceRequest");
const metrics = official("metrics.v1.ExportMetricsServiceRequest");

const text = fc.string({ unit: "grapheme", maxLength: 60 });
const value = fc.oneof(
  text,
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noInteger: true }),
);
const attributes = fc.dictionary(text, value, { maxKeys: 5 });
const digits = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .filter((all) => all.some((byte) => byte > 0))
    .map((all) => Buffer.from(all).toString("hex"));
const time = fc.bigInt({ min: 1n, max: 2n ** 62n });
const offset = fc.integer({ min: 0, max: 1e15 });

const span: fc.Arbitrary<SpanRecord> = fc.record({
  traceId: digits(16),
  spanId: digits(8),
  parentSpanId: fc.oneof(fc.constant(""), digits(8)),
  service: fc.constant("shop"),
  operation: text,
  kind: fc.constantFrom("internal", "server", "client", "producer", "consumer"),
  startNs: time,
  durationNs: offset,
  status: fc.constantFrom("unset", "ok", "error"),
  statusMessage: text,
  attributes,
  resource: fc.constant({ "service.name": "shop" }),
  events: fc.array(fc.record({ name: text, offsetNs: offset, attributes }), { maxLength: 2 }),
  links: fc.array(fc.record({ traceId: digits(16), spanId: digits(8), attributes }), {
    maxLength: 2,
  }),
});
const spans = fc.array(span, { maxLength: 4 });

const log: fc.Arbitrary<LogRecord> = fc.record({
  timeNs: time,
  severity: fc.constantFrom("INFO", "WARN", "ERROR"),
  body: text,
  traceId: fc.oneof(fc.constant(""), digits(16)),
  spanId: fc.oneof(fc.constant(""), digits(8)),
  attributes,
  resource: fc.constant({ pod: "a" }),
});

const count = fc.integer({ min: 0, max: 2 ** 40 });
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const temporality = fc.constantFrom("delta" as const, "cumulative" as const);
const buckets = fc.record({
  offset: fc.integer({ min: -500, max: 500 }),
  counts: fc.array(count, { minLength: 1, maxLength: 5 }),
});
const metricValue: fc.Arbitrary<MetricPoint["value"]> = fc.oneof(
  fc.record({ type: fc.constant("gauge" as const), value: finite }),
  fc.record({
    type: fc.constant("sum" as const),
    value: finite,
    monotonic: fc.boolean(),
    temporality,
  }),
  fc.record({
    type: fc.constant("histogram" as const),
    temporality,
    histogram: fc.record({
      bounds: fc.array(finite, { maxLength: 5 }),
      counts: fc.array(count, { maxLength: 6 }),
      count,
      sum: finite,
    }),
  }),
  fc.record({
    type: fc.constant("exponential" as const),
    temporality,
    histogram: fc.record({
      scale: fc.integer({ min: -10, max: 20 }),
      zeroCount: count,
      positive: buckets,
      negative: buckets,
      count,
      sum: finite,
    }),
  }),
  fc.record({
    type: fc.constant("summary" as const),
    count,
    sum: finite,
    quantiles: fc.array(
      fc.record({ quantile: fc.double({ min: 0, max: 1, noNaN: true }), value: finite }),
      { maxLength: 3 },
    ),
  }),
);
const metric: fc.Arbitrary<MetricPoint> = fc.record({
  name: fc.constantFrom("requests"),
  unit: fc.constantFrom("ms"),
  startNs: time,
  timeNs: time,
  attributes,
  resource: fc.constant({ pod: "a" }),
  value: metricValue,
});

/** Zeros differ in sign only where a format can't tell them apart; attributes' order is kept. */
const plain = (value: unknown) =>
  JSON.parse(
    JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part)),
  );

describe("OTLP traces", () => {
  test("come back from protobuf and JSON as they were", () => {
    fc.assert(
      fc.property(spans, (all) => {
        expect(plain(decodeTraces(encodeTraces(all)).records)).toEqual(plain(all));
        expect(plain(decodeTracesJson(encodeTracesJson(all)).records)).toEqual(plain(all));
      }),
    );
  });

  test("written here are the official message, and the official message is read here", () => {
    fc.assert(
      fc.property(spans, (all) => {
        const message = fromBinary(traces, encodeTraces(all));
        expect(plain(decodeTraces(toBinary(traces, message)).records)).toEqual(plain(all));
      }),
    );
  });

  test("with an invalid id are rejected alone", () => {
    const good = fc.sample(span, 1)[0]!;
    const decoded = decodeTraces(encodeTraces([good, { ...good, traceId: "00".repeat(16) }]));
    expect(decoded.records).toHaveLength(1);
    expect(decoded).toMatchObject({
      rejected: 1,
      reason: expect.stringContaining("no valid trace and span id"),
    });
  });

  test("malformed inside one resource leave the other resources whole", () => {
    const good = encodeTraces(fc.sample(span, 1));
    const broken = Uint8Array.of(10, 4, 18, 9, 1, 1);
    const decoded = decodeTraces(Buffer.concat([good, broken, good]));
    expect(decoded.records).toHaveLength(2);
    expect(decoded.rejected).toBe(1);
  });
});

describe("OTLP logs", () => {
  test("come back from protobuf and JSON as they were, and are the official message", () => {
    fc.assert(
      fc.property(fc.array(log, { maxLength: 4 }), (all) => {
        expect(plain(decodeLogs(encodeLogs(all)).records)).toEqual(plain(all));
        expect(
          plain(decodeLogs(toBinary(logs, fromBinary(logs, encodeLogs(all)))).records),
        ).toEqual(plain(all));
        expect(plain(decodeLogsJson(encodeLogsJson(all)).records)).toEqual(plain(all));
      }),
    );
  });

  test("without a time have the time when they were observed", () => {
    expect(
      decodeLogsJson(
        '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"observedTimeUnixNano":"7"}]}]}]}',
      ).records[0]!.timeNs,
    ).toBe(7n);
  });
});

describe("OTLP metrics", () => {
  const order = (points: MetricPoint[]) =>
    plain(
      points.toSorted((a, b) => JSON.stringify(plain(a)).localeCompare(JSON.stringify(plain(b)))),
    );

  test("come back from protobuf and JSON as they were, and are the official message", () => {
    fc.assert(
      fc.property(fc.array(metric, { maxLength: 4 }), (all) => {
        expect(order(decodeMetrics(encodeMetrics(all)).records)).toEqual(order(all));
        expect(
          order(decodeMetrics(toBinary(metrics, fromBinary(metrics, encodeMetrics(all)))).records),
        ).toEqual(order(all));
        expect(order(decodeMetricsJson(encodeMetricsJson(all)).records)).toEqual(order(all));
      }),
    );
  });

  test("written one number at a time instead of packed are read too", () => {
    const point = Uint8Array.of(0x31, 3, 0, 0, 0, 0, 0, 0, 0, 0x31, 4, 0, 0, 0, 0, 0, 0, 0);
    const wrap = (tag: number, inner: Uint8Array) => Uint8Array.of(tag, inner.length, ...inner);
    const bytes = [10, 18, 18, 74, 10].reduceRight((inner, tag) => wrap(tag, inner), point);
    expect(decodeMetrics(bytes).records[0]!.value).toMatchObject({ histogram: { counts: [3, 4] } });
  });
});

test("nested attribute values become their JSON, and integers beyond 2^53 stay exact", () => {
  const nested = {
    kvlistValue: {
      values: [
        { key: "a", value: { arrayValue: { values: [{ intValue: "1" }, { stringValue: "x" }] } } },
      ],
    },
  };
  const message = {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                traceId: "aa".repeat(16),
                spanId: "bb".repeat(8),
                attributes: [
                  { key: "n", value: nested },
                  { key: "big", value: { intValue: "9007199254740993" } },
                ],
              },
            ],
          },
        ],
      },
    ],
  };
  const [viaJson] = decodeTracesJson(JSON.stringify(message)).records;
  expect(viaJson!.attributes).toEqual({ n: '{"a":[1,"x"]}', big: "9007199254740993" });
});

test("joined requests are one request with the resources of all", () => {
  fc.assert(
    fc.property(spans, spans, (a, b) => {
      const joined = Buffer.concat([encodeTraces(a), encodeTraces(b)]);
      expect(isWholeRequest(joined)).toBe(true);
      expect(plain(decodeTraces(joined).records)).toEqual(plain([...a, ...b]));
    }),
  );
});

test("any bytes are decoded or refused with a codec error, never otherwise", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const decode of [decodeTraces, decodeLogs, decodeMetrics]) {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }
    }),
    { numRuns: 2000 },
  );
});

test("any cut of a valid request is refused or read in part, never misread as more", () => {
  const whole = encodeTraces(fc.sample(span, { numRuns: 5, seed: 7 }));
  const total = decodeTraces(whole).records.length;
  for (let length = 1; length < whole.length; length++) {
    try {
      expect(decodeTraces(whole.subarray(0, length)).records.length).toBeLessThanOrEqual(total);
    } catch (error) {
      expect(error).toBeInstanceOf(CodecError);
    }
  }
});

test("deep nesting is refused, not followed", () => {
  let nested: unknown = { stringValue: "x" };
  for (let depth = 0; depth < 100; depth++) nested = { arrayValue: { values: [nested] } };
  const body = JSON.stringify({
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: nested }] }] }],
  });
  expect(() => decodeLogsJson(body)).toThrow(expect.objectContaining({ code: "HDL5004" }));
});

test("wrong JSON names the place", () => {
  expect(() => decodeTracesJson("{")).toThrow(expect.objectContaining({ code: "HDL5002" }));
  expect(() => decodeTracesJson('{"resourceSpans":[{"scopeSpans":7}]}')).toThrow(
    expect.objectContaining({ where: "$.resourceSpans[0].scopeSpans" }),
  );
});

test("a partial success is the official answer", () => {
  const answer = official("trace.v1.ExportTraceServiceResponse");
  expect(toJsonString(answer, fromBinary(answer, encodeExportAnswer(3, "why")))).toBe(
    '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"why"}}',
  );
  expect(toBinary(answer, create(answer))).toEqual(new Uint8Array(encodeExportAnswer(0, "")));
});
