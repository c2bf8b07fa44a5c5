/** `./heddle --run cluster`, as a person uses it; and what `down` does with a cluster of which parts were killed. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { groupsOf } from "./harness/cgroups.ts";
import { defaultNumber, networkOf } from "./harness/network.ts";
import { pidOf } from "./harness/recorded.ts";
import { processesInRoom } from "./harness/room.ts";
import { tracesOf } from "./harness/traces.ts";
import { KUBERNETES_VERSION } from "./harness/versions.ts";

const MAIN = path.resolve(import.meta.dirname, "main.ts");

let folder: string;
let state: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-cluster-"));
  state = path.join(folder, "state");
});
afterAll(async () => {
  if (existsSync(state)) await cluster("down");
  await rm(folder, { recursive: true, force: true });
});

interface Result {
  readonly code: number;
  readonly output: string;
}

function cluster(...args: readonly string[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args, "--state", state]);
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

test("`up`, `status` and `down`, also when parts of it were killed", async () => {
  expect(await cluster("status")).toMatchObject({
    code: 1,
    output: expect.stringContaining("HDL9073 There is no test cluster"),
  });
  expect(await cluster("sideways")).toMatchObject({
    code: 2,
    output: expect.stringContaining("HDL9002"),
  });

  expect(await cluster("build")).toEqual({
    code: 0,
    output: `Kubernetes ${KUBERNETES_VERSION}, and what is tested with it, are in the cache.\n`,
  });
  const up = await cluster("up", "--number", String(defaultNumber()));
  expect(up).toMatchObject({ code: 0, output: expect.stringContaining("export KUBECONFIG=") });
  expect(await cluster("status")).toMatchObject({
    code: 0,
    output: expect.stringMatching(/kubelet +running, pid \d+/),
  });
  expect(await cluster("up", "--number", String(defaultNumber()))).toMatchObject({
    code: 1,
    output: expect.stringContaining("HDL9073 There is a test cluster in"),
  });

  const before = processesInRoom(state);
  const groups = groupsOf(before.map(({ pid }) => pid));
  for (const name of ["containerd", "room"]) process.kill(pidOf(state, name) ?? 0, "SIGKILL");
  await expect
    .poll(() => cluster("status"))
    .toMatchObject({
      code: 1,
      output: expect.stringMatching(/containerd +ended; see .*containerd\.log/),
    });

  expect(await cluster("down")).toEqual({ code: 0, output: "The cluster is gone.\n" });
  expect(before.filter(({ alive }) => alive())).toEqual([]);
  expect(groups.filter((group) => existsSync(group))).toEqual([]);
  expect(tracesOf(state, networkOf(defaultNumber()))).toEqual([]);
  expect(await cluster("down")).toMatchObject({
    code: 1,
    output: expect.stringContaining("HDL9073"),
  });
});
