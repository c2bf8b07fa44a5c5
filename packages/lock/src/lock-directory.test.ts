import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DirectoryInUse, lockDirectory } from "./lock-directory.ts";

const MODULE = JSON.stringify(path.join(import.meta.dirname, "lock-directory.ts"));

let home: string;
let directory: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "heddle-lock-"));
  directory = path.join(home, "data");
});
afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  rmSync(home, { recursive: true, force: true });
});

/** A process that tries for the lock and keeps it; resolves with the word it says: `locked`, or why not. */
async function contender(): Promise<{ child: ChildProcess; word: string }> {
  const script = `import { lockDirectory } from ${MODULE};
    try { lockDirectory(${JSON.stringify(directory)}); console.log("locked"); setInterval(() => {}, 1000); }
    catch (error) { console.log(error.message); }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const word = await new Promise<string>((resolve) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.endsWith("\n")) resolve(text.trim());
    });
    child.once("exit", () => resolve(text.trim()));
  });
  return { child, word };
}

function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

describe("a directory's lock", () => {
  it("is one process's alone, and names it", async () => {
    const { child, word } = await contender();
    expect(word).toBe("locked");
    let refused: unknown;
    try {
      lockDirectory(directory);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(DirectoryInUse);
    expect((refused as DirectoryInUse).holder?.pid).toBe(child.pid);
    expect((refused as Error).message).toMatch(
      new RegExp(`${directory} is in use by process ${child.pid} since 20`),
    );
  });

  it("goes with a process that is killed, although what it wrote lies there", async () => {
    const { child } = await contender();
    await kill(child);
    expect(readdirSync(directory).toSorted()).toEqual(["heddle.lock", "heddle.pid"]);
    lockDirectory(directory)();
  });

  it("does not take a process for the holder that has come by its id", () => {
    lockDirectory(directory)();
    // As after a reboot: the note names a process that lives and never had the lock.
    const note = JSON.stringify({ pid: process.ppid, since: "2026-01-01T00:00:00.000Z" });
    writeFileSync(path.join(directory, "heddle.pid"), note);
    lockDirectory(directory)();
  });

  it("is won by one of many that come at one time, also right after a crash", async () => {
    for (let round = 0; round < 3; round++) {
      const words = await Promise.all(Array.from({ length: 6 }, contender));
      expect(words.filter(({ word }) => word === "locked")).toHaveLength(1);
      const others = words.filter(({ word }) => word !== "locked");
      expect(others.every(({ word }) => word.includes("is in use by"))).toBe(true);
      for (const { child } of words) await kill(child);
    }
  });

  it("is refused to the process that has it already, by whichever name it comes", () => {
    const release = lockDirectory(directory);
    symlinkSync(directory, path.join(home, "other"));
    expect(() => lockDirectory(directory)).toThrow(DirectoryInUse);
    expect(() => lockDirectory(path.join(home, "other"))).toThrow(DirectoryInUse);
    release();
    const again = lockDirectory(directory);
    // Twice let go is let go once: the second holder keeps it.
    release();
    expect(() => lockDirectory(directory)).toThrow(DirectoryInUse);
    again();
  });

  it("lets only its owner read what it writes, and leaves no name behind when it is let go", () => {
    const release = lockDirectory(directory);
    for (const name of ["heddle.lock", "heddle.pid"])
      expect(statSync(path.join(directory, name)).mode & 0o777).toBe(0o600);
    release();
    expect(readdirSync(directory)).toEqual(["heddle.lock"]);
  });

  it("says what the system says where there can be no directory", () => {
    writeFileSync(path.join(home, "file"), "");
    expect(() => lockDirectory(path.join(home, "file"))).toThrow(/EEXIST|ENOTDIR/);
  });
});
