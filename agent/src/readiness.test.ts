/** When an agent says that it is ready, and when not any more. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type RunningAgent, startAgent } from "./agent.ts";
import { parseAgentOptions } from "./options.ts";

let folder: string;
let agent: RunningAgent | undefined;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-ready-"));
});
afterEach(async () => {
  await agent?.close();
  await rm(folder, { recursive: true, force: true });
});

const ready = async () => {
  const response = await fetch(`http://127.0.0.1:${agent?.ports.metrics}/readyz`);
  return [response.status, (await response.text()).trim()];
};

it("is not ready from the moment that it is told to end, though it still finishes what is under way", async () => {
  const flags = { standalone: true, state: folder, metrics: "127.0.0.1:0", otlp: "127.0.0.1:0" };
  agent = await startAgent(parseAgentOptions(flags), { info() {}, warn() {}, error() {} });
  expect(await ready()).toEqual([200, "ready"]);
  const ended = agent.close();
  // It may be gone before it is asked.
  expect(await ready().catch(() => [503, "it is ending"])).toEqual([503, "it is ending"]);
  await ended;
});
