/** A disk that is full, of the plane and of the agent: said clearly, nothing half-written, and recovered from. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type AgentProcess, startAgentProcess } from "../harness/agent-process.ts";
import { generation, rule, TOGETHER } from "../harness/generations.ts";
import { type PlaneProcess, startPlaneProcess, until } from "../harness/plane-process.ts";
import { mountSmallDisk, noSmallDisk, type SmallDisk } from "../harness/small-disk.ts";

const PORT = 8773;

let work: string;
const closing: (() => Promise<unknown> | void)[] = [];
beforeEach(async () => {
  work = await mkdtemp(path.join(tmpdir(), "heddle-full-disk-"));
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  await rm(work, { recursive: true, force: true });
});

async function startPlane(dataDir: string): Promise<PlaneProcess> {
  const plane = await startPlaneProcess(PORT, dataDir);
  closing.push(() => plane.stop());
  return plane;
}

/** On a full disk a plane starts where its database has nothing to write, and serves what is read; else it says what is wrong. */
async function startsOrSaysWhy(dataDir: string): Promise<void> {
  let plane: PlaneProcess;
  try {
    plane = await startPlaneProcess(PORT, dataDir);
  } catch (error) {
    expect((error as Error).message).toMatch(/^ended with 1:[^]*HDL1051[^]*→ Free space/);
    return;
  }
  expect((await plane.client.getMesh("demo")).revision).toBe(1);
  const refused = plane.client.apply("demo", { objects: generation(2) });
  await expect(refused).rejects.toMatchObject({ code: "HDL1051", status: 507 });
  await plane.kill();
}

function startAgent(plane: PlaneProcess, token: string, state: string): AgentProcess {
  const agent = startAgentProcess({ plane, token, state, host: "127.52.0.1" });
  closing.push(() => agent.kill());
  return agent;
}

/** Lines of a batch, and bytes of each: together more than the blocks that a store has in reserve. */
const LINES = 200;
const LINE_BYTES = 4_000;

/** Sends a batch of access log lines as an agent does. */
function send(plane: PlaneProcess, batch: number): Promise<Response> {
  const logRecords = Array.from({ length: LINES }, () => ({
    timeUnixNano: String(BigInt(Date.now()) * 1_000_000n),
    body: { stringValue: randomBytes(LINE_BYTES / 2).toString("hex") },
  }));
  return fetch(`${plane.url}/v1/otlp/v1/logs`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${plane.token}`,
      "content-type": "application/json",
      "x-heddle-mesh": "demo",
      "x-heddle-batch": `test/${batch}`,
    },
    body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }),
  });
}

describe.skipIf(noSmallDisk !== undefined)(
  `a full disk${noSmallDisk ? ` (${noSmallDisk})` : ""}`,
  () => {
    let disk: SmallDisk;
    let directory: string;
    const mount = (megabytes: number) => {
      directory = path.join(work, "disk");
      disk = mountSmallDisk(directory, megabytes);
      closing.push(() => disk.unmount());
    };

    test("of the plane: writes are refused, reads go on, and space brings writes back", async () => {
      mount(140);
      let plane = await startPlane(directory);
      await plane.client.createMesh({ name: "demo" });
      await plane.client.apply("demo", { objects: generation(1) });
      disk.fill();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const refused = plane.client.apply("demo", { objects: generation(2) });
      await expect(refused).rejects.toMatchObject({ code: "HDL1051", status: 507 });
      const command = await plane.heddle(["delete", "vs", "rule-1"]);
      expect(command.code).toBe(1);
      expect(command.stderr).toMatch(/HDL1051[^]*→ Free space/);
      expect((await plane.client.getMesh("demo")).revision).toBe(1);
      expect((await plane.client.objectsPage("demo", { limit: 100 })).items).toHaveLength(TOGETHER);
      await plane.kill();
      await startsOrSaysWhy(directory);
      disk.free();
      plane = await startPlane(directory);
      expect((await plane.client.getMesh("demo")).revision).toBe(1);
      const applied = await plane.client.apply("demo", { objects: generation(2) });
      expect(applied.revision).toBe(2);
      disk.fill(8 * 1024 * 1024);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const again = plane.client.apply("demo", { objects: generation(3) });
      await expect(again).rejects.toMatchObject({ code: "HDL1051" });
      disk.free();
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect((await plane.client.apply("demo", { objects: generation(3) })).revision).toBe(3);
    });

    test("of the plane: telemetry waits with its sender, what is stored is read, and all of it comes in once there is space", async () => {
      mount(140);
      const plane = await startPlane(directory);
      await plane.client.createMesh({ name: "demo" });
      const lines = async () => (await plane.client.logs("demo", { limit: 500 })).items.length;
      expect((await send(plane, 1)).status).toBe(200);
      await until(async () => (await lines()) === LINES, 5_000);

      disk.fill();
      for (let i = 0; i < 3; i++) {
        const refused = await send(plane, 2);
        // An agent keeps what is answered so, and sends it again.
        expect(refused.status).toBe(507);
        expect(await refused.json()).toMatchObject({ code: "HDL1051" });
        expect(await lines()).toBe(LINES);
      }
      expect((await plane.client.getMesh("demo")).revision).toBe(0);

      disk.free();
      const stored = await send(plane, 2);
      expect(stored.status).toBe(200);
      expect(stored.headers.get("x-heddle-duplicate")).toBeNull();
      expect((await send(plane, 2)).headers.get("x-heddle-duplicate")).toBe("true");
      await until(async () => (await lines()) === 2 * LINES, 5_000);

      // What was acknowledged outlives a crash.
      await plane.kill();
      const again = await startPlane(directory);
      expect((await again.client.logs("demo", { limit: 500 })).items).toHaveLength(2 * LINES);
    });

    test("of the agent: it goes on with the new rules, says so, and catches up on disk", async () => {
      mount(2);
      const plane = await startPlane(path.join(work, "plane"));
      await plane.client.createMesh({ name: "demo" });
      await plane.client.apply("demo", { objects: [rule("first", "v1")] });
      const { token } = await plane.client.createJoinToken("demo", { name: "small" });
      let agent = startAgent(plane, token, directory);
      await agent.follows(1);
      disk.fill();
      await plane.client.apply("demo", { objects: [rule("second", "v1")] });
      await agent.follows(2);
      await until(() => /HDL7212/.test(agent.output()), 5_000);
      await agent.kill();
      disk.free();
      agent = startAgent(plane, token, directory);
      await agent.follows(2);
      await agent.kill();
      await plane.kill();
      // What it has now comes from its disk alone.
      agent = startAgent(plane, token, directory);
      await agent.follows(2);
    });
  },
);
