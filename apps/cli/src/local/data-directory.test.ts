import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { planeDirectories } from "./data-directory.ts";

let data: string;
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), "heddle-data-"));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

describe("the directories of a plane", () => {
  it("are below --data", () => {
    expect(planeDirectories(data).dataDir).toBe(path.join(data, "plane"));
  });

  it("stay --data itself where a plane has been kept right in it", () => {
    writeFileSync(path.join(data, "admin-token"), "t");
    expect(planeDirectories(data).dataDir).toBe(data);
    mkdirSync(path.join(data, "plane"));
    expect(planeDirectories(data).dataDir).toBe(path.join(data, "plane"));
  });

  it("share prepared databases with data beside them, and keep them inside a folder of Heddle's own", () => {
    expect(planeDirectories("/srv/mesh/a").cacheDir).toBe("/srv/mesh/.heddle/cache");
    expect(planeDirectories("/home/u/.heddle").cacheDir).toBe("/home/u/.heddle/cache");
  });
});
