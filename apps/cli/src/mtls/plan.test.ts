import type { MutualTlsMode, NamespaceMutualTls } from "@heddle/client";
import { describe, expect, it } from "vitest";
import { planOf } from "./plan.ts";
import { asBefore, strict } from "./policy.ts";

const TO = "2026-11-30T12:00:00.000Z";
const namespace = (
  name: string,
  mode: MutualTlsMode | null,
  requests: number,
  own: { plaintext?: number; callers?: NamespaceMutualTls["callers"] } = {},
): NamespaceMutualTls => ({
  namespace: name,
  workloads: [{ name: "web", mode, ports: {}, requests, plaintext: own.plaintext ?? 0 }],
  callers: own.callers ?? [],
});
const nightly = {
  ...{ source: { namespace: "batch", name: "nightly" }, address: "10.0.0.9" },
  ...{ destination: { namespace: "pay", name: "web" }, requests: 2, lastSeen: TO },
};

describe("a plan", () => {
  const plan = (...namespaces: NamespaceMutualTls[]) =>
    planOf({ from: TO, to: TO, namespaces }).map((each) => [each.namespace, each.standing]);

  it("has first what is ready, the quietest before the busy", () => {
    expect(
      plan(
        namespace("done", "STRICT", 5),
        namespace("pay", "PERMISSIVE", 5, { plaintext: 2, callers: [nightly] }),
        namespace("busy", "PERMISSIVE", 500),
        namespace("quiet", "DISABLE", 5),
        namespace("idle", "PERMISSIVE", 0),
        namespace("old", null, 5),
      ),
    ).toEqual([
      ["quiet", "ready"],
      ["busy", "ready"],
      ["idle", "unseen"],
      ["pay", "blocked"],
      ["old", "unknown"],
      ["done", "strict"],
    ]);
  });

  it("is blocked by whoever is in the access log and was not counted, and the other way round", () => {
    expect(plan(namespace("pay", "PERMISSIVE", 5, { callers: [nightly] }))).toEqual([
      ["pay", "blocked"],
    ]);
    const [counted] = planOf({
      ...{ from: TO, to: TO },
      namespaces: [namespace("pay", "PERMISSIVE", 5, { plaintext: 3 })],
    });
    expect(counted).toMatchObject({
      standing: "blocked",
      callers: [{ source: null, address: "", requests: 3 }],
    });
  });
});

describe("a policy", () => {
  const stored = (change: { objects: readonly object[] }) => ({
    ...(change.objects[0] as { metadata: { name: string; namespace: string } }),
    ...{ apiVersion: "security.istio.io/v1", kind: "PeerAuthentication", owner: "hosted" },
    ...{
      key: "security.istio.io/PeerAuthentication/pay/x",
      revision: 1,
      hash: "",
      diagnostics: [],
    },
    spec: (change.objects[0] as { spec: unknown }).spec,
  });

  it("that was made goes with undo", () => {
    const made = strict("pay", undefined);
    expect(made.objects).toMatchObject([
      { metadata: { name: "default", namespace: "pay" }, spec: { mtls: { mode: "STRICT" } } },
    ]);
    expect(asBefore(stored(made))).toEqual({
      objects: [],
      delete: ["security.istio.io/PeerAuthentication/pay/x"],
    });
  });

  it("that was changed keeps all else, and says again what it said", () => {
    const before = stored({
      objects: [
        {
          metadata: { name: "old", namespace: "pay", annotations: { team: "pay" } },
          spec: { mtls: { mode: "DISABLE" } },
        },
      ],
    });
    const changed = strict("pay", before);
    expect(changed.objects).toMatchObject([
      {
        metadata: { name: "old", annotations: { team: "pay" } },
        spec: { mtls: { mode: "STRICT" } },
      },
    ]);
    expect(asBefore(stored(changed))?.objects).toMatchObject([
      {
        metadata: { name: "old", annotations: { team: "pay" } },
        spec: { mtls: { mode: "DISABLE" } },
      },
    ]);
    expect(asBefore(before)).toBeUndefined();
  });
});
