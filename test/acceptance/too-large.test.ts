/** Requests, documents and numbers of objects beyond the limits: refused at once; within them, others are still answered. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rule } from "../harness/generations.ts";
import { type PlaneProcess, startPlaneProcess } from "../harness/plane-process.ts";

let plane: PlaneProcess;
let work: string;

beforeAll(async () => {
  work = await mkdtemp(path.join(tmpdir(), "heddle-too-large-"));
  plane = await startPlaneProcess(8703, path.join(work, "data"));
  await plane.client.createMesh({ name: "demo" });
});
afterAll(async () => {
  await plane?.stop();
  await rm(work, { recursive: true, force: true });
});

test("what is too large is refused at once, and others are answered meanwhile", async () => {
  const large = `# ${"x".repeat(9_700_000)}\n`;
  const cases: [name: string, content: string, says: RegExp][] = [
    ["body.yaml", `${large}${large}`, /HDL1005.*the limit is 10000000/],
    ["document.yaml", `${"a: 1\n"}---\n${large}`, /HDL1047 .*document\.yaml:2: /],
    ["objects.yaml", "---\na: 1\n".repeat(20_000), /HDL1046.*20000 documents/],
  ];
  const before = (await plane.client.getMesh("demo")).revision;
  for (const [name, content, says] of cases) {
    const named = path.join(work, name);
    await writeFile(named, content);
    const began = Date.now();
    const { code, stderr } = await plane.heddle(["apply", "-f", named]);
    expect(stderr).toMatch(says);
    expect(code).toBe(1);
    expect(Date.now() - began).toBeLessThan(5_000);
  }
  expect((await plane.client.getMesh("demo")).revision).toBe(before);
  const rules = Array.from({ length: 4_000 }, (_, i) => JSON.stringify(rule(`r${i}`, "v1")));
  const whole = plane.client.apply("demo", {
    files: [{ name: "rules.yaml", content: rules.join("\n---\n") }],
  });
  let done = false;
  const applied = whole.finally(() => (done = true));
  let answers = 0;
  for (; !done; answers++) expect((await fetch(`${plane.url}/healthz`)).status).toBe(200);
  expect(answers).toBeGreaterThan(10);
  expect((await applied).changes).toHaveLength(4_000);
});
