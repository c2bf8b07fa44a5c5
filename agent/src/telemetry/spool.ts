/** Batches on disk on their way to the plane: bounded, in order, each with a number under which it is stored once. */

import { mkdir, open, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { OtlpSignal } from "@heddle/telemetry";
import type { OwnCounters } from "./own-counters.ts";
import type { Log } from "./telemetry-options.ts";

export interface SpooledBatch {
  readonly signal: OtlpSignal;
  /** The sequence that the batch belongs to: one for each signal and start of the agent, so that no number comes twice. */
  readonly stream: string;
  readonly number: number;
  readonly bytes: number;
  readonly file: string;
}

export interface Spool {
  /** Keeps a compressed batch; false where it was lost, which is counted. */
  put(signal: OtlpSignal, content: Uint8Array): Promise<boolean>;
  /** The oldest batch of a signal, which `full` then leaves alone until it is done. */
  next(signal: OtlpSignal): SpooledBatch | undefined;
  read(batch: SpooledBatch): Promise<Uint8Array>;
  /** Forgets a batch that was delivered or lost. */
  done(batch: SpooledBatch): Promise<void>;
  /** Resolves when a batch of the signal waits, at once if one does. */
  waiting(signal: OtlpSignal, abort: AbortSignal): Promise<void>;
  status(): { batches: number; bytes: number };
}

/** In the order in which they are given up: metrics are small and tell most. */
const byWorth: readonly OtlpSignal[] = ["logs", "traces", "metrics"];
const filePattern = /^(logs|traces|metrics)_([0-9a-z]+)_(\d{9})\.otlp\.gz$/;

/** Takes over what an earlier run of the agent left. `epoch` names this run, later runs sort behind it. */
export async function openSpool(options: {
  dir: string;
  maximumBytes: number;
  epoch: string;
  counters: OwnCounters;
  log: Log;
}): Promise<Spool> {
  const { dir, maximumBytes, counters, log } = options;
  await mkdir(dir, { recursive: true });
  const queues: Record<OtlpSignal, SpooledBatch[]> = { logs: [], traces: [], metrics: [] };
  const numbers: Record<OtlpSignal, number> = { logs: 0, traces: 0, metrics: 0 };
  const held = new Set<SpooledBatch>();
  const wakers: Record<OtlpSignal, Set<() => void>> = {
    logs: new Set(),
    traces: new Set(),
    metrics: new Set(),
  };
  let bytes = 0;
  let diskFailed = false;
  await takeOver();

  return {
    async put(signal, content) {
      await makeRoom(content.byteLength);
      const number = ++numbers[signal];
      const name = `${signal}_${options.epoch}_${String(number).padStart(9, "0")}.otlp.gz`;
      const batch: SpooledBatch = {
        signal,
        stream: `${options.epoch}.${signal}`,
        number,
        bytes: content.byteLength,
        file: join(dir, name),
      };
      try {
        await write(batch.file, content);
      } catch (error) {
        lost(batch, "disk");
        if (!diskFailed)
          log("error", "telemetry can't be written to the spool and is lost until that changes", {
            dir,
            error: String(error),
          });
        diskFailed = true;
        return false;
      }
      diskFailed = false;
      bytes += batch.bytes;
      queues[signal].push(batch);
      for (const wake of wakers[signal]) wake();
      return true;
    },
    next(signal) {
      const batch = queues[signal][0];
      if (batch) held.add(batch);
      return batch;
    },
    read: (batch) => readFile(batch.file),
    async done(batch) {
      held.delete(batch);
      await remove(batch);
    },
    waiting(signal, abort) {
      if (queues[signal].length > 0 || abort.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = () => {
          wakers[signal].delete(wake);
          abort.removeEventListener("abort", wake);
          resolve();
        };
        wakers[signal].add(wake);
        abort.addEventListener("abort", wake);
      });
    },
    status: () => ({
      batches: queues.logs.length + queues.traces.length + queues.metrics.length,
      bytes,
    }),
  };

  async function takeOver(): Promise<void> {
    for (const name of (await readdir(dir)).sort()) {
      const match = filePattern.exec(name);
      const file = join(dir, name);
      if (!match) {
        if (name.endsWith(".part")) await unlink(file).catch(() => undefined);
        continue;
      }
      const [, signal, epoch, number] = match as unknown as [string, OtlpSignal, string, string];
      const { size } = await stat(file);
      queues[signal].push({
        signal,
        stream: `${epoch}.${signal}`,
        number: Number(number),
        bytes: size,
        file,
      });
      bytes += size;
    }
  }

  async function makeRoom(needed: number): Promise<void> {
    while (bytes + needed > maximumBytes) {
      const victim = byWorth
        .map((signal) => queues[signal].find((batch) => !held.has(batch)))
        .find((batch) => batch !== undefined);
      if (!victim) return;
      lost(victim, "full");
      await remove(victim);
    }
  }

  function lost(batch: SpooledBatch, reason: string): void {
    counters.add("heddle_telemetry_dropped_batches_total", { signal: batch.signal, reason });
    counters.add(
      "heddle_telemetry_dropped_bytes_total",
      { signal: batch.signal, reason },
      batch.bytes,
    );
  }

  async function remove(batch: SpooledBatch): Promise<void> {
    const queue = queues[batch.signal];
    const index = queue.indexOf(batch);
    if (index < 0) return;
    queue.splice(index, 1);
    bytes -= batch.bytes;
    await unlink(batch.file).catch(() => undefined);
  }
}

/** A file is there whole or not at all. */
async function write(file: string, content: Uint8Array): Promise<void> {
  const part = `${file}.part`;
  try {
    const handle = await open(part, "w");
    try {
      await handle.writeFile(content);
    } finally {
      await handle.close();
    }
    await rename(part, file);
  } catch (error) {
    await unlink(part).catch(() => undefined);
    throw error;
  }
}
