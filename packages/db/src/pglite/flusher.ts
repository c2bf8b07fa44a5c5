/**
 * Makes PGlite's commits survive a power failure. PGlite writes its log but never asks the disk to keep it, and nothing
 * but a clean shutdown makes a checkpoint. So after a commit that wrote, the log's newest segments are synced; and when
 * the log has grown, a checkpoint is made and every file synced. Only a power failure within that checkpoint's own sync
 * (some 50 ms, once in 64 MB of log) could still find a table's pages older than the log's start.
 */
import { closeSync, fdatasyncSync, fsyncSync, openSync, readdirSync, statSync } from "node:fs";
import path from "node:path";

export interface Flusher {
  /** Tells that a statement is about to write. */
  wrote(): void;
  /** Returns when what was committed is on the disk. */
  commit(): Promise<void>;
  close(): void;
}

/** Log segments, of 16 MB each, between checkpoints. */
const SEGMENTS_PER_CHECKPOINT = 4;

export function createFlusher(directory: string, checkpoint: () => Promise<void>): Flusher {
  const wal = path.join(directory, "pg_wal");
  const segments = () =>
    readdirSync(wal)
      .filter((name) => /^[0-9A-F]{24}$/.test(name))
      .sort();
  const open = new Map<string, number>();
  let wrote = false;
  let synced = Date.now();
  const syncAll = () => {
    const started = Date.now();
    syncTree(directory, synced);
    synced = started;
  };
  let base = segments().length;

  const forget = (keep: readonly string[]) => {
    for (const [name, file] of open) {
      if (keep.includes(name)) continue;
      closeSync(file);
      open.delete(name);
    }
  };
  return {
    wrote() {
      wrote = true;
    },
    async commit() {
      if (!wrote) return;
      wrote = false;
      const all = segments();
      const newest = all.slice(-2);
      for (const name of newest) {
        let file = open.get(name);
        if (file === undefined) open.set(name, (file = openSync(path.join(wal, name), "r+")));
        fdatasyncSync(file);
      }
      forget(newest);
      if (all.length < base + SEGMENTS_PER_CHECKPOINT) return;
      await checkpoint();
      syncAll();
      base = segments().length;
    },
    close: () => {
      forget([]);
      syncAll();
    },
  };
}

/** File systems keep times in steps of up to this, milliseconds. */
const CLOCK_GRAIN = 2_000;

/** Whether a statement leaves the files as they are. */
export function isRead(text: string): boolean {
  return READS.test(text);
}

const READS =
  /^\s*(select\b(?!.*\bfor (no key )?update\b)|begin; set local|commit|rollback|set\b)/is;

/** Syncs the files that were written since `since`, milliseconds since 1970. */
function syncTree(directory: string, since: number): void {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const name = path.join(entry.parentPath, entry.name);
    const stat = statSync(name, { throwIfNoEntry: false });
    if (!stat || stat.mtimeMs < since - CLOCK_GRAIN) continue;
    const file = openSync(name, "r");
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}
