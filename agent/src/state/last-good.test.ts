import { appendFile, chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  testHistory,
  type TestHistory,
  type TestRevision,
} from "../../../packages/sync/src/testing/history.ts";
import type { AgentLog } from "../log.ts";
import { createLastGood } from "./last-good.ts";
import { openStateDirectory, type StateDirectory } from "./state-directory.ts";

const silent: AgentLog = { info() {}, warn() {}, error() {} };
let folder: string;
let directory: StateDirectory;
let history: TestHistory;
const expected = () => ({ mesh: history.mesh, verifier: history.verifier });
const load = () => createLastGood(directory, silent).load(expected());
const keep = async (
  lastGood: ReturnType<typeof createLastGood>,
  { state, text, signature }: TestRevision,
) => {
  lastGood.keep(state, { text, kind: "change", signature });
  await lastGood.settled();
};

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-state-"));
  directory = await openStateDirectory(path.join(folder, "agent"));
  history = await testHistory();
});
afterEach(async () => {
  await chmod(path.join(folder, "agent"), 0o700).catch(() => {});
  await rm(folder, { recursive: true, force: true });
});

describe("the last good state", () => {
  it("comes back as it was after any number of revisions", async () => {
    const lastGood = createLastGood(directory, silent);
    expect((await lastGood.load(expected())).header).toBeNull();
    for (let value = 1; value <= 70; value++) {
      await keep(
        lastGood,
        await history.commit({ a: { value }, [`k${value % 5}`]: value % 3 ? { value } : null }),
      );
      if (value % 23 === 0)
        expect((await load()).objects).toEqual(history.revisions.at(-1)?.state.objects);
    }
    const loaded = await load();
    expect(loaded.headHash).toBe(history.revisions.at(-1)?.state.headHash);
    const file = await stat(path.join(folder, "agent/snapshot.json"));
    expect(file.mode & 0o777).toBe(0o600);
  });

  it("stops before half a line, and goes on after it", async () => {
    const lastGood = createLastGood(directory, silent);
    const [one, two, three] = [
      await history.commit({ a: {} }),
      await history.commit({ b: {} }),
      await history.commit({ c: {} }),
    ];
    await keep(lastGood, one);
    await keep(lastGood, two);
    await appendFile(path.join(folder, "agent/journal.ndjson"), three.text.slice(0, 80));
    expect((await load()).headHash).toBe(two.state.headHash);
    const again = createLastGood(directory, silent);
    await again.load(expected());
    await keep(again, three);
    expect((await load()).headHash).toBe(three.state.headHash);
  });

  it("takes nothing that the pinned key did not sign", async () => {
    const lastGood = createLastGood(directory, silent);
    await keep(lastGood, await history.commit({ a: { value: 1 } }));
    const file = path.join(folder, "agent/snapshot.json");
    await writeFile(file, (await readFile(file, "utf8")).replace('"value":1', '"value":2'));
    expect((await load()).header).toBeNull();
  });

  it("goes on where the disk refuses, says so, and catches up when it takes writes again", async () => {
    const failures: unknown[] = [];
    const lastGood = createLastGood(directory, silent, (error) => failures.push(error));
    await keep(lastGood, await history.commit({ a: {} }));
    // In the place of the file lies a folder: as good as a full disk, also for root.
    await mkdir(path.join(folder, "agent/journal.ndjson"));
    await keep(lastGood, await history.commit({ b: {} }));
    expect(failures).toHaveLength(1);
    await rm(path.join(folder, "agent/journal.ndjson"), { recursive: true });
    const three = await history.commit({ c: {} });
    await keep(lastGood, three);
    expect((await load()).headHash).toBe(three.state.headHash);
  });
});

describe("a state directory", () => {
  it("is for one agent at a time; a note of who had it once does not count", async () => {
    const agent = path.join(folder, "one-at-a-time");
    const first = await openStateDirectory(agent);
    await expect(openStateDirectory(agent)).rejects.toMatchObject({
      code: "HDL7214",
      message: expect.stringMatching(
        new RegExp(`The state directory ${agent} is in use by process ${process.pid} since`),
      ),
    });
    await first.close();
    // After a crash or a reboot, whatever lives under the id that the agent had: process 1 always does.
    await writeFile(path.join(agent, "heddle.pid"), JSON.stringify({ pid: 1, since: "2026" }));
    await (await openStateDirectory(agent)).close();
    await writeFile(path.join(folder, "file"), "");
    await expect(openStateDirectory(path.join(folder, "file"))).rejects.toMatchObject({
      code: "HDL7205",
    });
  });
});
