import { afterEach, describe, expect, it, vi } from "vitest";
import { createCallers, type MachineAccount } from "./callers.ts";

const silent = { info() {}, warn() {}, error() {} };

function token(pod?: { name: string; uid: string }): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const bound = { namespace: "shop", serviceaccount: { name: "legacy" }, ...(pod ? { pod } : {}) };
  const claims = { iat: now, exp: now + 3_600, "kubernetes.io": bound };
  return `${part({ alg: "ES256" })}.${part(claims)}.AAAA`;
}

function callers(takesMachines = true) {
  const state = { reviews: 0, good: true };
  const account: MachineAccount = {
    admit: () => {
      throw new Error("not asked for");
    },
    workload: () => ({ pod: "", addresses: [], labels: {} }),
  };
  const made = createCallers({
    audience: "heddle",
    // No keys are known: the API server's word is all that there is.
    keys: { known: () => Promise.resolve(undefined), again: () => Promise.resolve(undefined) },
    review: () => {
      state.reviews++;
      return Promise.resolve({ good: state.good, reason: "" });
    },
    podAt: () => undefined,
    ...(takesMachines ? { machines: () => Promise.resolve(account) } : {}),
    log: silent,
    patience: 0,
  });
  return { made, state };
}

afterEach(() => vi.useRealTimers());

describe("a token that names no pod", () => {
  it("is a machine's where machines are taken", async () => {
    const caller = await callers().made.prove(token());
    expect(caller).toMatchObject({ namespace: "shop", serviceAccount: "legacy" });
    expect("admit" in caller).toBe(true);
    await expect(callers(false).made.prove(token())).rejects.toMatchObject({ code: "HDL7251" });
  });

  it("is what a pod's token never stands in for, also when its pod is gone", async () => {
    await expect(callers().made.prove(token({ name: "p", uid: "1" }))).rejects.toMatchObject({
      code: "HDL7252",
    });
  });

  it("is asked about again each minute, since nobody tells of an account's end", async () => {
    vi.useFakeTimers({ toFake: ["performance", "Date"] });
    const { made, state } = callers();
    const text = token();
    await made.prove(text);
    await made.prove(text);
    expect(state.reviews).toBe(1);
    vi.advanceTimersByTime(61_000);
    state.good = false;
    await expect(made.prove(text)).rejects.toMatchObject({ code: "HDL7252" });
    expect(state.reviews).toBe(2);
  });
});
