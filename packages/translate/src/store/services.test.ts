import { type MeshObject, objectKey, type ServiceEntry } from "@heddle/model";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { Claims } from "../engine/claims.ts";
import { ANY_MESH } from "../testing/mesh.ts";
import { AutoAddressPlan } from "./auto-addresses.ts";
import { Side } from "./side.ts";

const HOST = "api.a.svc.cluster.local";
const OLD = "2026-01-01T00:00:00Z";
const NEW = "2026-02-01T00:00:00Z";

function named<Spec>(
  apiVersion: string,
  kind: string,
  [namespace, name]: [string, string],
  spec: Spec,
  creationTimestamp = NEW,
): MeshObject<Spec> {
  const metadata = { namespace, name, labels: {}, annotations: {}, creationTimestamp };
  return { apiVersion, kind, metadata, spec };
}

function entry(place: [string, string], spec: Partial<ServiceEntry>, created?: string) {
  const whole: ServiceEntry = {
    hosts: [HOST],
    resolution: "STATIC",
    ports: [{ number: 80, name: "http", protocol: "HTTP" }],
    ...spec,
  };
  return named("networking.istio.io/v1", "ServiceEntry", place, whole, created);
}

function service(place: [string, string], spec: object) {
  return named("v1", "Service", place, { ports: [{ name: "http", port: 80 }], ...spec });
}

function sideWith(...objects: MeshObject[]): Side {
  const side = new Side(new Claims(), ANY_MESH, { clusterId: "c1" });
  for (const each of objects) side.set(objectKey(each), each);
  side.flush();
  return side;
}

describe("a host that several objects define", () => {
  test("is a Service before it is any entry, and takes names to accept from its namespace's", () => {
    const { services } = sideWith(
      entry(
        ["a", "older"],
        { subjectAltNames: ["spiffe://x"], endpoints: [{ address: "10.0.0.9" }] },
        OLD,
      ),
      service(["a", "api"], { clusterIP: "10.1.0.1" }),
    );
    expect(services.forHost(HOST, "b")).toMatchObject({
      origin: "Service",
      clusterIPs: ["10.1.0.1"],
      subjectAltNames: ["spiffe://x"],
    });
  });

  test("is the oldest entry's, but a namespace sees first what is exported to it by name", () => {
    const { services } = sideWith(
      entry(["b", "newer"], {}, NEW),
      entry(["c", "older"], {}, OLD),
      entry(["d", "own"], { exportTo: ["."] }, NEW),
    );
    const ownerIn = (namespace: string) => services.forHost(HOST, namespace)?.namespace;
    expect([ownerIn("x"), ownerIn("b"), ownerIn("d")]).toEqual(["c", "c", "d"]);
    expect([...services.visibility(HOST).exceptions]).toEqual([["d", true]]);
  });

  test("adds up ports and endpoints of entries in one namespace that agree, and of no others", () => {
    const side = sideWith(
      entry(["b", "one"], { endpoints: [{ address: "10.0.0.1" }] }, OLD),
      entry(["b", "two"], {
        endpoints: [{ address: "10.0.0.2" }],
        ports: [
          { number: 80, name: "http", protocol: "HTTP" },
          { number: 90, name: "tcp", protocol: "TCP" },
        ],
      }),
      entry(["b", "three"], { resolution: "DNS", ports: [{ number: 99, name: "x" }] }),
    );
    const found = side.services.forHost(HOST);
    expect(found?.ports.map(({ port }) => port)).toEqual([80, 90]);
    if (found === undefined) throw new Error("there is no such host");
    const at = (port: number) =>
      side.workloads.endpoints(found, port).map(({ address }) => address);
    expect([at(80), at(90)]).toEqual([["10.0.0.1", "10.0.0.2"], ["10.0.0.2"]]);
  });
});

describe("addresses of hosts without any", () => {
  test("are given to names that are resolved, unless a label says no", () => {
    const auto = (spec: Partial<ServiceEntry>) =>
      sideWith(entry(["b", "x"], { hosts: ["db.test"], ...spec })).services.forHost(
        spec.hosts?.[0] ?? "db.test",
      )?.autoAddresses;
    expect(auto({})?.[0]).toMatch(/^240\.240\.\d+\.\d+$/);
    expect(auto({})?.[1]).toMatch(/^2001:2::[0-9a-f]+$/);
    expect(auto({ addresses: ["10.0.0.1"] })).toBeUndefined();
    expect(auto({ resolution: "NONE" })).toBeUndefined();
    expect(auto({ hosts: ["*.test"] })).toBeUndefined();
  });

  it("differ from one another, do not depend on the order, and stay while older entries do", () => {
    const keys = fc.uniqueArray(fc.integer({ min: 0, max: 5000 }), {
      minLength: 2,
      maxLength: 1500,
    });
    fc.assert(
      fc.property(keys, (numbers) => {
        const owner = (n: number) =>
          entry(["b", `e${n}`], {}, `2026-01-01T00:00:${String(n % 60).padStart(2, "0")}Z`);
        const plan = new AutoAddressPlan();
        const other = new AutoAddressPlan();
        for (const n of numbers) plan.want(`b/${n}`, owner(n));
        for (const n of numbers.toReversed()) other.want(`b/${n}`, owner(n));
        const slots = plan.slots();
        expect(new Set(slots.values()).size).toBe(numbers.length);
        expect(new Map([...slots].toSorted())).toEqual(new Map([...other.slots()].toSorted()));
        plan.want("b/youngest", entry(["b", "z"], {}, "2027-01-01T00:00:00Z"));
        for (const [key, slot] of slots) expect(plan.slots().get(key)).toBe(slot);
      }),
      { numRuns: 20 },
    );
  });
});

describe("an ExternalName", () => {
  const target = service(["a", "api"], { clusterIP: "10.1.0.1" });
  const alias = (name: string, externalName: string) =>
    service(["b", name], { type: "ExternalName", externalName });

  test("that the mesh serves is another name of that service, over any number of names", () => {
    const { services } = sideWith(
      alias("first", "second.b.svc.cluster.local"),
      alias("second", HOST),
      target,
    );
    expect(services.forHost("first.b.svc.cluster.local")).toMatchObject({
      aliasOf: HOST,
      ports: [],
    });
    expect(services.forHost(HOST)?.aliases?.map(({ name }) => name)).toEqual(["first", "second"]);
  });

  test("outside of the mesh, or in a circle, is nobody else's name", () => {
    const { services } = sideWith(
      alias("out", "example.com"),
      alias("left", "right.b.svc.cluster.local"),
      alias("right", "left.b.svc.cluster.local"),
    );
    for (const name of ["out", "left", "right"]) {
      const found = services.forHost(`${name}.b.svc.cluster.local`);
      expect(found?.aliasOf).toBeUndefined();
      expect(found?.ports).toHaveLength(1);
    }
  });

  test("follows its target as that comes and goes", () => {
    const side = sideWith(alias("first", HOST));
    const aliasOf = () => side.services.forHost("first.b.svc.cluster.local")?.aliasOf;
    expect(aliasOf()).toBeUndefined();
    side.set(objectKey(target), target);
    side.flush();
    expect(aliasOf()).toBe(HOST);
    side.set(objectKey(target), undefined);
    side.flush();
    expect(aliasOf()).toBeUndefined();
  });
});
