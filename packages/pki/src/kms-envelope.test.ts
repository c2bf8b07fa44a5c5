import { describe, expect, it } from "vitest";
import {
  ASKED_AGAIN_AFTER,
  createEnvelope,
  createKmsEnvelope,
  DATA_KEY_FRESH,
  DATA_KEY_KEPT,
  type KeyService,
  layeredEnvelope,
  PkiError,
} from "./index.ts";

/** A service that keeps what it wrapped, counts its calls, and fails as it is told. */
function service() {
  const wrapped: string[] = [];
  const state = { version: 1, calls: 0, failure: undefined as PkiError | undefined };
  const asked = () => {
    state.calls++;
    if (state.failure) throw state.failure;
  };
  const keys: KeyService = {
    name: "the key service",
    wrap: async (dataKey) => {
      asked();
      return `kms:v${state.version}:${wrapped.push(dataKey.toString()) - 1}`;
    },
    unwrap: async (text) => {
      asked();
      const bytes = wrapped[Number(text.split(":")[2])] ?? "";
      return Uint8Array.from(bytes.split(","), Number);
    },
  };
  let now = 1_000_000;
  return {
    ...{ keys, state, wrapped },
    advance: (milliseconds: number) => void (now += milliseconds),
    envelope: () => createKmsEnvelope(keys, () => now),
    away: () => (state.failure = new PkiError("HDL9120", "No answer.")),
    refuses: () => (state.failure = new PkiError("HDL9121", "Permission denied.")),
    isBack: () => (state.failure = undefined),
  };
}
const versionOf = (sealed: string) => atob(sealed.split(".")[1] ?? "").split(":")[1];

describe("an envelope of a key service", () => {
  it("seals many keys with one data key, which lies wrapped beside each, and opens them in another process", async () => {
    const kms = service();
    const envelope = kms.envelope();
    const sealed = await Promise.all(["a", "b"].map((each) => envelope.seal(each, `mesh/${each}`)));
    await envelope.seal("c", "mesh/c");
    const other = kms.envelope();
    for (const [index, text] of ["a", "b"].entries())
      expect(await other.open(sealed[index] ?? "", `mesh/${text}`)).toBe(text);
    expect(sealed.join(" ")).not.toContain(kms.wrapped[0]);
    await expect(other.open(sealed[0] ?? "", "mesh/b")).rejects.toMatchObject({ code: "HDL7104" });
    await expect(other.open("v2.%%.a.b", "mesh/b")).rejects.toMatchObject({ code: "HDL7104" });
  });

  it("asks for a key that it has once in five minutes, and goes on for an hour while the service is away", async () => {
    const kms = service();
    const envelope = kms.envelope();
    const sealed = await envelope.seal("a", "p");
    const open = () => envelope.open(sealed, "p");
    for (let i = 0; i < 100; i++) await open();
    expect(kms.state.calls).toBe(1);
    kms.advance(DATA_KEY_FRESH);
    await open();
    expect(kms.state.calls).toBe(2);
    kms.away();
    kms.advance(DATA_KEY_FRESH);
    for (let i = 0; i < 100; i++) await open();
    expect(kms.state.calls).toBe(3);
    kms.advance(ASKED_AGAIN_AFTER);
    await open();
    expect(kms.state.calls).toBe(4);
    // What is sealed meanwhile is sealed with a key that the service knows.
    const meanwhile = await envelope.seal("b", "p");
    await expect(envelope.check()).rejects.toMatchObject({ code: "HDL9120" });
    kms.advance(DATA_KEY_KEPT - DATA_KEY_FRESH - ASKED_AGAIN_AFTER - 1);
    expect(await open()).toBe("a");
    kms.advance(1);
    await expect(open()).rejects.toMatchObject({ code: "HDL9120" });
    await expect(envelope.seal("c", "p")).rejects.toMatchObject({ code: "HDL9120" });
    kms.isBack();
    kms.advance(ASKED_AGAIN_AFTER);
    expect(await open()).toBe("a");
    expect(await kms.envelope().open(meanwhile, "p")).toBe("b");
    await envelope.check();
  });

  it("closes within five minutes after access was withdrawn", async () => {
    const kms = service();
    const envelope = kms.envelope();
    const sealed = await envelope.seal("a", "p");
    kms.refuses();
    expect(await envelope.open(sealed, "p")).toBe("a");
    kms.advance(DATA_KEY_FRESH);
    await expect(envelope.open(sealed, "p")).rejects.toMatchObject({ code: "HDL9121" });
    await expect(envelope.seal("b", "p")).rejects.toMatchObject({ code: "HDL9121" });
    kms.away();
    await expect(envelope.open(sealed, "p")).rejects.toMatchObject({ code: "HDL9120" });
  });

  it("seals under the service's new version once it is renewed", async () => {
    const kms = service();
    const envelope = kms.envelope();
    expect(versionOf(await envelope.seal("a", "p"))).toBe("v1");
    kms.state.version = 2;
    expect(versionOf(await envelope.seal("a", "p"))).toBe("v1");
    envelope.renew();
    expect(versionOf(await envelope.seal("a", "p"))).toBe("v2");
  });
});

describe("an envelope with a former one", () => {
  it("opens what either has sealed, seals with the first, and says when neither can", async () => {
    const kms = service().envelope();
    const local = createEnvelope(new Uint8Array(32).fill(1));
    const before = await local.seal("a", "p");
    const both = layeredEnvelope(kms, [local]);
    expect(await both.open(before, "p")).toBe("a");
    const after = await both.seal("a", "p");
    expect(await kms.open(after, "p")).toBe("a");
    await expect(layeredEnvelope(local, []).open(after, "p")).rejects.toMatchObject({
      code: "HDL9122",
      message: expect.stringContaining("the plane's own envelope key cannot open"),
    });
  });
});
