/** What an agent may be given instead of a good token, and what becomes of one whose token is revoked. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type AgentProcess, startAgentProcess } from "../harness/agent-process.ts";
import { heddle } from "../harness/demo-process.ts";
import { rule } from "../harness/generations.ts";
import { type PlaneProcess, startPlaneProcess, until } from "../harness/plane-process.ts";

const PORT = 8774;

let work: string;
const closing: (() => Promise<unknown> | void)[] = [];
beforeEach(async () => {
  work = await mkdtemp(path.join(tmpdir(), "heddle-agent-tokens-"));
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

function startAgent(plane: PlaneProcess, token: string, state: string): AgentProcess {
  const agent = startAgentProcess({ plane, token, state, host: "127.53.0.1" });
  closing.push(() => agent.kill());
  return agent;
}

test("a token that is wrong, another's, used, expired or revoked is refused an agent with what to do", async () => {
  const plane = await startPlane(path.join(work, "data"));
  await plane.client.createMesh({ name: "demo" });
  const start = (token: string, state = "agent") =>
    heddle([
      ...["agent", "--plane", plane.url, "--mesh", "demo", "--token", token],
      ...["--state", path.join(work, state), "--metrics", "off", "--otlp", "127.53.0.1:0"],
    ]);
  const { token: expired } = await plane.client.createJoinToken("demo", {
    name: "late",
    expiresInSeconds: 1,
  });
  const { token: used } = await plane.client.createJoinToken("demo", { name: "used" });
  await plane.client.enroll({ joinToken: used, name: "used" });
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  for (const token of ["nonsense", "hdlj_nonsense", plane.token, used, expired]) {
    const { code, stderr } = await start(token);
    expect(stderr).toMatch(/HDL7206 [^]*→ Make a new join token/);
    expect(code).toBe(1);
  }
  // None of them stands in the way of the right one.
  const { token } = await plane.client.createJoinToken("demo", { name: "right" });
  const agent = startAgent(plane, token, path.join(work, "agent"));
  await plane.client.apply("demo", { objects: [rule("first", "v1")] });
  await agent.follows(1);
  const { items } = await plane.client.listTokens({ limit: 100 });
  for (const { id, scopes } of items)
    if (scopes.includes("agent")) await plane.client.revokeToken(id);
  await until(() => /HDL7011/.test(agent.output()), 25_000, agent.output);
  await plane.client.apply("demo", { objects: [rule("second", "v1")] });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await agent.follows(1);
  await agent.kill();
  const again = startAgent(plane, token, path.join(work, "agent"));
  await until(() => /HDL7206/.test(again.output()), 20_000, again.output);
});
