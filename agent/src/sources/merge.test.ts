import type { MeshObject } from "@heddle/model";
import { describe, expect, it } from "vitest";
import { createMergedModel } from "./merge.ts";

const object = (name: string, value: number): MeshObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default", labels: {}, annotations: {} },
  spec: { value },
});

describe("the merged model", () => {
  it("gives each object one owner, the cluster first, and says who lost", () => {
    const model = createMergedModel();
    const [ours, theirs] = [object("a", 1), object("a", 2)];
    expect(model.update("hosted", new Map([["k", { object: theirs }]]))).toEqual([
      { key: "k", object: theirs },
    ]);
    expect(model.conflicts()).toEqual([]);
    expect(model.update("cluster", new Map([["k", { object: ours }]]))).toEqual([
      { key: "k", object: ours },
    ]);
    expect(model.conflicts()).toMatchObject([{ code: "HDL7210", origin: "ConfigMap default/a" }]);
    expect(model.update("hosted", new Map([["k", { object: object("a", 3) }]]))).toEqual([]);
    expect([...model.entries()]).toEqual([["k", "cluster", ours]]);
    const [fallback] = model.update("cluster", new Map([["k", undefined]]));
    expect(fallback?.object).toMatchObject({ spec: { value: 3 } });
    expect(model.conflicts()).toEqual([]);
    expect(model.update("hosted", new Map([["k", undefined]]))).toEqual([
      { key: "k", object: null },
    ]);
    expect(model.size).toBe(0);
  });
  it("carries the candidate's value beside the stable one", () => {
    const model = createMergedModel();
    const [stable, candidate] = [object("a", 1), object("a", 2)];
    expect(model.update("hosted", new Map([["k", { object: stable, candidate }]]))).toEqual([
      { key: "k", object: stable, candidate },
    ]);
    expect(model.update("hosted", new Map([["k", { object: null, candidate }]]))).toEqual([
      { key: "k", object: null, candidate },
    ]);
  });
});
