import { describe, expect, it } from "vitest";
import {
  canonicalJson,
  generateSigningKey,
  headerHash,
  importSigner,
  importVerifier,
  NO_PARENT,
  objectHash,
  signHeader,
  signKeyRotation,
  stateRoot,
  verifyHeader,
  verifyKeyRotation,
} from "./index.ts";

const header = {
  mesh: "m1",
  number: 1,
  parent: 0,
  parentHash: NO_PARENT,
  time: "2026-01-01T00:00:00.000Z",
  stateRoot: "a".repeat(64),
};

describe("canonical JSON", () => {
  it("is the same text for any order of members and leaves out undefined ones", () => {
    expect(canonicalJson({ b: [1, null, { z: "é", a: 1e21 }], a: undefined, A: true })).toBe(
      '{"A":true,"b":[1,null,{"a":1e+21,"z":"é"}]}',
    );
  });
  it("refuses what JSON cannot hold", () => {
    expect(() => canonicalJson({ a: Number.NaN })).toThrow(TypeError);
    expect(() => canonicalJson(() => 1)).toThrow(TypeError);
  });
});

describe("state root", () => {
  it("does not depend on the order of pairs, and depends on each", async () => {
    const a = await objectHash({ x: 1 });
    const b = await objectHash({ x: 2 });
    const root = await stateRoot([
      ["k1", a],
      ["k2", b],
    ]);
    expect(
      await stateRoot([
        ["k2", b],
        ["k1", a],
      ]),
    ).toBe(root);
    expect(
      await stateRoot([
        ["k2", a],
        ["k1", b],
      ]),
    ).not.toBe(root);
    expect(await stateRoot([])).toHaveLength(64);
  });
});

describe("signatures", () => {
  it("hold for exactly the signed header and key", async () => {
    const { publicKey, privateKey } = await generateSigningKey();
    const signature = await signHeader(header, await importSigner(privateKey));
    const verifier = await importVerifier(publicKey);
    expect(await verifyHeader(header, signature, verifier)).toBe(true);
    for (const change of [
      { mesh: "m2" },
      { number: 2 },
      { parent: 1 },
      { parentHash: "b".repeat(64) },
      { time: "2026-01-01T00:00:01.000Z" },
      { stateRoot: "b".repeat(64) },
    ])
      expect(
        await verifyHeader({ ...header, ...change }, signature, verifier),
        JSON.stringify(change),
      ).toBe(false);
    const other = await importVerifier((await generateSigningKey()).publicKey);
    expect(await verifyHeader(header, signature, other)).toBe(false);
    expect(await verifyHeader(header, "not a signature", verifier)).toBe(false);
    expect(await headerHash(header)).not.toBe(await headerHash({ ...header, number: 2 }));
  });
  it("let the old key name the new one", async () => {
    const old = await generateSigningKey();
    const next = await generateSigningKey();
    const signature = await signKeyRotation(
      "m1",
      next.publicKey,
      await importSigner(old.privateKey),
    );
    const verifier = await importVerifier(old.publicKey);
    expect(await verifyKeyRotation("m1", next.publicKey, signature, verifier)).toBe(true);
    expect(await verifyKeyRotation("m2", next.publicKey, signature, verifier)).toBe(false);
    expect(await verifyKeyRotation("m1", old.publicKey, signature, verifier)).toBe(false);
  });
});
