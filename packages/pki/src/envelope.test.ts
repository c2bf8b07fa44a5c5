import { describe, expect, it } from "vitest";
import { createEnvelope } from "./index.ts";

const key = (fill: number) => new Uint8Array(32).fill(fill);

describe("an envelope", () => {
  it("opens only with the same key, for the same purpose, with the same bytes", async () => {
    const envelope = createEnvelope(key(1));
    const sealed = await envelope.seal("secret ✓", "mesh/1/signing");
    expect(sealed).not.toContain("secret");
    expect(await envelope.open(sealed, "mesh/1/signing")).toBe("secret ✓");
    const flipped = sealed.slice(0, -6) + (sealed.at(-6) === "A" ? "B" : "A") + sealed.slice(-5);
    const other = createEnvelope(key(2));
    for (const attempt of [
      () => envelope.open(sealed, "mesh/2/signing"),
      () => envelope.open(flipped, "mesh/1/signing"),
      () => envelope.open("v2.a.b", "mesh/1/signing"),
      () => other.open(sealed, "mesh/1/signing"),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: "HDL7104" });
  });

  it("needs a key of 32 bytes", async () => {
    expect(() => createEnvelope(new Uint8Array(16))).toThrow(
      expect.objectContaining({ code: "HDL7107" }),
    );
  });
});
