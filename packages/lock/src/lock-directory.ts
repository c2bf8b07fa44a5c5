/**
 * Keeps two processes from using one directory. The kernel holds the lock, not the presence of a file: it goes with the process
 * that has it, also when that is killed or the machine loses power, so nothing is ever left to be judged stale, and a process
 * that has come by the old one's id holds nothing. Node offers no file lock of its own; that of the SQLite inside it is one.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Stays empty and is never removed: a lock on a file that has lost its name would keep nobody out. */
const LOCK = "heddle.lock";
/** Who has it, for people to read; says nothing where nobody has the lock. */
const NOTE = "heddle.pid";
const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;
/** SQLITE_BUSY. */
const BUSY = 5;

export interface Holder {
  readonly pid: number;
  /** RFC 3339. */
  readonly since: string;
}

/** Another process has the directory, or this one has it already. */
export class DirectoryInUse extends Error {
  /** Undefined in the moment before the holder has written who it is. */
  readonly holder: Holder | undefined;
  /** The same in words: "process 4711 since 2026-11-29T19:30:00.000Z". */
  readonly by: string;

  constructor(directory: string, holder: Holder | undefined) {
    const by = holder ? `process ${holder.pid} since ${holder.since}` : "another process";
    super(`The directory ${directory} is in use by ${by}.`);
    this.name = "DirectoryInUse";
    this.holder = holder;
    this.by = by;
  }
}

/** A lock whose connection were collected as garbage would be let go. */
const held = new Set<DatabaseSync>();

/**
 * Makes the directory where there is none, takes its lock and returns how to let it go. Throws `DirectoryInUse`, or what the
 * system says where the directory cannot be written.
 */
export function lockDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true, mode: PRIVATE_DIRECTORY });
  const note = path.join(directory, NOTE);
  const lock = path.join(directory, LOCK);
  // By Node first: its errors say what is wrong with the file, SQLite's do not.
  writeFileSync(lock, "", { flag: "a", mode: PRIVATE_FILE });
  const connection = new DatabaseSync(lock, { timeout: 0 });
  try {
    // Locks the file without writing to it; no journal is needed beside it.
    connection.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    connection.close();
    if ((error as { errcode?: number }).errcode !== BUSY) throw error;
    throw new DirectoryInUse(directory, readHolder(note));
  }
  held.add(connection);
  const release = () => {
    if (!held.delete(connection)) return;
    rmSync(note, { force: true });
    connection.close();
  };
  try {
    const mine: Holder = { pid: process.pid, since: new Date().toISOString() };
    writeFileSync(note, JSON.stringify(mine), { mode: PRIVATE_FILE });
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

function readHolder(note: string): Holder | undefined {
  try {
    const { pid, since } = JSON.parse(readFileSync(note, "utf8")) as Partial<Holder>;
    return typeof pid === "number" && typeof since === "string" ? { pid, since } : undefined;
  } catch {
    return undefined;
  }
}
