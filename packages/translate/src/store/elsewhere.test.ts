import type { ClusterLoadAssignment } from "@heddle/envoy/config/endpoint/v3";
import fc from "fast-check";
import { type MeshObject, objectKey, type WorkloadEndpoint } from "@heddle/model";
import { expect, test } from "vitest";
import { pod, service } from "../../../../test/harness/objects.ts";
import { createTranslator, type Elsewhere, OWN_GATEWAYS, parseNode } from "../index.ts";
import { ANY_MESH } from "../testing/mesh.ts";

const HOST = "shop.default.svc.cluster.local";
const NODE = { id: "sidecar~10.0.0.9~web.default~default.svc.cluster.local" };
const OBJECTS: readonly MeshObject[] = [
  ...service("shop", [{ name: "http", port: 80 }], ["10.0.0.1"], {
    clusterIP: "10.1.0.1",
  }),
  pod({ name: "shop-0", address: "10.0.0.1", labels: { app: "shop" }, serviceAccount: "shop" }),
  pod({ name: "web", address: "10.0.0.9", labels: { app: "web" }, serviceAccount: "web" }),
];

const endpoint = (address: string, more: Partial<WorkloadEndpoint> = {}): WorkloadEndpoint => ({
  ...{
    address,
    port: 80,
    portName: "http",
    ready: true,
    labels: {},
    namespace: "default",
    pod: "",
  },
  ...{ workload: "shop", app: "shop", version: "", serviceAccount: "far", clusterId: "far" },
  ...{ canonicalService: "shop", canonicalRevision: "latest", locality: undefined },
  ...{ mtls: true, weight: 1, ...more },
});
const serving = (...endpoints: WorkloadEndpoint[]): Elsewhere => ({
  service: { host: HOST, namespace: "default", endpoints },
});
const gateway = (network: string, address: string): Elsewhere => ({
  gateway: { network, address, port: 15443 },
});

function started(network?: string) {
  const translator = createTranslator({ mesh: ANY_MESH, clusterId: "near", network });
  translator.apply(OBJECTS.map((object) => ({ key: objectKey(object), object })));
  const view = translator.view(parseNode(NODE));
  const addresses = () =>
    [...(view.resources("endpoint") as ReadonlyMap<string, ClusterLoadAssignment>).values()]
      .flatMap(({ endpoints = [] }) => endpoints)
      .flatMap(({ lbEndpoints = [] }) => lbEndpoints)
      .map(({ endpoint: each }) => each?.address?.socketAddress)
      .map((at) => `${at?.address}:${at?.portValue}`);
  const put = (entries: Readonly<Record<string, Elsewhere | undefined>>) =>
    translator.setElsewhere(new Map(Object.entries(entries)));
  return { translator, view, addresses, put };
}

test("endpoints of other clusters are a service's as its own are, with the identities that they have", () => {
  const { addresses, put, view } = started();
  put({ "far 1": serving(endpoint("10.9.0.1"), endpoint("10.9.0.2", { ready: false })) });
  expect(addresses()).toEqual(["10.0.0.1:80", "10.9.0.1:80"]);
  const cluster = JSON.stringify(view.resources("cluster").get(`outbound|80||${HOST}`));
  expect(cluster).toContain("/sa/far");
  put({ "far 1": undefined });
  expect(addresses()).toEqual(["10.0.0.1:80"]);
  expect(JSON.stringify(view.resources("cluster").get(`outbound|80||${HOST}`))).not.toContain(
    "/sa/far",
  );
});

test("those in another network are behind the gateways that their cluster tells of", () => {
  const { addresses, put } = started("near");
  put({ "far 1": serving(endpoint("10.0.0.1", { network: "far" })) });
  put({ "far g": gateway("far", "192.0.2.1") });
  // The same address in two networks is two endpoints.
  expect(addresses()).toEqual(["10.0.0.1:80", "192.0.2.1:15443"]);
  put({ "far g": undefined, "far h": gateway("far", "192.0.2.2") });
  expect(addresses()).toEqual(["10.0.0.1:80", "192.0.2.2:15443"]);
});

test("what a cluster itself knows of an address counts", () => {
  const { addresses, put } = started();
  put({ "far 1": serving(endpoint("10.0.0.1")) });
  expect(addresses()).toEqual(["10.0.0.1:80"]);
});

test("a cluster's own endpoints are told without those of others, and only what has changed", () => {
  const { translator, put } = started();
  expect(translator.own.takeChanged()).toEqual(new Set([`${HOST}|default`, OWN_GATEWAYS]));
  put({ "far 1": serving(endpoint("10.9.0.1")) });
  expect(translator.own.takeChanged()).toEqual(new Set());
  const own = translator.own.service(HOST, "default");
  expect(own?.endpoints.map(({ address, clusterId }) => `${clusterId} ${address}`)).toEqual([
    "near 10.0.0.1",
  ]);
  const [slice] = OBJECTS.filter(({ kind }) => kind === "EndpointSlice");
  translator.apply([{ key: objectKey(slice as MeshObject), object: null }]);
  expect(translator.own.takeChanged()).toEqual(new Set([`${HOST}|default`]));
  expect(translator.own.service(HOST, "default")?.endpoints).toEqual([]);
});

test("in whatever order clusters come and go, the same is left, and who is gone was never there", () => {
  const value = fc.oneof(
    fc.constant(undefined),
    fc
      .array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 })
      .map((last) =>
        serving(...last.map((each) => endpoint(`10.9.0.${each}`, { network: "far" }))),
      ),
    fc.integer({ min: 1, max: 2 }).map((last) => gateway("far", `192.0.2.${last}`)),
  );
  const change = fc.tuple(fc.constantFrom("a 1", "a 2", "b 1"), value);
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), fc.boolean(), (changes, backwards) => {
      const stepwise = started("near");
      for (const [key, each] of changes) {
        stepwise.put({ [key]: each });
        stepwise.addresses();
      }
      const left = [...new Map(changes)].filter(([, each]) => each !== undefined);
      const fresh = started("near");
      for (const [key, each] of backwards ? left.toReversed() : left) fresh.put({ [key]: each });
      expect(stepwise.addresses()).toEqual(fresh.addresses());
    }),
    { numRuns: 40 },
  );
});
