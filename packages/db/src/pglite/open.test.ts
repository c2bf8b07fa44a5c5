import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DirectoryLockedError } from "./directory-lock.ts";
import { openPglite } from "./open.ts";

describe("a data directory", () => {
  let home: string;
  let directory: string;
  const cache = path.join(tmpdir(), "heddle-cache");
  beforeEach(() => {
    home = mkdtempSync(path.join(tmpdir(), "heddle-open-"));
    directory = path.join(home, "data");
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it("keeps what was committed, over a restart", async () => {
    const first = await openPglite({ directory, cache });
    await first.lease((c) =>
      c.script("create table kept (n integer); insert into kept values (7)"),
    );
    await first.close();
    const second = await openPglite({ directory, cache });
    expect(await second.lease((c) => c.rows("select n from kept", []))).toEqual([[7]]);
    await second.close();
  });

  it("is refused while another has it, by the holder's process id", async () => {
    const first = await openPglite({ directory, cache });
    const second = openPglite({ directory, cache });
    await expect(second).rejects.toBeInstanceOf(DirectoryLockedError);
    await expect(openPglite({ directory, cache })).rejects.toMatchObject({
      code: "HDL1060",
      pid: process.pid,
    });
    await first.close();
    await (await openPglite({ directory, cache })).close();
  });

  it("survives the process being killed in the middle of writes", async () => {
    const script = path.join(home, "writer.mjs");
    writeFileSync(
      script,
      `import { openPglite } from ${JSON.stringify(path.join(import.meta.dirname, "open.ts"))};
       const driver = await openPglite({ directory: ${JSON.stringify(directory)}, cache: ${JSON.stringify(cache)} });
       await driver.lease((c) => c.script("create table written (n integer)"));
       for (let n = 1; ; n++) {
         await driver.lease(async (c) => {
           await c.script("begin");
           await c.rows("insert into written values ($1)", [n]);
           await c.script("commit");
         });
         process.stdout.write(n + "\\n");
       }`,
    );
    const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
    let last = 0;
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk: Buffer) => {
        last = Number(chunk.toString().trim().split("\n").at(-1));
        if (last > 50) child.kill("SIGKILL");
      });
      child.once("exit", () => resolve());
    });
    const driver = await openPglite({ directory, cache });
    const [row] = await driver.lease((c) =>
      c.rows("select count(*)::integer, max(n) from written", []),
    );
    expect(row?.[0]).toBe(row?.[1]);
    expect(row?.[1]).toBeGreaterThanOrEqual(last);
    await driver.close();
  });

  it("goes on with a new thread where Postgres ended in the middle of a statement", async () => {
    const driver = await openPglite({ directory, cache });
    await driver.lease((c) =>
      c.script("create table kept (n integer); insert into kept values (7)"),
    );
    await driver.lease(async (c) => c.discard());
    expect(await driver.lease((c) => c.rows("select n from kept", []))).toEqual([[7]]);
    await driver.close();
  });
});
