/** The plane is killed while it writes, or finds its ports taken: recovery or a clear word, nothing half-applied. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { heddle } from "../harness/demo-process.ts";
import { generation, generationOf, TOGETHER } from "../harness/generations.ts";
import { type PlaneProcess, startPlaneProcess } from "../harness/plane-process.ts";

const PORT = 8771;
const KILLS = 5;

let work: string;
const closing: (() => Promise<unknown> | void)[] = [];
beforeEach(async () => {
  work = await mkdtemp(path.join(tmpdir(), "heddle-plane-faults-"));
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

test("killed in the middle of applies, the plane has each revision whole or not at all", async () => {
  const dataDir = path.join(work, "data");
  let plane = await startPlane(dataDir);
  await plane.client.createMesh({ name: "demo" });
  // The first says how long one takes here and now: kills come before, while and after the next are written.
  const began = Date.now();
  await plane.client.apply("demo", { objects: generation(1) });
  const takesMs = Date.now() - began;
  let [sent, answered] = [1, 1];
  for (let round = 0; round < KILLS; round++) {
    const victim = plane;
    const pause = Math.random() * 2 * takesMs;
    const killing = new Promise((resolve) => setTimeout(resolve, pause)).then(() => victim.kill());
    try {
      for (;;) {
        const { revision } = await victim.client.apply("demo", { objects: generation(++sent) });
        answered = Math.max(answered, sent);
        expect(revision).toBeGreaterThan(0);
      }
    } catch (error) {
      expect(String(error)).toMatch(/fetch failed|terminated|other side closed/);
    }
    await killing;
    plane = await startPlane(dataDir);
    const { revision } = await plane.client.getMesh("demo");
    const { items } = await plane.client.objectsPage("demo", { limit: 500 });
    const versions = new Set(items.map(({ spec }) => generationOf(spec)));
    console.log(`killed after ${Math.round(pause)} ms: revision ${revision}, ${[...versions]}`);
    expect(items).toHaveLength(TOGETHER);
    expect(versions.size).toBe(1);
    const [kept = 0] = versions;
    expect(kept).toBeGreaterThanOrEqual(answered);
    expect(kept).toBeLessThanOrEqual(sent);
    const history = [];
    for await (const entry of plane.client.listRevisions("demo")) history.push(entry);
    expect(history.map(({ number }) => number)).toEqual(
      Array.from({ length: revision }, (_, i) => revision - i),
    );
    expect(history.every(({ changes }) => changes.length === TOGETHER)).toBe(true);
  }
  const written = await plane.client.apply("demo", { objects: generation(sent + 1) });
  expect(written.changes.every(({ action }) => action !== "unchanged")).toBe(true);
});

const holder = createServer();
afterAll(() => void holder.close());

test("a port in use is named, with the flag that chooses another", async () => {
  await new Promise<void>((resolve, reject) =>
    holder.once("error", reject).listen(8772, "127.0.0.1", resolve),
  );
  const plane = await startPlane(path.join(work, "data"));
  await plane.client.createMesh({ name: "demo" });
  const { token } = await plane.client.createJoinToken("demo", { name: "ports" });
  const server = ["server", "--data", path.join(work, "other"), "--port"];
  const up = ["up", "--demo", "--block", "66", "--data", path.join(work, "up")];
  const agent = [
    ...["agent", "--plane", plane.url, "--token", token, "--mesh", "demo", "--name", "ports"],
    ...["--state", path.join(work, "agent")],
  ];
  const free = "127.52.0.1:0";
  const cases: [args: string[], says: RegExp][] = [
    [[...server, "8772"], /HDL1062 Port 8772 on 127\.0\.0\.1 is in use[^]*→.*--port/],
    [[...server.slice(0, 2), path.join(work, "data"), "--port", "8775"], /HDL1060.*process \d+/],
    [[...up, "--port", "8772", "--gateway-port", "8776"], /HDL1062/],
    [[...up, "--port", "8775", "--gateway-port", "8772"], /HDL9043.*8772[^]*→.*--gateway-port/],
    [[...agent, "--xds", "127.0.0.1:8772"], /HDL7204 xDS.*127\.0\.0\.1:8772[^]*→/],
    [[...agent, "--metrics", "127.0.0.1:8772", "--otlp", free], /HDL7204.*127\.0\.0\.1:8772/],
    [[...agent, "--metrics", free, "--otlp", "127.0.0.1:8772"], /HDL7204 Telemetry.*8772/],
  ];
  for (const [args, says] of cases) {
    const { code, stderr } = await heddle(args, {
      HEDDLE_CONFIG: path.join(work, "config.json"),
    });
    expect(stderr).toMatch(says);
    expect(code).toBe(1);
  }
});
