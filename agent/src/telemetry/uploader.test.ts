import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeTraces, type SpanRecord } from "@heddle/telemetry";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createBatcher, maximumPendingBytes, type Batcher } from "./batcher.ts";
import { createOwnCounters, type OwnCounters } from "./own-counters.ts";
import { openSpool, type Spool } from "./spool.ts";
import { startCollector, until, type Collector } from "./testing/collector.ts";
import { startUploader, type Uploader } from "./uploader.ts";

let dir: string;
let counters: OwnCounters;
let spool: Spool;
let batcher: Batcher;
let collector: Collector;
let uploader: Uploader;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "heddle-uploads-"));
  counters = createOwnCounters();
  spool = await openSpool({ dir, maximumBytes: 1e8, epoch: "aaa", counters, log: () => undefined });
  batcher = createBatcher(spool, 20);
  collector = await startCollector();
  uploader = start(collector.url);
});

afterEach(async () => {
  await batcher.flush();
  await uploader.close();
  await collector.close();
  await rm(dir, { recursive: true });
});

function start(plane: string): Uploader {
  return startUploader({ plane, token: "t", spool, counters, log: () => undefined });
}

function span(number: number): Uint8Array {
  const one: SpanRecord = {
    traceId: "a".repeat(32),
    spanId: number.toString(16).padStart(16, "0"),
    parentSpanId: "",
    service: "s",
    operation: "o",
    kind: "server",
    startNs: 1n,
    durationNs: 1,
    status: "unset",
    statusMessage: "",
    attributes: {},
    resource: { "service.name": "s" },
    events: [],
    links: [],
  };
  return encodeTraces([one]).slice();
}

test("what is gathered is one batch, in order", async () => {
  for (let number = 1; number <= 100; number++) batcher.add("traces", span(number));
  await until("all spans", () => collector.spans.length === 100);
  expect(collector.spans.map(({ spanId }) => Number.parseInt(spanId, 16))).toEqual(
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
  expect(collector.requests).toHaveLength(1);
  await until("an empty spool", () => spool.status().batches === 0);
});

test("a batch whose answer was lost is sent under the same number and stored once", async () => {
  collector.answer = "store and hang up";
  batcher.add("traces", span(1));
  await until("a second attempt", () => collector.requests.length >= 2);
  collector.answer = 200;
  await until("an empty spool", () => spool.status().batches === 0);
  expect(new Set(collector.requests.map(({ batch }) => batch)).size).toBe(1);
  expect(collector.spans).toHaveLength(1);
});

test("a busy or failing plane gets the batch again; one that refuses it for good does not, which is counted", async () => {
  collector.answer = 503;
  batcher.add("traces", span(1));
  await until("two attempts", () => collector.requests.length >= 2);
  expect(spool.status().batches).toBe(1);
  collector.answer = 400;
  await until("an empty spool", () => spool.status().batches === 0);
  expect(
    counters.value("heddle_telemetry_dropped_batches_total", {
      signal: "traces",
      reason: "refused",
    }),
  ).toBe(1);
  collector.answer = 200;
  batcher.add("traces", span(2));
  await until("the next batch", () => collector.spans.length === 1);
});

test("with the plane away batches wait on disk, also over a restart, and arrive in order when it is back", async () => {
  const { port } = collector;
  await collector.close();
  for (let number = 1; number <= 3; number++) {
    batcher.add("traces", span(number));
    await batcher.flush();
  }
  await uploader.close();
  spool = await openSpool({ dir, maximumBytes: 1e8, epoch: "bbb", counters, log: () => undefined });
  expect(spool.status().batches).toBe(3);
  collector = await startCollector(port);
  uploader = start(collector.url);
  await until("all spans", () => collector.spans.length === 3);
  expect(collector.requests.map(({ batch }) => batch)).toEqual([
    "aaa.traces/1",
    "aaa.traces/2",
    "aaa.traces/3",
  ]);
});

test("a sender that is faster than the disk is told to wait, instead of filling the memory", async () => {
  collector.answer = 503;
  const large = new Uint8Array(maximumPendingBytes / 4);
  expect([1, 2, 3, 4, 5].map(() => batcher.add("logs", large))).toEqual([
    true,
    true,
    true,
    true,
    false,
  ]);
  await batcher.flush();
  expect(batcher.add("logs", large)).toBe(true);
});
