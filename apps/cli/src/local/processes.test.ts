import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isProcess, startOf } from "./process-identity.ts";
import { createProcessGroup, type ProcessGroup } from "./processes.ts";

const MODULE = JSON.stringify(path.join(import.meta.dirname, "processes.ts"));
const WAITS = "setInterval(() => {}, 1000);";

let directory: string;
const closing: (() => unknown)[] = [];
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "heddle-processes-"));
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  rmSync(directory, { recursive: true, force: true });
});

async function open(onFailure: (line: string) => void = () => {}): Promise<ProcessGroup> {
  const group = await createProcessGroup(directory, (name, reason) =>
    onFailure(`${name}: ${reason}`),
  );
  closing.push(() => group.close());
  return group;
}

function node(name: string, script: string) {
  return { name, command: process.execPath, args: ["-e", script] };
}

function start(script: string): ChildProcess & { pid: number } {
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  closing.push(() => child.kill("SIGKILL"));
  return child as ChildProcess & { pid: number };
}

async function until(holds: () => boolean): Promise<void> {
  for (let left = 2_000; !holds(); left--) {
    if (left === 0) throw new Error(`not within 20 s: ${holds.toString()}`);
    await sleep(10);
  }
}

/** Gone, or nobody has asked yet how it ended. */
function ended(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
}

/** A process that starts a child in a group of its own in `directory`, and then does `then`. */
async function parentOfOne(then: string): Promise<{ parent: ChildProcess; pid: number }> {
  const parent = start(`import { createProcessGroup } from ${MODULE};
    const group = await createProcessGroup(${JSON.stringify(directory)}, () => {});
    await group.start({ name: "one", command: process.execPath, args: ["-e", ${JSON.stringify(WAITS)}] });
    console.log(group.pid("one"));
    ${then}`);
  let text = "";
  parent.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await until(() => text.endsWith("\n"));
  return { parent, pid: Number(text) };
}

describe("a group of processes", () => {
  it("ends what a killed run left behind", async () => {
    const { parent, pid } = await parentOfOne(WAITS);
    parent.kill("SIGKILL");
    await until(() => ended(parent.pid as number));
    expect(ended(pid)).toBe(false);
    await open();
    expect(ended(pid)).toBe(true);
  });

  it("leaves a process alone that has come by the id of one that it left", async () => {
    const stranger = start(WAITS);
    const started = startOf(stranger.pid) as string;
    const recorded = (when: string | undefined) =>
      writeFileSync(
        path.join(directory, "pids.json"),
        JSON.stringify([
          { name: "agent", pid: stranger.pid, started: when, command: process.execPath },
        ]),
      );
    // As before a reboot; at another time of this boot; and by a list without times.
    for (const when of [started.replace(/^[^/]*/, "another-boot"), `${started}0`, "", undefined]) {
      recorded(when);
      await (await open()).close();
      expect(isProcess(stranger.pid, started)).toBe(true);
      expect(ended(stranger.pid)).toBe(false);
    }
    recorded(started);
    await (await open()).close();
    expect(ended(stranger.pid)).toBe(true);
  });

  it("outlives neither an exit in a hurry nor an error that nobody caught", async () => {
    const hurried = await parentOfOne("process.exit(130);");
    await until(() => ended(hurried.pid));
    const thrown = await parentOfOne('throw new Error("nobody catches this");');
    await until(() => ended(thrown.pid));
  });

  it("is not reached by a signal to its parent's group, which is how a terminal's Ctrl-C comes", async () => {
    const group = await open();
    await group.start(node("one", WAITS));
    const stat = readFileSync(`/proc/${group.pid("one")}/stat`, "utf8");
    const processGroup = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
    expect(processGroup).toBe(group.pid("one"));
  });

  it("tells the last words of one that fails: the line with a code, or the last of all", async () => {
    const lines: string[] = [];
    const group = await open((line) => lines.push(line));
    const coded =
      "console.error('starting'); console.error('error HDL7204 in use'); console.error('  → do this'); process.exit(3)";
    await group.start(node("coded", coded));
    await group.start(node("plain", "console.log('one'); console.log('two'); process.exit(4)"));
    await group.start(node("silent", "process.exit(5)"));
    await until(() => lines.length >= 3);
    expect(lines.toSorted()).toEqual([
      "coded: ended with code 3 (error HDL7204 in use); starting it again",
      "plain: ended with code 4 (two); starting it again",
      "silent: ended with code 5; starting it again",
    ]);
  });

  it("starts one that fails again, and not one that was stopped; one that cannot be started holds up nothing", async () => {
    const group = await open();
    await group.start(node("one", WAITS));
    const first = group.pid("one") as number;
    process.kill(first, "SIGKILL");
    await until(() => group.pid("one") !== undefined && group.pid("one") !== first);
    const second = group.pid("one") as number;
    await group.stop("one");
    expect(ended(second)).toBe(true);
    expect(group.pid("one")).toBeUndefined();
    await group.start({ name: "none", command: path.join(directory, "none"), args: [] });
    await group.close();
  });
});
