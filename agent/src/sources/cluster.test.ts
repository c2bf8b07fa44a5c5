import type { MeshObject } from "@heddle/model";
import { describe, expect, it } from "vitest";
import { createClusterOwner } from "./cluster.ts";

const owned = (value: number): { object: MeshObject } => ({
  object: {
    ...{ apiVersion: "v1", kind: "ConfigMap", spec: { value } },
    metadata: { name: "a", namespace: "default", labels: {}, annotations: {} },
  },
});

describe("what the cluster owns", () => {
  it("is the API server's object before the file's, and tells of both", () => {
    const cluster = createClusterOwner();
    const [file, live] = [owned(1), owned(2)];
    expect(cluster.update("files", new Map([["k", file]])).get("k")).toBe(file);
    expect(cluster.placeOf("k")).toBe("files");
    expect(cluster.update("kubernetes", new Map([["k", live]])).get("k")).toBe(live);
    expect(cluster.diagnostics()).toMatchObject([
      { code: "HDL7236", origin: "ConfigMap default/a" },
    ]);
    expect(cluster.update("files", new Map([["k", owned(3)]])).size).toBe(0);
    expect(cluster.update("kubernetes", new Map([["k", undefined]])).get("k")).toEqual(owned(3));
    expect(cluster.diagnostics()).toEqual([]);
    expect([...cluster.update("files", new Map([["k", undefined]]))]).toEqual([["k", undefined]]);
    expect(cluster.placeOf("k")).toBeUndefined();
  });
});
