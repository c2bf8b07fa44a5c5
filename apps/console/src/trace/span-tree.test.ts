import type { Span } from "@heddle/client";
import { describe, expect, test } from "vitest";
import { failed, spanTree, visibleSpans } from "./span-tree.ts";

function span(
  spanId: string,
  parentSpanId: string | null,
  offsetNs: number,
  durationNs: number,
): Span {
  return {
    traceId: "t",
    spanId,
    parentSpanId,
    service: spanId,
    operation: spanId,
    kind: "server",
    start: "",
    offsetNs,
    durationNs,
    status: "unset",
    attributes: {},
    resource: {},
    events: [],
  };
}

const own = (spans: Span[]) =>
  Object.fromEntries(
    visibleSpans(spanTree(spans), new Set()).map(({ span, selfNs }) => [span.spanId, selfNs]),
  );

describe("span tree", () => {
  test("orders children by start and knows their depth", () => {
    const rows = visibleSpans(
      spanTree([
        span("b", "a", 50, 10),
        span("a", null, 0, 100),
        span("c", "a", 10, 20),
        span("d", "c", 12, 5),
      ]),
      new Set(),
    );
    expect(rows.map((row) => `${row.depth}${row.span.spanId}`)).toEqual(["0a", "1c", "2d", "1b"]);
  });

  test("folds", () => {
    const roots = spanTree([
      span("a", null, 0, 100),
      span("c", "a", 10, 20),
      span("d", "c", 12, 5),
    ]);
    expect(visibleSpans(roots, new Set(["c"])).map((row) => row.span.spanId)).toEqual(["a", "c"]);
  });

  test("a span without its parent is a root, a cycle ends", () => {
    expect(spanTree([span("x", "gone", 0, 1)])).toHaveLength(1);
    const cycle = visibleSpans(spanTree([span("a", "b", 0, 1), span("b", "a", 0, 1)]), new Set());
    expect(cycle).toHaveLength(2);
  });

  test("the critical path's own times add up to the whole", () => {
    const times = own([span("a", null, 0, 100), span("b", "a", 10, 30), span("c", "a", 50, 40)]);
    expect(times).toEqual({ a: 10 + 10 + 10, b: 30, c: 40 });
  });

  test("of parallel children the slower one counts", () => {
    const times = own([
      span("a", null, 0, 100),
      span("fast", "a", 10, 20),
      span("slow", "a", 10, 80),
    ]);
    expect(times).toEqual({ a: 20, fast: 0, slow: 80 });
  });

  test("a child that outlives its parent counts only up to the parent's end", () => {
    expect(own([span("a", null, 0, 100), span("async", "a", 90, 500)])).toEqual({
      a: 90,
      async: 10,
    });
  });

  test("fails by status or by an HTTP status of 5xx", () => {
    expect(failed({ status: "error", attributes: {} })).toBe(true);
    expect(failed({ status: "unset", attributes: { "http.response.status_code": "503" } })).toBe(
      true,
    );
    expect(failed({ status: "unset", attributes: { "http.status_code": 404 } })).toBe(false);
  });
});
