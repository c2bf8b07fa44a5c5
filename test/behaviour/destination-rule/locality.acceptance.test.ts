/** Where requests go by place: in shares, or to the nearest endpoints until these fail. */
import type { LocalityLoadBalancer, MeshObject, TrafficPolicy } from "@heddle/model";
import { beforeAll, describe, expect, test } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, service } from "../../harness/objects.ts";
import { sharesOf } from "../../harness/shares.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
const FIELD = "trafficPolicy.loadBalancer.localityLbSetting";
const PLACES = {
  near: { locality: { region: "r1", zone: "z1", subzone: "s1" }, rack: "x" },
  zone: { locality: { region: "r1", zone: "z1", subzone: "s2" }, rack: "y" },
  region: { locality: { region: "r1", zone: "z2" }, rack: "gold" },
  second: { locality: { region: "r2", zone: "z1" }, rack: "gold" },
  third: { locality: { region: "r3", zone: "z1" }, rack: "y" },
} as const;
type Place = keyof typeof PLACES;
const NAMES = Object.keys(PLACES) as Place[];
const addressOf = (place: Place) => `127.80.0.${NAMES.indexOf(place) + 10}`;

const OUTLIERS = {
  consecutive5xxErrors: 3,
  interval: "1s",
  baseEjectionTime: "60s",
  maxEjectionPercent: 100,
};

function placed(
  name: string,
  localityLbSetting?: LocalityLoadBalancer,
  failsOver = true,
): readonly MeshObject[] {
  const trafficPolicy: TrafficPolicy = {
    loadBalancer: { simple: "ROUND_ROBIN", ...(localityLbSetting ? { localityLbSetting } : {}) },
    ...(failsOver ? { outlierDetection: OUTLIERS } : {}),
  };
  return [
    ...service(name, [{ name: "http", port: PORT }], NAMES.map(addressOf), {
      clusterIP: "10.0.0.1",
    }),
    destinationRule(name, { host: name, trafficPolicy }),
  ];
}

describe.skipIf(!envoyBinary)("load balancing by place", () => {
  const workload = (place: Place) => ({
    address: addressOf(place),
    ports: [PORT],
    sidecar: false,
    locality: PLACES[place].locality,
    labels: { rack: PLACES[place].rack },
  });
  const mesh = startedMesh({
    workloads: {
      client: {
        address: "127.80.0.1",
        locality: { region: "r1", zone: "z1", subzone: "s1" },
        labels: { rack: "gold" },
      },
      near: workload("near"),
      zone: workload("zone"),
      region: workload("region"),
      second: workload("second"),
      third: workload("third"),
    },
    objects: [
      ...placed("plain", undefined, false),
      ...placed("shares", {
        distribute: [
          { from: "r1/z1/*", to: { "r1/z1/*": 70, "r2/*": 30 } },
          { from: "*", to: { "r3/*": 100 } },
        ],
      }),
      ...placed("shares-of-others", { distribute: [{ from: "r9/*", to: { "r3/*": 100 } }] }),
      ...placed("by-place"),
      ...placed("to-third", { failover: [{ from: "r1", to: "r3" }] }),
      ...placed("anywhere", { enabled: false, failover: [{ from: "r1", to: "r3" }] }),
      ...placed("by-label", { failoverPriority: ["rack", "topology.kubernetes.io/region"] }),
      ...placed("by-value", { failoverPriority: ["topology.kubernetes.io/region", "rack=y"] }),
      ...placed("by-both", { failoverPriority: ["rack"], failover: [{ from: "r1", to: "r3" }] }),
    ],
  });

  const shares = (name: string, count: number) =>
    sharesOf(mesh, "client", `${name}:${PORT}`, { count, concurrency: 8 });
  const answering = async (name: string) =>
    [...new Set((await shares(name, 60)).sequence)].toSorted();
  /** Envoy gathers what it notices of endpoints for a second. */
  const expectAnswers = async (expected: Readonly<Record<string, readonly Place[]>>) => {
    for (const [name, places] of Object.entries(expected))
      await expect
        .poll(() => answering(name), { message: name, timeout: 10_000 })
        .toEqual([...places].toSorted());
  };

  proves(
    "DestinationRule",
    [`${FIELD}.distribute[].from`, `${FIELD}.distribute[].to`],
    "gives each place its share of 10,000 requests, by the first rule for the client's own place",
    async () => {
      const found = await shares("shares", 10_000);
      expect(Math.abs(found.of("near") + found.of("zone") - 0.7)).toBeLessThan(0.02);
      expect(Math.abs(found.of("near") - 0.35)).toBeLessThan(0.02);
      expect(Math.abs(found.of("second") - 0.3)).toBeLessThan(0.02);
      expect(found.of("region") + found.of("third")).toBe(0);
      const others = await shares("shares-of-others", 500);
      for (const place of NAMES) expect(others.of(place), place).toBeCloseTo(0.2, 1);
    },
  );

  describe("while everything is well", () => {
    test("uses the nearest, where outlier detection may tell that it fails, and else all", async () => {
      await expectAnswers({ "by-place": ["near"], plain: NAMES });
    });

    proves("DestinationRule", [`${FIELD}.enabled`], "uses all places where that is off", () =>
      expectAnswers({ anywhere: NAMES, "to-third": ["near"] }),
    );

    test("uses those with the most of its labels first", () =>
      expectAnswers({
        "by-label": ["region"],
        "by-value": ["zone"],
        "by-both": ["region"],
      }));
  });

  describe("once the nearest have failed", () => {
    beforeAll(async () => {
      for (const place of ["near", "zone", "region"] as const)
        await mesh.applications(place)[0]?.stop();
    });

    proves(
      "DestinationRule",
      [`${FIELD}.failover[].from`, `${FIELD}.failover[].to`],
      "goes to the region that is named for its own, and without one to all others",
      () => expectAnswers({ "by-place": ["second", "third"], "to-third": ["third"] }),
    );

    proves(
      "DestinationRule",
      [`${FIELD}.failoverPriority`],
      "goes by labels: all of them first, then the fewer the later, with places breaking ties",
      () =>
        expectAnswers({
          "by-label": ["second"],
          "by-value": ["second", "third"],
          "by-both": ["second"],
        }),
    );

    test("comes to the last that is left", async () => {
      await mesh.applications("second")[0]?.stop();
      await expectAnswers({ "by-label": ["third"], "by-place": ["third"], "by-both": ["third"] });
    });
  });
});
