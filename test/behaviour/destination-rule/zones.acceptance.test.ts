/** A client's own zone first, as far as it can take what comes from there. */
import type { MeshObject, ZoneAwareLoadBalancer } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, service } from "../../harness/objects.ts";
import { sharesOf } from "../../harness/shares.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
const FIELD = "trafficPolicy.loadBalancer.zoneAwareLbSetting";
const Z1 = { region: "r1", zone: "z1" };
const Z2 = { region: "r1", zone: "z2" };
const BACKENDS = {
  near: { address: "127.149.0.10", locality: Z1, labels: { rack: "x" } },
  aside: { address: "127.149.0.11", locality: Z2, labels: { rack: "x" } },
  beside: { address: "127.149.0.12", locality: Z2, labels: { rack: "x" } },
  second: {
    address: "127.149.0.13",
    locality: { region: "r2", zone: "z1" },
    labels: { rack: "gold" },
  },
  third: { address: "127.149.0.14", locality: { region: "r3", zone: "z1" }, labels: { rack: "x" } },
} as const;
type Backend = keyof typeof BACKENDS;
const ALL = Object.keys(BACKENDS) as Backend[];
const CLIENTS = { even: "127.149.0.1", few: "127.149.0.2", other: "127.149.0.3" };
const ELSEWHERE = { one: "127.149.0.4", two: "127.149.0.5", three: "127.149.0.6" };

function served(
  name: string,
  zoneAwareLbSetting: ZoneAwareLoadBalancer,
  backends: readonly Backend[] = ALL,
): readonly MeshObject[] {
  return [
    ...service(
      name,
      [{ name: "http", port: PORT }],
      backends.map((each) => BACKENDS[each].address),
      { clusterIP: "10.0.0.1" },
    ),
    destinationRule(name, {
      host: name,
      trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN", zoneAwareLbSetting } },
    }),
  ];
}

const backend = (name: Backend) => ({ ...BACKENDS[name], ports: [PORT], sidecar: false });
const client = (name: keyof typeof CLIENTS) => ({
  address: CLIENTS[name],
  locality: Z1,
  labels: { app: name, rack: "gold" },
});
const elsewhere = (name: keyof typeof ELSEWHERE) => ({
  address: ELSEWHERE[name],
  locality: Z2,
  sidecar: false,
});
const callers = (name: string, addresses: readonly string[]) =>
  service(name, [{ name: "http", port: PORT }], addresses);

describe.skipIf(!envoyBinary)("load balancing by zone", () => {
  const mesh = startedMesh({
    workloads: {
      even: client("even"),
      few: client("few"),
      other: client("other"),
      one: elsewhere("one"),
      two: elsewhere("two"),
      three: elsewhere("three"),
      near: backend("near"),
      aside: backend("aside"),
      beside: backend("beside"),
      second: backend("second"),
      third: backend("third"),
    },
    objects: [
      // Half of these callers are in the zone, a third of those.
      ...callers("even", [CLIENTS.even, ELSEWHERE.one]),
      ...callers("few", [CLIENTS.few, ELSEWHERE.two, ELSEWHERE.three]),
      ...served("aware", { enabled: true, minClusterSize: 3 }),
      ...served("large-only", { enabled: true }),
      ...served("off", { enabled: false, minClusterSize: 3 }),
      ...served("far", { enabled: true }, ["second", "third"]),
      ...served("far-to-third", { failover: [{ from: "r1", to: "r3" }] }, ["second", "third"]),
      ...served("far-by-label", { failoverPriority: ["rack"] }, ["second", "third"]),
    ],
  });

  const shares = (from: keyof typeof CLIENTS, name: string, count = 600) =>
    sharesOf(mesh, from, `${name}:${PORT}`, { count, concurrency: 8 });

  proves(
    "DestinationRule",
    [`${FIELD}.{enabled,minClusterSize}`],
    "keeps in its zone what the zone can take, and gives the rest to zones with room, none to other regions",
    async () => {
      // A third of the endpoints of the region are in the zone: two thirds of what half of all callers send.
      const half = await shares("even", "aware", 10_000);
      expect(Math.abs(half.of("near") - 2 / 3)).toBeLessThan(0.02);
      expect(Math.abs(half.of("aside") - 1 / 6)).toBeLessThan(0.02);
      expect(Math.abs(half.of("beside") - 1 / 6)).toBeLessThan(0.02);
      // And all of what a third of them send.
      expect((await shares("few", "aware")).of("near")).toBe(1);
      // Nobody knows how many send what this one does.
      expect((await shares("other", "aware")).of("near")).toBeCloseTo(1 / 3, 1);
      // Three endpoints are too few, unless the rule says otherwise: the region is used evenly.
      const small = await shares("few", "large-only");
      for (const name of ["near", "aside", "beside"])
        expect(small.of(name), name).toBeCloseTo(1 / 3, 1);
      const off = await shares("few", "off");
      for (const name of ALL) expect(off.of(name), name).toBeCloseTo(0.2, 1);
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.failover[].{from,to}`, `${FIELD}.failoverPriority`],
    "orders other regions by those that are named, or by labels",
    async () => {
      expect((await shares("few", "far")).of("third")).toBeCloseTo(0.5, 1);
      expect((await shares("few", "far-to-third")).of("third")).toBe(1);
      expect((await shares("few", "far-by-label")).of("second")).toBe(1);
    },
  );
});
