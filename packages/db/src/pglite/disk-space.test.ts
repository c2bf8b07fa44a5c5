import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPglite } from "./open.ts";

/** A small file system of its own, where this user may mount one. */
function mountSmall(directory: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=100m", "tmpfs", directory], {
      stdio: "ignore",
    });
    return true;
  } catch {
    return false;
  }
}

describe("a full disk", () => {
  let home: string;
  let mounted: boolean;
  beforeEach(() => {
    home = mkdtempSync(path.join(tmpdir(), "heddle-full-"));
    mounted = mountSmall(home);
  });
  afterEach(() => {
    if (mounted) execFileSync("umount", ["--lazy", home]);
    rmSync(home, { recursive: true, force: true });
  });

  it("refuses writes, still reads, starts again, and goes on when there is room", async ({
    skip,
  }) => {
    if (!mounted) skip("this user may not mount a small file system");
    const options = {
      directory: path.join(home, "data"),
      cache: path.join(tmpdir(), "heddle-cache"),
    };
    let driver = await openPglite(options);
    await driver.lease((c) =>
      c.script("create table kept (n integer); insert into kept values (7)"),
    );
    const ballast = path.join(home, "ballast");
    writeFileSync(ballast, Buffer.alloc(40_000_000));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const insert = () => driver.lease((c) => c.rows("insert into kept values (8)", []));
    const read = () => driver.lease((c) => c.rows("select n from kept", []));
    await expect(insert()).rejects.toMatchObject({
      code: "ENOSPC",
      message: expect.stringContaining("No space left"),
    });
    expect(await read()).toEqual([[7]]);
    await driver.close();
    driver = await openPglite(options);
    expect(await read()).toEqual([[7]]);
    rmSync(ballast);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await insert();
    expect(await read()).toEqual([[7], [8]]);
    await driver.close();
  });
});
