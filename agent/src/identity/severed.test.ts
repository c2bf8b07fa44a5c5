import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { openStateDirectory, type StateDirectory } from "../state/state-directory.ts";
import { quiet } from "../testing/quiet-log.ts";
import { createSevered } from "./severed.ts";

let folder: string;
let directory: StateDirectory;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-severed-"));
  directory = await openStateDirectory(folder);
});
afterEach(async () => {
  vi.useRealTimers();
  await directory.close();
  await rm(folder, { recursive: true, force: true });
});

const started = async () => {
  const set = vi.fn();
  return { set, severed: await createSevered(directory, set, quiet) };
};

it("ends connections once for each revocation, after proxies were given the new roots, and not again at the next start", async () => {
  const { set, severed } = await started();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  severed.sever("first");
  vi.advanceTimersByTime(999);
  expect(set).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  severed.sever("first");
  vi.advanceTimersByTime(2_000);
  expect(set.mock.calls).toEqual([["first"]]);
  vi.useRealTimers();
  await severed.close();
  const next = await started();
  expect(next.set.mock.calls).toEqual([["first"]]);
  next.severed.sever("first");
  await next.severed.close();
  expect(next.set).toHaveBeenCalledTimes(1);
});

it("forgets one whose time had not come when the agent ended: the plane names it again", async () => {
  const { set, severed } = await started();
  severed.sever("first");
  await severed.close();
  expect(set).not.toHaveBeenCalled();
  expect((await started()).set).not.toHaveBeenCalled();
});
