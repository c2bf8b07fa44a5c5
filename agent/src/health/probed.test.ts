import { describe, expect, test } from "vitest";
import type { MeshObject } from "@heddle/model";
import { isOf, probedEntries } from "./probed.ts";

const object = (kind: string, name: string, spec: object, metadata: object = {}): MeshObject =>
  ({
    apiVersion: "networking.istio.io/v1",
    kind,
    metadata: { name, namespace: "shop", labels: {}, annotations: {}, ...metadata },
    spec,
  }) as MeshObject;
const member = (group: string) => ({ annotations: { "istio.io/autoRegistrationGroup": group } });
const probe = { tcpSocket: { port: 80 } };

describe("entries with a probe", () => {
  test("are those of a group that has one, in their own namespace", () => {
    const found = probedEntries([
      object("WorkloadEntry", "a", { address: "10.0.0.1" }, member("probed")),
      object(
        "WorkloadEntry",
        "owned",
        { address: "10.0.0.2" },
        { ownerReferences: [{ kind: "WorkloadGroup", name: "probed" }] },
      ),
      object("WorkloadEntry", "b", { address: "10.0.0.3" }, member("plain")),
      object("WorkloadEntry", "c", { address: "10.0.0.4" }),
      object("WorkloadEntry", "d", {}, { ...member("probed"), namespace: "other" }),
      object("WorkloadGroup", "probed", { template: {}, probe }),
      object("WorkloadGroup", "plain", { template: {} }),
    ]);
    expect([...found.keys()]).toEqual(["shop/a", "shop/owned"]);
    expect(found.get("shop/a")).toMatchObject({ address: "10.0.0.1", probe });
  });

  test("are those of a machine by its address or its name, in its namespace", () => {
    const entry = { entry: "shop/vm", namespace: "shop", name: "vm", address: "10.0.0.1", probe };
    const machine = { namespace: "shop", addresses: ["10.0.0.1"], pod: "other" };
    expect(isOf(entry, machine)).toBe(true);
    expect(isOf(entry, { ...machine, addresses: ["192.168.0.1"], pod: "vm" })).toBe(true);
    expect(isOf(entry, { ...machine, addresses: ["192.168.0.1"] })).toBe(false);
    expect(isOf(entry, { ...machine, namespace: "else" })).toBe(false);
  });
});
