/** `npm start` as the README has it: in a terminal, through npm and ./heddle, ended by Ctrl-C, and started again. */
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { heddle, ROOT } from "../harness/demo-process.ts";
import { processesWith } from "../harness/marked-processes.ts";
import { openTerminal, type Terminal } from "../harness/terminal.ts";

const PORT = 8795;
const GATEWAY_PORT = 8797;
const BLOCK = 70;
/** An agent, its telemetry, seven Envoys and six applications, the plane, and its launchers. */
const LEAST_PROCESSES = 17;
/** On a bare machine; with toolchain, packages and Envoy there. */
const [COLD_MS, WARM_MS] = [90_000, 10_000];
/** The plane gives requests under way a second, each child four before it is killed. */
const END_WITHIN_MS = 15_000;
/** What it runs ends with 0; npm passes that on, or, from version 11, lets its own Ctrl-C count. */
const NPM_ENDS = [0, 130];
/** Other work on the machine may slow down a start, but not each of them. */
const WARM_STARTS = 3;

let work: string;
let config: string;
const terminals: Terminal[] = [];
beforeAll(async () => {
  work = await mkdtemp(path.join(tmpdir(), "heddle-start-"));
  config = path.join(work, "config.json");
});
afterEach(async () => {
  // A closed terminal ends what runs in it: nothing is left for the next test.
  for (const terminal of terminals.splice(0)) terminal.close();
  await nothingLeft();
});
afterAll(() => rm(work, { recursive: true, force: true }));

function start(command: readonly string[] = ["npm", "start", "--"]): Terminal {
  const terminal = openTerminal(
    [
      ...command,
      ...["--data", path.join(work, "data"), "--port", String(PORT)],
      ...["--gateway-port", String(GATEWAY_PORT), "--block", String(BLOCK), "--rate", "0"],
    ],
    { cwd: ROOT, env: { HEDDLE_CONFIG: config } },
  );
  terminals.push(terminal);
  return terminal;
}

/** Every process of a run has its configuration file in the environment. */
const ours = () => processesWith("HEDDLE_CONFIG", config);

async function nothingLeft(): Promise<void> {
  let left = await ours();
  for (let round = 0; left.length > 0 && round < 100; round++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    left = await ours();
  }
  expect(left).toEqual([]);
}

async function command(...args: string[]): Promise<string> {
  const result = await heddle(args, { HEDDLE_CONFIG: config });
  expect(result.code, result.stderr).toBe(0);
  return result.stdout;
}

async function versionsOfReviews(count: number): Promise<string[]> {
  const versions: string[] = [];
  for (let n = 0; n < count; n++) {
    const response = await fetch(`http://127.0.0.1:${GATEWAY_PORT}/api/v1/products/0/reviews`);
    expect(response.status).toBe(200);
    versions.push(((await response.json()) as { version: string }).version);
  }
  return versions;
}

async function revisions(): Promise<number[]> {
  const items = JSON.parse(await command("history", "-o", "json")) as { number: number }[];
  return items.map(({ number }) => number);
}

