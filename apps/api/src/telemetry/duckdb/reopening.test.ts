import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, test } from "vitest";
import { mountSmallDisk, noSmallDisk } from "../../../../../test/harness/small-disk.ts";
import type { TelemetryStore } from "../telemetry-store.ts";
import { reopening } from "./reopening.ts";

/** A store of DuckDB's own habits, of which `expire` inserts and, after `committed`, makes a checkpoint, and `status` counts. */
async function openPlain(path: string, committed: () => void): Promise<TelemetryStore> {
  const instance = await DuckDBInstance.create(path, { checkpoint_threshold: "1TB" });
  const connection = await instance.connect();
  await connection.run("CREATE TABLE IF NOT EXISTS rows (text VARCHAR)");
  return {
    async expire() {
      await connection.run(
        "INSERT INTO rows SELECT md5(random()::VARCHAR) || md5(random()::VARCHAR) FROM range(100000)",
      );
      committed();
      await connection.run("CHECKPOINT");
      return 0;
    },
    async status() {
      const reader = await connection.runAndReadAll("SELECT count(*)::DOUBLE FROM rows");
      return { logs: reader.getRowsJS()[0]?.[0] };
    },
    async close() {
      connection.closeSync();
      instance.closeSync();
    },
  } as unknown as TelemetryStore;
}

describe.skipIf(noSmallDisk !== undefined)(
  `a database that gave up${noSmallDisk ? ` (${noSmallDisk})` : ""}`,
  () => {
    test("is opened again with all that was committed, and takes writes when there is space", async () => {
      const work = await mkdtemp(join(tmpdir(), "heddle-reopening-"));
      const disk = mountSmallDisk(join(work, "disk"), 100);
      let now = 0;
      let [opened, full] = [0, true];
      const path = join(work, "disk/plain.duckdb");
      const store = await reopening(
        () => {
          opened++;
          return openPlain(path, () => full && disk.fill());
        },
        () => now,
      );
      try {
        await expect(store.expire(0)).rejects.toThrow(/FATAL Error.*No space left on device/);
        expect((await store.status()).logs).toBe(100_000);
        expect(opened).toBe(2);
        full = false;
        disk.free();
        now += 1_000;
        await store.expire(0);
        expect((await store.status()).logs).toBe(200_000);
      } finally {
        await store.close();
        disk.unmount();
        await rm(work, { recursive: true });
      }
    });
  },
);
