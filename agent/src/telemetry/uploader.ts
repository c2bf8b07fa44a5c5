/** Sends what is spooled to the plane, in order, again and again until it is stored or refused for good. */

import type { OtlpSignal } from "@heddle/telemetry";
import type { OwnCounters } from "./own-counters.ts";
import type { Spool, SpooledBatch } from "./spool.ts";
import type { Log } from "./telemetry-options.ts";

const firstWaitMs = 250;
const longestWaitMs = 30_000;
/** A plane that takes longer for one batch is taken for gone. */
const timeoutMs = 20_000;

export interface Uploader {
  /** Ends; what is under way is given a moment. */
  close(): Promise<void>;
}

export interface UploaderOptions {
  plane: string;
  token: string;
  mesh?: string | undefined;
  spool: Spool;
  counters: OwnCounters;
  log: Log;
}

/** One batch of each signal is under way at a time: the plane tells batches that it has by their order. */
export function startUploader(options: UploaderOptions): Uploader {
  const { spool, counters, log } = options;
  const stop = new AbortController();
  let complained = false;
  const loops = (["metrics", "traces", "logs"] as const).map((signal) => run(signal));

  return {
    async close() {
      stop.abort();
      await Promise.all(loops);
    },
  };

  async function run(signal: OtlpSignal): Promise<void> {
    let wait = firstWaitMs;
    while (!stop.signal.aborted) {
      await spool.waiting(signal, stop.signal);
      const batch = spool.next(signal);
      if (!batch) continue;
      const outcome = await deliver(batch);
      if (outcome === "stored" || outcome === "refused") {
        count(batch, outcome);
        await spool.done(batch);
        wait = firstWaitMs;
        continue;
      }
      if (stop.signal.aborted) return;
      counters.add("heddle_telemetry_failed_sends_total", { signal });
      await pause(outcome.afterMs ?? wait * (0.5 + Math.random()));
      wait = Math.min(wait * 2, longestWaitMs);
    }
  }

  function count(batch: SpooledBatch, outcome: "stored" | "refused"): void {
    const { signal, bytes } = batch;
    if (outcome === "stored") {
      complained = false;
      counters.add("heddle_telemetry_sent_batches_total", { signal });
      counters.add("heddle_telemetry_sent_bytes_total", { signal }, bytes);
    } else {
      counters.add("heddle_telemetry_dropped_batches_total", { signal, reason: "refused" });
      counters.add("heddle_telemetry_dropped_bytes_total", { signal, reason: "refused" }, bytes);
    }
  }

  async function deliver(
    batch: SpooledBatch,
  ): Promise<"stored" | "refused" | { afterMs?: number }> {
    let body: Uint8Array;
    try {
      body = await spool.read(batch);
    } catch (error) {
      log("error", "a spooled batch can't be read and is lost", {
        file: batch.file,
        error: String(error),
      });
      return "refused";
    }
    try {
      const response = await fetch(`${options.plane}/v1/otlp/v1/${batch.signal}`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${options.token}`,
          "content-type": "application/x-protobuf",
          "content-encoding": "gzip",
          "x-heddle-batch": `${batch.stream}/${batch.number}`,
          ...(options.mesh ? { "x-heddle-mesh": options.mesh } : {}),
        },
        body: new Uint8Array(body),
        signal: AbortSignal.any([stop.signal, AbortSignal.timeout(timeoutMs)]),
      });
      const text = await response.text();
      if (response.ok) return "stored";
      if (permanent.has(response.status)) {
        log("error", "the plane refused telemetry for good", {
          batch: batch.file,
          status: response.status,
          answer: text.slice(0, 500),
        });
        return "refused";
      }
      complain(`the plane answered ${response.status}`, text);
      const after = Number(response.headers.get("retry-after"));
      return after > 0 ? { afterMs: Math.min(after * 1000, longestWaitMs) } : {};
    } catch (error) {
      if (!stop.signal.aborted)
        complain("the plane can't be reached", String((error as Error).cause ?? error));
      return {};
    }
  }

  /** Once until it works again: a plane that is away is not news each second. */
  function complain(what: string, why: string): void {
    if (complained) return;
    complained = true;
    log("warn", `telemetry waits on disk: ${what}`, { why: why.slice(0, 500) });
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      stop.signal.addEventListener("abort", done, { once: true });
      function done(): void {
        clearTimeout(timer);
        stop.signal.removeEventListener("abort", done);
        resolve();
      }
    });
  }
}

/** What no repetition can change. Others, a rejected token too, are tried again. */
const permanent = new Set([400, 413, 415, 422]);
