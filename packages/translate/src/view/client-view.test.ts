import type { ClusterLoadAssignment } from "@heddle/envoy/config/endpoint/v3";
import { type MeshObject, objectKey } from "@heddle/model";
import { expect, test } from "vitest";
import { destinationRule, pod, service } from "../../../../test/harness/objects.ts";
import { createTranslator, parseNode } from "../index.ts";
import { ANY_MESH } from "../testing/mesh.ts";

const NODE = { id: "sidecar~10.0.0.9~web.default~default.svc.cluster.local" };

const inRegion = (name: string, app: string, address: string, region: string): MeshObject =>
  pod({
    ...{ name, address, serviceAccount: app },
    labels: { app, "topology.kubernetes.io/region": region },
  });
const SHOP: readonly MeshObject[] = [
  ...service("shop", [{ name: "http", port: 80 }], ["10.0.0.1", "10.0.0.2"], {
    clusterIP: "10.1.0.1",
  }),
  inRegion("shop-0", "shop", "10.0.0.1", "east"),
  inRegion("shop-1", "shop", "10.0.0.2", "west"),
  destinationRule("shop", {
    host: "shop",
    trafficPolicy: { outlierDetection: { consecutive5xxErrors: 3 } },
  }),
];

test("a sidecar that does not say where it is is where its pod is, as soon as that is known", () => {
  const translator = createTranslator({ mesh: ANY_MESH });
  const apply = (objects: readonly MeshObject[]) =>
    translator.apply(objects.map((each) => ({ key: objectKey(each), object: each })));
  apply(SHOP);
  const view = translator.view(parseNode(NODE));
  const order = () =>
    [...(view.resources("endpoint") as ReadonlyMap<string, ClusterLoadAssignment>).values()]
      .flatMap(({ endpoints = [] }) => endpoints)
      .map(({ locality, priority = 0 }) => `${priority} ${locality?.region}`)
      .toSorted();
  expect(order()).toEqual(["0 east", "0 west"]);
  apply([inRegion("web", "web", "10.0.0.9", "west")]);
  expect(order()).toEqual(["0 west", "1 east"]);
  apply([inRegion("web", "web", "10.0.0.9", "east")]);
  expect(order()).toEqual(["0 east", "1 west"]);
});
