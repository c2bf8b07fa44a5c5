/** Opens the store's file, one process at a time, and makes its tables. */

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { StoreError } from "../store-error.ts";
import { schema, schemaVersion } from "./schema.ts";

export interface OpenOptions {
  /** The file, made where it is missing. */
  path: string;
  /** As DuckDB writes sizes, `512MB`; it spills to disk beyond. */
  memoryLimit?: string;
  threads?: number;
}

export interface OpenFile {
  instance: DuckDBInstance;
  /** For writes alone, so that a query never stands inside a write's transaction. */
  writer: DuckDBConnection;
}

/** Throws StoreError HDL5101 where another process holds the file, HDL5102 where another version made it. */
export async function openFile(options: OpenOptions): Promise<OpenFile> {
  await mkdir(dirname(options.path), { recursive: true });
  const instance = await connect(options);
  try {
    const writer = await instance.connect();
    await writer.run(schema);
    const reader = await writer.runAndReadAll("SELECT max(version) FROM meta");
    const version = reader.getRowsJS()[0]?.[0];
    if (version === null || version === undefined)
      await writer.run(`INSERT INTO meta VALUES (${schemaVersion})`);
    else if (version !== schemaVersion) {
      throw new StoreError(
        "HDL5102",
        `${options.path} has tables of version ${String(version)}, this program of ${schemaVersion}. Move the file away to start an empty one, or run the program that made it.`,
      );
    }
    return { instance, writer };
  } catch (error) {
    instance.closeSync();
    throw error;
  }
}

/** DuckDB makes no checkpoint by itself: `checkpoint.ts` says when. */
const checkpointAt = "1TB";

async function connect({
  path,
  memoryLimit = "1GB",
  threads = 2,
}: OpenOptions): Promise<DuckDBInstance> {
  try {
    return await DuckDBInstance.create(path, {
      memory_limit: memoryLimit,
      threads: String(threads),
      preserve_insertion_order: "false",
      checkpoint_threshold: checkpointAt,
    });
  } catch (error) {
    if (error instanceof Error && /lock/i.test(error.message)) {
      throw new StoreError(
        "HDL5101",
        `${path} is in use by another process. Stop it, or give this one another data directory.`,
        { cause: error },
      );
    }
    throw error;
  }
}
