/** A control plane under measurement: a program with its processes, whose work and memory are read from Linux. */
import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { end, until } from "../../harness/plane-process.ts";
import {
  cpuSecondsOf,
  residentOf,
  usageOfTree,
  withChildren,
} from "../../harness/process-usage.ts";

export interface ControlPlane {
  readonly name: string;
  /** Of its ADS server, in plaintext. */
  readonly address: string;
  /** Of all its processes, since they began. */
  cpuSeconds(): Promise<number>;
  /** Of all its processes; what they have in common is counted once. */
  residentBytes(): Promise<number>;
  /** It stands still, so that another one has the machine for itself; what it is sent waits. */
  pause(): void;
  resume(): void;
  /** Resolves when it has nothing more to do. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface StartedProgram {
  readonly name: string;
  readonly child: ChildProcess;
  readonly address: string;
  /** Answers with 200 once it serves. */
  readonly readyUrl: string;
  readonly log: string;
}

const READY_WITHIN_MS = 180_000;
const SETTLED_WITHIN_MS = 120_000;
const SAMPLE_MS = 250;
/** So much of one core is what a control plane takes that only waits. */
const IDLE = 0.05;
/** Samples in a row that are idle. */
const IDLE_SAMPLES = 3;

/** Resolves when the program serves; rejects where it ends first. */
export async function controlPlane(program: StartedProgram): Promise<ControlPlane> {
  const { name, child, address } = program;
  const serves = async () => {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${name} has ended; see ${program.log}`);
    return (await fetch(program.readyUrl).catch(() => undefined))?.status === 200;
  };
  const pid = child.pid ?? 0;
  let processes = [pid];
  const signal = (which: NodeJS.Signals) => {
    for (const each of processes) process.kill(each, which);
  };
  const close = () => {
    if (child.exitCode === null && child.signalCode === null) signal("SIGCONT");
    return end(child, "SIGTERM");
  };
  try {
    await until(serves, READY_WITHIN_MS, () => `${name} to be ready; see ${program.log}`);
  } catch (error) {
    await close();
    throw error;
  }
  processes = await withChildren(pid);
  const cpuSeconds = async () =>
    (await Promise.all(processes.map(cpuSecondsOf))).reduce((sum, each) => sum + each, 0);
  return {
    ...{ name, address, cpuSeconds, close },
    residentBytes: async () => residentOf(await usageOfTree(pid)),
    pause: () => signal("SIGSTOP"),
    resume: () => signal("SIGCONT"),
    async settled() {
      const deadline = Date.now() + SETTLED_WITHIN_MS;
      for (let idle = 0; idle < IDLE_SAMPLES;) {
        const [before, began] = [await cpuSeconds(), performance.now()];
        await sleep(SAMPLE_MS);
        const cores = ((await cpuSeconds()) - before) / ((performance.now() - began) / 1000);
        idle = cores < IDLE ? idle + 1 : 0;
        if (Date.now() > deadline)
          throw new Error(`${name} still takes ${cores.toFixed(2)} cores; see ${program.log}`);
      }
    },
  };
}
