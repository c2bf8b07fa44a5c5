/** Joins OTLP requests into batches, as bytes and without decoding them, and hands them to the spool. */

import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import type { OtlpSignal } from "@heddle/telemetry";
import type { Spool } from "./spool.ts";

const compress = promisify(gzip);

/** A batch is closed when it has so many bytes; small enough for the plane to take in one go. */
const batchBytes = 512 * 1024;
/** Bytes in memory, waiting or being written; beyond them a sender is asked to wait. */
export const maximumPendingBytes = 32 * 1024 * 1024;

export interface Batcher {
  /** False where too much waits already. `content` is one or more whole export requests and is not to be changed. */
  add(signal: OtlpSignal, content: Uint8Array): boolean;
  /** Spools what waits. */
  flush(): Promise<void>;
}

interface Open {
  chunks: Uint8Array[];
  bytes: number;
  timer: NodeJS.Timeout | undefined;
}

/** `batchMs`: how long a record waits for company. */
export function createBatcher(spool: Spool, batchMs: number): Batcher {
  const open: Record<OtlpSignal, Open> = { logs: empty(), traces: empty(), metrics: empty() };
  /** Batches of a signal are written one after another, so that their numbers are in order. */
  const writing: Record<OtlpSignal, Promise<unknown>> = {
    logs: Promise.resolve(),
    traces: Promise.resolve(),
    metrics: Promise.resolve(),
  };
  let pending = 0;

  return {
    add(signal, content) {
      if (pending + content.byteLength > maximumPendingBytes) return false;
      if (content.byteLength === 0) return true;
      pending += content.byteLength;
      const current = open[signal];
      current.chunks.push(content);
      current.bytes += content.byteLength;
      if (current.bytes >= batchBytes) close(signal);
      else current.timer ??= setTimeout(() => close(signal), batchMs);
      return true;
    },
    async flush() {
      for (const signal of Object.keys(open) as OtlpSignal[]) close(signal);
      await Promise.all(Object.values(writing));
    },
  };

  function close(signal: OtlpSignal): void {
    const { chunks, bytes, timer } = open[signal];
    clearTimeout(timer);
    open[signal] = empty();
    if (bytes === 0) return;
    writing[signal] = writing[signal]
      .then(() => compress(Buffer.concat(chunks, bytes), { level: constants.Z_BEST_SPEED }))
      .then((content) => spool.put(signal, content))
      .finally(() => (pending -= bytes));
  }
}

function empty(): Open {
  return { chunks: [], bytes: 0, timer: undefined };
}
