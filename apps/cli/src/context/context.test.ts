import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { adoptMesh, loadContext, loadPlane, saveContext } from "./context.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-context-"));
  vi.stubEnv("HEDDLE_CONFIG", path.join(folder, "config.json"));
  for (const name of ["CONTEXT", "URL", "TOKEN", "MESH"]) vi.stubEnv(`HEDDLE_${name}`, "");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const A = { url: "http://a", token: "ta", mesh: "ma", namespace: "na", agent: "http://agent" };
const B = { url: "http://b", token: "tb" };

describe("the context that a command works in", () => {
  it("is the last that was saved, another by name, and flags before the environment before the file", async () => {
    await saveContext("b", B);
    await saveContext("a", A);
    expect(await loadContext({})).toEqual(A);
    expect(await loadPlane({ context: "b" })).toEqual(B);
    vi.stubEnv("HEDDLE_CONTEXT", "b");
    expect(await loadPlane({})).toEqual(B);
    vi.stubEnv("HEDDLE_MESH", "from-environment");
    expect(await loadContext({})).toEqual({ ...B, mesh: "from-environment", namespace: "default" });
    expect(await loadContext({ mesh: "flag", url: "http://flag", namespace: "n" })).toEqual({
      ...{ url: "http://flag", token: "tb", mesh: "flag", namespace: "n" },
    });
  });

  it("is refused with what to do where a plane, a mesh or the name is missing", async () => {
    const code = (work: Promise<unknown>) => work.catch((error: { code: string }) => error.code);
    expect(await code(loadPlane({}))).toBe("HDL9022");
    await saveContext("b", B);
    expect(await code(loadContext({}))).toBe("HDL9025");
    expect(await code(loadPlane({ context: "c" }))).toBe("HDL9021");
    await writeFile(path.join(folder, "config.json"), "{");
    expect(await code(loadPlane({}))).toBe("HDL9020");
  });

  it("takes a new mesh for its own only where it had none, and where the plane is the context's", async () => {
    await saveContext("b", B);
    expect(await adoptMesh({ url: "http://elsewhere" }, "new")).toBeUndefined();
    expect(await adoptMesh({}, "new")).toBe("b");
    expect(await adoptMesh({}, "newer")).toBeUndefined();
    expect(await loadContext({})).toMatchObject({ mesh: "new" });
  });
});
