/** Drops rows that are older than their kind is kept. */

import type { DuckDBConnection } from "@duckdb/node-api";
import type { Checkpoint } from "./checkpoint.ts";
import { timedTables } from "./schema.ts";

/** Milliseconds. */
export interface Retention {
  requests: number;
  metrics: number;
  spans: number;
  logs: number;
}

/** How long a sender's place is remembered after its last batch; a sender that is silent for longer starts a new stream. */
const streamMs = 30 * 86_400_000;

/** Resolves with the number of rows dropped; `now` is milliseconds since 1970. */
export async function expireRows(
  connection: DuckDBConnection,
  retention: Retention,
  now: number,
  checkpoint: Checkpoint,
): Promise<number> {
  let dropped = 0;
  for (const { table, column, perMs, keep } of timedTables) {
    const before = BigInt(Math.round(now - retention[keep])) * perMs;
    const result = await connection.run(`DELETE FROM ${table} WHERE ${column} < $before`, {
      before,
    });
    dropped += result.rowsChanged;
  }
  await connection.run("DELETE FROM streams WHERE seen < $before", {
    before: BigInt(Math.round(now - streamMs)),
  });
  if (dropped > 0) await checkpoint(connection, true);
  return dropped;
}
