import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";

const MODULE = JSON.stringify(path.join(import.meta.dirname, "until-signal.ts"));

let child: ChildProcess | undefined;
let output = "";
afterEach(() => void child?.kill("SIGKILL"));

/** A process that needs `closeMs` to end in order once it is told to. */
async function start(closeMs: number): Promise<{ ended: Promise<number | null> }> {
  const script = `import { untilSignal } from ${MODULE};
    const alive = setInterval(() => {}, 1000);
    const told = untilSignal();
    console.log("waiting");
    await told;
    console.log("closing");
    setTimeout(() => { console.log("closed"); process.exit(0); }, ${closeMs});`;
  const running = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  child = running;
  output = "";
  running.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => running.once("close", resolve));
  await said("waiting");
  return { ended };
}

async function said(word: string): Promise<void> {
  for (let left = 2_000; !output.includes(word); left--) {
    if (left === 0) throw new Error(`"${word}" was not said within 20 s: ${output}`);
    await sleep(10);
  }
}

describe("the word to end", () => {
  it("is one word, however many pass it on at once", async () => {
    const { ended } = await start(1_500);
    child?.kill("SIGINT");
    await said("closing");
    child?.kill("SIGINT");
    child?.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(output).toBe("waiting\nclosing\nclosed\n");
  });

  it("cuts the end short where it is said again later, with 130", async () => {
    const { ended } = await start(60_000);
    child?.kill("SIGINT");
    await said("closing");
    await sleep(1_100);
    child?.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(output).not.toContain("closed");
  });

  it.each(["SIGTERM", "SIGHUP"] as const)("is %s too", async (signal) => {
    const { ended } = await start(10);
    child?.kill(signal);
    expect(await ended).toBe(0);
    expect(output).toContain("closed");
  });
});
