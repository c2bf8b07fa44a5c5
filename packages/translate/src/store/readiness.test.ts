import type { ClusterLoadAssignment } from "@heddle/envoy/config/endpoint/v3";
import { type MeshObject, objectKey } from "@heddle/model";
import { expect, test } from "vitest";
import { object, serviceEntry, workloadEntry } from "../../../../test/harness/objects.ts";
import { createTranslator, parseNode } from "../index.ts";
import { ANY_MESH } from "../testing/mesh.ts";

const NODE = { id: "sidecar~10.0.0.9~web.default~default.svc.cluster.local" };
const machine = (name: string, address: string) =>
  workloadEntry(name, { address, labels: { app: "vm" } });
const OBJECTS: readonly MeshObject[] = [
  serviceEntry("vm", {
    hosts: ["vm.test"],
    ports: [{ number: 80, name: "http", protocol: "HTTP" }],
    resolution: "STATIC",
    location: "MESH_INTERNAL",
    workloadSelector: { labels: { app: "vm" } },
  }),
  machine("a", "10.0.0.1"),
  machine("b", "10.0.0.2"),
];
const change = (each: MeshObject) => ({ key: objectKey(each), object: each });

function started() {
  const translator = createTranslator({ mesh: ANY_MESH });
  translator.apply(OBJECTS.map(change));
  const view = translator.view(parseNode(NODE));
  const candidate = translator.view(
    parseNode({ ...NODE, metadata: { HEDDLE_COHORT: "candidate" } }),
  );
  const addressesOf = (of: typeof view) =>
    [...(of.resources("endpoint") as ReadonlyMap<string, ClusterLoadAssignment>).values()]
      .flatMap(({ endpoints = [] }) => endpoints)
      .flatMap(({ lbEndpoints = [] }) => lbEndpoints)
      .map(({ endpoint }) => endpoint?.address?.socketAddress?.address);
  return {
    translator,
    addresses: () => addressesOf(view),
    candidates: () => addressesOf(candidate),
  };
}

test("an entry that is not ready is no endpoint until it is", () => {
  const { translator, addresses } = started();
  expect(addresses()).toEqual(["10.0.0.1", "10.0.0.2"]);
  translator.setWorkloadReady("default/a", false);
  expect(addresses()).toEqual(["10.0.0.2"]);
  translator.setWorkloadReady("default/a", true);
  expect(addresses()).toEqual(["10.0.0.1", "10.0.0.2"]);
});

test("an entry is not ready whatever becomes of its object, or of the mesh's settings", () => {
  const { translator, addresses } = started();
  translator.setWorkloadReady("default/a", false);
  const moved = machine("a", "10.0.0.3");
  translator.apply([change(moved)]);
  expect(addresses()).toEqual(["10.0.0.2"]);
  const settings = object("heddle.dev/v1", "MeshSettings", "mesh", { rootNamespace: "root" }, "");
  translator.apply([change(settings)]);
  expect(addresses()).toEqual(["10.0.0.2"]);
  translator.setWorkloadReady("default/a", true);
  expect(addresses()).toEqual(["10.0.0.2", "10.0.0.3"]);
});

test("candidates of a staged change hear of it too", () => {
  const { translator, addresses, candidates } = started();
  const [, , b] = OBJECTS as [MeshObject, MeshObject, MeshObject];
  translator.apply([{ ...change(b), candidate: machine("b", "10.0.0.4") }]);
  expect([addresses(), candidates()]).toEqual([
    ["10.0.0.1", "10.0.0.2"],
    ["10.0.0.1", "10.0.0.4"],
  ]);
  translator.setWorkloadReady("default/b", false);
  expect([addresses(), candidates()]).toEqual([["10.0.0.1"], ["10.0.0.1"]]);
});