test("prints where to look, serves the bookshop, ends by one Ctrl-C, and goes on from its data", async () => {
  const first = start();
  const began = performance.now();
  await first.shows("ready", COLD_MS);
  const firstMs = performance.now() - began;
  expect(first.output()).toMatch(
    new RegExp(`^console +http://127\\.0\\.0\\.1:${PORT}/#token=\\S+$`, "m"),
  );
  expect(first.output()).toMatch(
    new RegExp(`^API +http://127\\.0\\.0\\.1:${PORT}/v1/openapi\\.json$`, "m"),
  );
  const shop = /^bookshop +(\S+)$/m.exec(first.output())?.[1];
  expect(shop).toBe(`http://127.0.0.1:${GATEWAY_PORT}/productpage`);
  const page = await fetch(shop as string);
  expect(page.status).toBe(200);
  expect(await page.text()).toContain("<title>Simple Bookstore App</title>");
  expect((await fetch(`http://127.0.0.1:${PORT}/`)).status).toBe(200);
  // Each of the three answers about a third; that one of them never comes has a chance of 1 in 10^10.
  expect(new Set(await versionsOfReviews(60))).toEqual(new Set(["v1", "v2", "v3"]));

  await command("apply", "-f", path.join(ROOT, "examples/bookinfo/rules/reviews-v3.yaml"));
  const history = await revisions();
  expect(history).toHaveLength(2);
  expect((await ours()).length).toBeGreaterThanOrEqual(LEAST_PROCESSES);
  first.ctrlC();
  expect(NPM_ENDS).toContain(await first.ended(END_WITHIN_MS));
  expect(first.output()).toContain("stopping …");
  // Its children heard nothing of the Ctrl-C: they were ended in order, and none was started again.
  expect(first.output()).not.toMatch(/starting it again|HDL\d{4}|npm error/i);
  await nothingLeft();

  const took: number[] = [];
  while (took.length < WARM_STARTS && !took.some((ms) => ms <= WARM_MS)) {
    const again = start();
    const at = performance.now();
    await again.shows("ready", COLD_MS);
    took.push(performance.now() - at);
    expect(await revisions()).toEqual(history);
    expect(new Set(await versionsOfReviews(20))).toEqual(new Set(["v3"]));
    again.ctrlC();
    expect(NPM_ENDS).toContain(await again.ended(END_WITHIN_MS));
    await nothingLeft();
  }
  console.log(
    `ready after ${Math.round(firstMs)} ms with empty data, ${took.map(Math.round).join(", ")} ms going on from it`,
  );
  expect(Math.min(...took)).toBeLessThanOrEqual(WARM_MS);
});

test("heddle server goes on from what heddle up left, and ends by Ctrl-C", async () => {
  const data = path.join(work, "data");
  const server = openTerminal(
    [path.join(ROOT, "heddle"), "server", "--data", data, "--port", String(PORT)],
    { cwd: work, env: { HEDDLE_CONFIG: config } },
  );
  terminals.push(server);
  await server.shows("ready", COLD_MS);
  expect((await revisions()).length).toBeGreaterThanOrEqual(2);
  server.ctrlC();
  expect(await server.ended(END_WITHIN_MS)).toBe(0);
});

test("Ctrl-C in the middle of a start, and a closed terminal, leave nothing running", async () => {
  const early = start([path.join(ROOT, "heddle"), "up", "--demo"]);
  await early.shows(
    `starting  the demo; the logs of its processes are in ${path.join(work, "data/logs")}`,
    COLD_MS,
  );
  early.ctrlC();
  expect(await early.ended(END_WITHIN_MS)).toBe(130);
  expect(early.output()).not.toMatch(/HDL\d{4}/);
  await nothingLeft();

  const closed = start([path.join(ROOT, "heddle"), "up", "--demo"]);
  await closed.shows("ready", COLD_MS);
  expect((await ours()).length).toBeGreaterThanOrEqual(LEAST_PROCESSES - 2);
  closed.close();
  await nothingLeft();
});

test("a port in use inside the demo is named at once, with what it is for and the flag that moves it", async () => {
  const holder = net.createServer();
  await new Promise<void>((resolve, reject) =>
    holder.once("error", reject).listen(15010, `127.${BLOCK}.0.1`, resolve),
  );
  try {
    const refused = start([path.join(ROOT, "heddle"), "up", "--demo"]);
    expect(await refused.ended(COLD_MS)).toBe(1);
    expect(refused.output()).toMatch(
      new RegExp(
        `HDL9043.* Port 15010 on 127\\.${BLOCK}\\.0\\.1, for the agent's xDS, is in use\\.[^]*--block`,
      ),
    );
  } finally {
    holder.close();
  }
});
