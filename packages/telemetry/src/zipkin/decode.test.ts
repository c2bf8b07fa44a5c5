import { expect, test } from "vitest";
import { decodeZipkin } from "../index.ts";

test("a Zipkin span is a span with its times in nanoseconds and its ids at full length", () => {
  const body = JSON.stringify([
    {
      traceId: "00000000000000ab",
      parentId: "1",
      id: "2",
      kind: "SERVER",
      name: "get /",
      timestamp: 1_700_000_000_000_001,
      duration: 1500,
      localEndpoint: { serviceName: "reviews" },
      tags: { "http.status_code": "503", error: "boom" },
      annotations: [{ timestamp: 1_700_000_000_000_101, value: "sent" }],
    },
  ]);
  expect(decodeZipkin(body).records).toEqual([
    {
      traceId: `${"0".repeat(30)}ab`,
      spanId: "0000000000000002",
      parentSpanId: "0000000000000001",
      service: "reviews",
      operation: "get /",
      kind: "server",
      startNs: 1_700_000_000_000_001_000n,
      durationNs: 1_500_000,
      status: "error",
      statusMessage: "boom",
      attributes: { "http.status_code": "503", error: "boom" },
      resource: { "service.name": "reviews" },
      events: [{ name: "sent", offsetNs: 100_000, attributes: {} }],
      links: [],
    },
  ]);
});

test("a body that is no list of spans is refused with its place", () => {
  expect(() => decodeZipkin("{}")).toThrow(
    expect.objectContaining({ code: "HDL5002", where: "$" }),
  );
  expect(() => decodeZipkin("[7]")).toThrow(expect.objectContaining({ where: "$[0]" }));
  expect(decodeZipkin('[{"traceId":"xyz"}]')).toMatchObject({ records: [], rejected: 1 });
});
