import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createOwnCounters, type OwnCounters } from "./own-counters.ts";
import { openSpool, type Spool } from "./spool.ts";

let dir: string;
let counters: OwnCounters;
const kilobyte = new Uint8Array(1000);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "heddle-spool-"));
  counters = createOwnCounters();
});

afterEach(() => rm(dir, { recursive: true }));

function open(epoch: string, maximumBytes = 1e6): Promise<Spool> {
  return openSpool({ dir, maximumBytes, epoch, counters, log: () => undefined });
}

test("batches come in order, each with a number of its stream that never comes again", async () => {
  const first = await open("aaa");
  await first.put("logs", kilobyte);
  await first.put("logs", kilobyte);
  await first.put("traces", kilobyte);
  const second = await open("bbb");
  await second.put("logs", Uint8Array.of(7));
  const seen: string[] = [];
  for (let batch = second.next("logs"); batch; batch = second.next("logs")) {
    seen.push(`${batch.stream}/${batch.number}`);
    await second.done(batch);
  }
  expect(seen).toEqual(["aaa.logs/1", "aaa.logs/2", "bbb.logs/1"]);
  expect(second.status()).toEqual({ batches: 1, bytes: 1000 });
});

test("a full spool gives up the oldest logs first, metrics last, and counts them", async () => {
  const spool = await open("aaa", 3500);
  await spool.put("metrics", kilobyte);
  await spool.put("logs", kilobyte);
  await spool.put("traces", kilobyte);
  await spool.put("metrics", kilobyte);
  expect(spool.next("logs")).toBeUndefined();
  await spool.put("metrics", kilobyte);
  expect(spool.next("traces")).toBeUndefined();
  expect(spool.status()).toEqual({ batches: 3, bytes: 3000 });
  expect(
    counters.value("heddle_telemetry_dropped_batches_total", { signal: "logs", reason: "full" }),
  ).toBe(1);
  expect(counters.value("heddle_telemetry_dropped_bytes_total")).toBe(2000);
});

test("a batch under way is not given up", async () => {
  const spool = await open("aaa", 2500);
  await spool.put("logs", kilobyte);
  const held = spool.next("logs")!;
  await spool.put("logs", kilobyte);
  await spool.put("logs", kilobyte);
  expect(await spool.read(held)).toHaveLength(1000);
});

test("a disk that can't be written costs the batch, which is counted, and nothing else", async () => {
  const spool = await open("aaa");
  await rm(dir, { recursive: true });
  expect(await spool.put("logs", kilobyte)).toBe(false);
  expect(
    counters.value("heddle_telemetry_dropped_batches_total", { signal: "logs", reason: "disk" }),
  ).toBe(1);
  await open("bbb");
  expect(await spool.put("logs", kilobyte)).toBe(true);
});

test("a half-written file of a killed agent is thrown away", async () => {
  await writeFile(join(dir, "logs_aaa_000000001.otlp.gz.part"), "half");
  const spool = await open("bbb");
  expect(spool.status().batches).toBe(0);
  expect(await readdir(dir)).toEqual([]);
});
