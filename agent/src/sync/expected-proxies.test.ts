import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { AgentLog } from "../log.ts";
import { openStateDirectory, type StateDirectory } from "../state/state-directory.ts";
import { expectProxies } from "./expected-proxies.ts";

const silent: AgentLog = { info() {}, warn() {}, error() {} };
let folder: string;
let directory: StateDirectory;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-expected-"));
  directory = await openStateDirectory(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const before = async (names: readonly string[]) => {
  const proxies = await expectProxies(directory, silent);
  proxies.connected(names);
  await proxies.close();
};

it("nobody is expected at a first start, nor where the file is garbage", async () => {
  expect((await expectProxies(directory, silent)).missing([])).toEqual([]);
  await writeFile(path.join(folder, "proxies.json"), "{half");
  expect((await expectProxies(directory, silent)).missing([])).toEqual([]);
});

it("after a restart those that were connected are missing until each has come back once", async () => {
  await before(["a", "b", "c"]);
  const proxies = await expectProxies(directory, silent);
  expect(proxies.missing([])).toEqual(["a", "b", "c"]);
  expect(proxies.missing(["a"])).toEqual(["b", "c"]);
  proxies.connected(["a", "d"]);
  expect(proxies.missing([])).toEqual(["b", "c"]);
  // A crash now must not forget those that were still on their way.
  await proxies.close();
  expect(JSON.parse(await readFile(path.join(folder, "proxies.json"), "utf8"))).toEqual([
    "a",
    "b",
    "c",
    "d",
  ]);
});

it("those that do not come back are given up, with a call", async () => {
  await before(["a"]);
  const proxies = await expectProxies(directory, silent, 30);
  await new Promise<void>((resolve) => proxies.onGivenUp(resolve));
  expect(proxies.missing([])).toEqual([]);
  await proxies.close();
});
