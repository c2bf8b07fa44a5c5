import { batch, signal } from "@preact/signals-core";
import { describe, expect, it } from "vitest";
import { derivation, type ModelReader } from "../read.ts";
import { Claims } from "./claims.ts";
import { deepEqual } from "./deep-equal.ts";
import { DerivationFailed } from "./shared-value.ts";
import { Engine } from "./engine.ts";
import { Watcher } from "./watcher.ts";

/** An engine whose derivations read signals; its reader knows `get` alone. */
function engine(): { engine: Engine; claims: Claims; read: ModelReader } {
  const claims = new Claims();
  const made = new Engine(claims);
  const read = { get: (d: never, key: never) => made.get(d, key) } as unknown as ModelReader;
  made.reader = read;
  return { engine: made, claims, read };
}

/** Holds what it reads, as a part of a view does. */
function held<T>(read: () => T): { value: () => T; dirty: () => boolean; drop: () => void } {
  let value: T;
  const watcher = new Watcher(
    () => {
      value = read();
    },
    () => {},
  );
  const update = (): T => {
    if (watcher.dirty) watcher.run();
    return value;
  };
  update();
  return { value: update, dirty: () => watcher.dirty, drop: () => watcher.dispose() };
}

describe("a derivation", () => {
  it("is computed once for all who ask with equal keys", () => {
    const { engine: one, read } = engine();
    const double = derivation<{ n: number }, number>(
      "double",
      ({ n }) => String(n),
      (_, { n }) => n * 2,
    );
    const a = held(() => read.get(double, { n: 4 }));
    const b = held(() => read.get(double, { n: 4 }));
    expect([a.value(), b.value()]).toEqual([8, 8]);
    expect(one.stats().byName["double"]).toEqual({ alive: 1, recomputed: 1 });
  });

  it("runs again when what it read has changed, and only then", () => {
    const { engine: one, read } = engine();
    const [x, y] = [signal(1), signal(1)];
    const sum = derivation<string, number>(
      "sum",
      (key) => key,
      (_, key) => (key === "x" ? x.value : y.value) + 1,
    );
    const both = held(() => [read.get(sum, "x"), read.get(sum, "y")]);
    one.stats();
    x.value = 5;
    expect(both.value()).toEqual([6, 2]);
    expect(one.stats().byName["sum"]?.recomputed).toBe(1);
  });

  it("keeps the identity of a value that comes out equal, and stops the change there", () => {
    const { engine: one, read } = engine();
    const source = signal(1);
    const parity = derivation<"", { odd: boolean }>(
      "parity",
      () => "",
      () => ({ odd: source.value % 2 === 1 }),
    );
    const named = derivation<"", { text: string }>(
      "named",
      () => "",
      (reader) => ({ text: reader.get(parity, "").odd ? "odd" : "even" }),
    );
    const view = held(() => read.get(named, ""));
    const before = view.value();
    one.stats();
    source.value = 3;
    expect(view.value()).toBe(before);
    const { byName } = one.stats();
    expect([byName["parity"]?.recomputed, byName["named"]?.recomputed]).toEqual([1, 0]);
  });

  it("is forgotten when the last who holds it goes, with all that it alone held", () => {
    const { engine: one, claims, read } = engine();
    const inner = derivation<number, number>("inner", String, (_, n) => n);
    const outer = derivation<number, number>("outer", String, (reader, n) => reader.get(inner, n));
    const a = held(() => read.get(outer, 1));
    const b = held(() => read.get(inner, 1));
    a.drop();
    claims.sweep();
    expect(one.stats().byName).toMatchObject({ outer: { alive: 0 }, inner: { alive: 1 } });
    b.drop();
    claims.sweep();
    expect(one.stats().alive).toBe(0);
  });

  it("is forgotten though it was read without being held", () => {
    const { engine: one, claims, read } = engine();
    expect(
      read.get(
        derivation<"", number>(
          "loose",
          () => "",
          () => 1,
        ),
        "",
      ),
    ).toBe(1);
    expect(one.stats().alive).toBe(1);
    claims.sweep();
    expect(one.stats().alive).toBe(0);
  });

  it("keeps its last good value when it fails, and says so until it succeeds", () => {
    const { engine: one, read } = engine();
    const source = signal(1);
    const fragile = derivation<"", number>(
      "fragile",
      () => "",
      () => {
        if (source.value === 2) throw new Error("two is too many");
        return source.value;
      },
    );
    const view = held(() => read.get(fragile, ""));
    source.value = 2;
    expect(view.value()).toBe(1);
    expect(one.failures()).toMatchObject([
      { derivation: "fragile", error: { message: "two is too many" } },
    ]);
    source.value = 3;
    expect(view.value()).toBe(3);
    expect(one.failures()).toEqual([]);
  });

  it("fails its readers when it never had a value, but is reported alone", () => {
    const { engine: one, read } = engine();
    const broken = derivation<"", number>(
      "broken",
      () => "",
      () => {
        throw new Error("no");
      },
    );
    const reader = derivation<"", number>(
      "reader",
      () => "",
      (r) => r.get(broken, "") + 1,
    );
    const view = held(() => {
      try {
        return read.get(reader, "");
      } catch (error) {
        return error;
      }
    });
    expect(view.value()).toBeInstanceOf(DerivationFailed);
    expect(one.failures().map((each) => each.derivation)).toEqual(["broken"]);
  });

  it("reports a circle instead of running in it", () => {
    const { engine: one, read } = engine();
    const circle: ReturnType<typeof derivation<"", number>> = derivation(
      "circle",
      () => "",
      (reader): number => reader.get(circle, ""),
    );
    expect(() => read.get(circle, "")).toThrow(DerivationFailed);
    expect(one.failures()).toHaveLength(1);
  });
});

describe("a watcher", () => {
  it("does nothing by itself when what it read changes, and says once that it is out of date", () => {
    const source = signal(1);
    let runs = 0;
    let told = 0;
    const watcher = new Watcher(
      () => {
        runs++;
        void source.value;
      },
      () => {
        told++;
      },
    );
    watcher.run();
    batch(() => {
      source.value = 2;
      source.value = 3;
    });
    source.value = 4;
    expect([runs, told, watcher.dirty]).toEqual([1, 1, true]);
    watcher.run();
    source.value = 5;
    expect([runs, told]).toEqual([2, 2]);
  });

  it("hears nothing after it was disposed of", () => {
    const source = signal(1);
    const watcher = new Watcher(
      () => void source.value,
      () => expect.unreachable(),
    );
    watcher.run();
    watcher.dispose();
    source.value = 2;
  });
});

describe("deep equality", () => {
  it.each([
    [{ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, true],
    [{ a: undefined, b: 1 }, { b: 1 }, true],
    [{ b: 1 }, { a: undefined, b: 1 }, true],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [[1, 2], [2, 1], false],
    [[], {}, false],
    [null, {}, false],
    [new Map([["a", [1]]]), new Map([["a", [1]]]), true],
    [
      new Map([
        ["a", 1],
        ["b", 2],
      ]),
      new Map([
        ["b", 2],
        ["a", 1],
      ]),
      false,
    ],
    [new Set([1]), new Set([1]), true],
    [new Set([1]), new Set([2]), false],
    [new Date(0), new Date(0), false],
    [Number.NaN, Number.NaN, true],
  ])("of %j and %j is %s", (a, b, equal) => {
    expect(deepEqual(a, b)).toBe(equal);
  });
});
