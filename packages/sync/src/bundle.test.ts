import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  acceptBundle,
  emptyState,
  encodeBundle,
  headOf,
  type Head,
  type MeshState,
  parseBundle,
} from "./index.ts";
import { testHistory } from "./testing/history.ts";

async function twoRevisions() {
  const history = await testHistory();
  const one = await history.commit({ a: { x: 1 }, b: { y: "z" } });
  const two = await history.commit({ a: { x: 2 }, b: null, c: {} });
  return { history, one, two };
}

describe("a bundle", () => {
  it("leads from state to state, and a snapshot leads there from nothing", async () => {
    const { history, one, two } = await twoRevisions();
    const accept = (state: MeshState, text: string, head: Head) =>
      acceptBundle(state, text, { mesh: history.mesh, head, verifier: history.verifier });
    const first = await accept(emptyState, one.text, one.head);
    const second = await accept(first.state, two.text, two.head);
    expect([...second.state.objects.keys()].toSorted()).toEqual(["a", "c"]);
    expect(second.changed.toSorted()).toEqual(["a", "b", "c"]);
    const head = await history.snapshot();
    const snapshot = await accept(emptyState, history.bundles.get(head.bundle) as string, head);
    expect(snapshot.state.objects).toEqual(second.state.objects);
    const jumped = await accept(first.state, history.bundles.get(head.bundle) as string, head);
    expect(jumped.changed.toSorted()).toEqual(["a", "b", "c"]);
  });

  it("is refused where it does not follow, goes back, or is of another mesh", async () => {
    const { history, one, two } = await twoRevisions();
    const at = async (state: MeshState, text: string, head: Head, mesh = history.mesh) =>
      acceptBundle(state, text, { mesh, head, verifier: history.verifier });
    await expect(at(emptyState, two.text, two.head)).rejects.toMatchObject({ code: "HDL7015" });
    await expect(at(two.state, one.text, one.head)).rejects.toMatchObject({ code: "HDL7007" });
    await expect(at(emptyState, one.text, one.head, "mesh-2")).rejects.toMatchObject({
      code: "HDL7009",
    });
    await expect(at(emptyState, one.text, two.head)).rejects.toMatchObject({ code: "HDL7005" });
    const foreign = await testHistory();
    await expect(
      acceptBundle(emptyState, one.text, {
        mesh: history.mesh,
        head: one.head,
        verifier: foreign.verifier,
      }),
    ).rejects.toMatchObject({ code: "HDL7004" });
  });

  it("is refused with any changed member, even under a fresh hash", async () => {
    const { history, one } = await twoRevisions();
    const text = one.text;
    const forgeries: Record<string, (bundle: any) => void> = {
      object: (b) => void (b.changes[0].object.x = 7),
      key: (b) => void (b.changes[0].key = "q"),
      drop: (b) => void b.changes.pop(),
      root: (b) => void (b.header.stateRoot = "0".repeat(64)),
      number: (b) => void (b.header.number = 9),
      overlay: (b) =>
        void b.overlays.push({
          name: "o",
          overlay: {
            name: "o",
            scope: { kind: "everyone" },
            expiresAt: "2030-01-01T00:00:00Z",
            changes: [],
          },
        }),
    };
    for (const [what, change] of Object.entries(forgeries)) {
      const bundle = JSON.parse(text);
      change(bundle);
      const forged = await encodeBundle(bundle);
      const head = await headOf(parseBundle(forged.text), forged.hash);
      await expect(
        acceptBundle(emptyState, forged.text, {
          mesh: history.mesh,
          head,
          verifier: history.verifier,
        }),
        what,
      ).rejects.toMatchObject({ code: expect.stringMatching(/^HDL700[46]$/) });
    }
  });

  it("is never accepted with tampered bytes", async () => {
    const { history, one } = await twoRevisions();
    await fc.assert(
      fc.asyncProperty(
        fc.nat(one.text.length - 1),
        fc.integer({ min: 32, max: 126 }),
        async (index, code) => {
          const byte = String.fromCharCode(code);
          if (one.text[index] === byte) return;
          const text = one.text.slice(0, index) + byte + one.text.slice(index + 1);
          await expect(
            acceptBundle(emptyState, text, {
              mesh: history.mesh,
              head: one.head,
              verifier: history.verifier,
            }),
          ).rejects.toMatchObject({ code: "HDL7005" });
        },
      ),
      { numRuns: 200 },
    );
  });
});
