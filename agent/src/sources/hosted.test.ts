import { describe, expect, it } from "vitest";
import { emptyState, type MeshState, type Overlay } from "@heddle/sync";
import { createHostedSource, everyKey } from "./hosted.ts";

const KEY = "networking.istio.io/VirtualService/default/web";
const rule = (timeout: string) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "web", namespace: "default" },
  spec: { hosts: ["web"], http: [{ timeout, route: [{ destination: { host: "web" } }] }] },
});
const state = (values: Record<string, object>, overlays: Overlay[] = []): MeshState => ({
  ...emptyState,
  objects: new Map(
    Object.entries(values).map(([stateKey, object]) => {
      const [key = "", cohort = "stable"] = stateKey.split("@");
      return [
        stateKey,
        { key, cohort: cohort as "stable", object: object as never, hash: JSON.stringify(object) },
      ];
    }),
  ),
  overlays: new Map(overlays.map((overlay) => [overlay.name, { overlay, hash: overlay.name }])),
});
const timeoutOf = (object: unknown) =>
  (object as { spec: { http: { timeout: string }[] } } | null)?.spec.http[0]?.timeout;

describe("the plane's objects as a source", () => {
  it("are read once for each value and keep their identity", () => {
    const hosted = createHostedSource();
    const one = state({ [KEY]: rule("1s") });
    const first = hosted.accept(one, everyKey(one), 0).get(KEY)?.object;
    expect(timeoutOf(first)).toBe("1s");
    expect(hosted.accept(one, [KEY], 0).get(KEY)?.object).toBe(first);
    expect(hosted.accept(emptyState, [KEY], 0).get(KEY)).toBeUndefined();
  });

  it("carry the candidate cohort's value beside the stable one", () => {
    const hosted = createHostedSource();
    const staged = state({ [KEY]: rule("1s"), [`${KEY}@candidate`]: rule("2s") });
    const { object, candidate } = hosted.accept(staged, [`${KEY}@candidate`], 0).get(KEY) ?? {};
    expect([timeoutOf(object), timeoutOf(candidate)]).toEqual(["1s", "2s"]);
    const settled = hosted.accept(state({ [KEY]: rule("1s") }), [`${KEY}@candidate`], 0).get(KEY);
    expect(settled && "candidate" in settled).toBe(false);
  });

  it("are seen through overlays until these expire, whether or not the plane is there", () => {
    const hosted = createHostedSource();
    const overlay = (
      name: string,
      kind: "everyone" | "candidates",
      timeout: string,
      at: number,
    ): Overlay => ({
      name,
      scope: { kind },
      expiresAt: new Date(at).toISOString(),
      changes: [{ key: KEY, object: rule(timeout) }],
    });
    const overlaid = state({ [KEY]: rule("1s") }, [
      overlay("chaos", "everyone", "9s", 1_000),
      overlay("canary", "candidates", "5s", 2_000),
    ]);
    const at = (now: number) => {
      const value = (
        now === 0 ? hosted.accept(overlaid, everyKey(overlaid), now) : hosted.expire(now)
      ).get(KEY);
      return [
        timeoutOf(value?.object),
        timeoutOf(value && "candidate" in value ? value.candidate : value?.object),
      ];
    };
    expect(at(0)).toEqual(["9s", "9s"]);
    expect(hosted.nextExpiry(0)).toBe(1_000);
    expect(at(1_000)).toEqual(["1s", "5s"]);
    expect(at(2_000)).toEqual(["1s", "1s"]);
    expect(hosted.nextExpiry(2_000)).toBeUndefined();
  });

  it("keep their last good value where a newer plane sends what this agent cannot read", () => {
    const hosted = createHostedSource();
    const good = state({ [KEY]: rule("1s") });
    hosted.accept(good, everyKey(good), 0);
    const newer = state({ [KEY]: { ...rule("1s"), spec: { hosts: ["web"], quantum: true } } });
    expect(timeoutOf(hosted.accept(newer, [KEY], 0).get(KEY)?.object)).toBe("1s");
    expect(hosted.diagnostics()).toMatchObject([
      { code: "HDL7213", origin: "VirtualService default/web" },
    ]);
    hosted.accept(good, [KEY], 0);
    expect(hosted.diagnostics()).toEqual([]);
  });

  it("refuse what a policy is for that this agent never could read", () => {
    const hosted = createHostedSource();
    const key = "security.istio.io/AuthorizationPolicy/default/guard";
    const policy = (rules: object[]) => ({
      apiVersion: "security.istio.io/v1",
      kind: "AuthorizationPolicy",
      metadata: { name: "guard", namespace: "default" },
      spec: { rules },
    });
    const specOf = (rules: object[]) => {
      const one = state({ [key]: policy(rules) });
      return hosted.accept(one, [key], 0).get(key)?.object?.spec;
    };
    expect(specOf([{ quantum: true }])).toEqual({ action: "DENY", rules: [{}] });
    expect(hosted.diagnostics()).toMatchObject([
      { code: "HDL7213", message: expect.stringContaining("refused") as unknown },
    ]);
    expect(specOf([])).toEqual({ rules: [] });
    expect(specOf([{ quantum: true }])).toEqual({ rules: [] });
  });
});
