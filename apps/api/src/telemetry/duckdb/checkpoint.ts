/** When the write-ahead log goes into the store's file: where it has grown and the disk has room, since DuckDB gives a database up in the middle of a checkpoint that finds none. */

import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";

/** Bytes of the log; DuckDB's own 16 MB would write twice as much, for a second less at opening. */
const usualLog = 128 * 1024 * 1024;
/** Free room for a checkpoint, as a multiple of the log: it writes what the log holds, packed, and blocks that were half full anew. */
const roomPerLog = 2;

/**
 * Makes a checkpoint where the log is long, with `now` whatever its length, and in any case only where there is room. One that
 * fails is tried again after the next write; where DuckDB gave the database up, the next call finds out.
 */
export type Checkpoint = (connection: DuckDBConnection, now?: boolean) => Promise<void>;

/** `path` is the store's file. */
export function createCheckpoint(path: string, logBytes: number = usualLog): Checkpoint {
  return async (connection, now = false) => {
    const log = await stat(`${path}.wal`).then(
      ({ size }) => size,
      () => 0,
    );
    if (!now && log < logBytes) return;
    const { bavail, bsize } = await statfs(dirname(path));
    if (bavail * bsize < log * roomPerLog) return;
    await connection.run("CHECKPOINT").catch(() => undefined);
  };
}
