/** How requests are spread over endpoints that are all alike, and over endpoints of which one is slow. */
import type { LoadBalancerSettings } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, service } from "../../harness/objects.ts";
import { sharesOf } from "../../harness/shares.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
const QUICK = "127.77.0.2";
const ALSO_QUICK = "127.77.0.3";
const SLOW = "127.77.0.4";

const balanced = (name: string, loadBalancer: LoadBalancerSettings, addresses: string[]) => [
  ...service(name, [{ name: "http", port: PORT }], addresses, { clusterIP: "10.0.0.1" }),
  destinationRule(name, { host: name, trafficPolicy: { loadBalancer } }),
];

const SIMPLE = ["UNSPECIFIED", "LEAST_CONN", "LEAST_REQUEST", "RANDOM", "ROUND_ROBIN"] as const;

describe.skipIf(!envoyBinary)("load balancing", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.77.0.1" },
      quick: { address: QUICK, ports: [PORT], sidecar: false },
      also: { address: ALSO_QUICK, ports: [PORT], sidecar: false },
      slow: { address: SLOW, ports: [PORT], sidecar: false, delayMs: 30 },
    },
    objects: SIMPLE.flatMap((simple) => {
      const name = simple.toLowerCase().replace("_", "-");
      return [
        ...balanced(name, { simple }, [QUICK, ALSO_QUICK]),
        ...balanced(`${name}-uneven`, { simple }, [QUICK, SLOW]),
      ];
    }),
  });
  const even = (name: string, count: number) =>
    sharesOf(mesh, "client", `${name}:${PORT}`, { count });
  const uneven = (name: string) =>
    sharesOf(mesh, "client", `${name}-uneven:${PORT}`, { count: 600, concurrency: 12 });
  /** Parts of neighbouring answers that are from different applications. */
  const turns = (sequence: readonly string[]) =>
    sequence.filter((name, i) => i > 0 && name !== sequence[i - 1]).length / sequence.length;

  proves(
    "DestinationRule",
    ["trafficPolicy.loadBalancer.simple=ROUND_ROBIN"],
    "takes endpoints in turn, also where one is slow",
    async () => {
      expect((await even("round-robin", 1000)).of("quick")).toBeCloseTo(0.5, 2);
      expect((await uneven("round-robin")).of("slow")).toBeCloseTo(0.5, 1);
      const one = await sharesOf(mesh, "client", `round-robin:${PORT}`, {
        count: 200,
        concurrency: 1,
      });
      expect(turns(one.sequence)).toBeGreaterThan(0.97);
    },
  );

  proves(
    "DestinationRule",
    ["trafficPolicy.loadBalancer.simple=RANDOM"],
    "draws lots: equal shares of 10,000 requests, in no order, also where one endpoint is slow",
    async () => {
      const shares = await even("random", 10_000);
      expect(Math.abs(shares.of("quick") - 0.5)).toBeLessThan(0.02);
      const one = await sharesOf(mesh, "client", `random:${PORT}`, { count: 400, concurrency: 1 });
      expect(Math.abs(turns(one.sequence) - 0.5)).toBeLessThan(0.15);
      expect((await uneven("random")).of("slow")).toBeGreaterThan(0.4);
    },
  );

  for (const simple of ["UNSPECIFIED", "LEAST_CONN", "LEAST_REQUEST"] as const) {
    const name = simple.toLowerCase().replace("_", "-");
    proves(
      "DestinationRule",
      [`trafficPolicy.loadBalancer.simple=${simple}`],
      `${simple} gives an endpoint that is slow fewer requests, and equal ones equal shares`,
      async () => {
        const [count, within] = simple === "LEAST_REQUEST" ? [10_000, 0.02] : [1000, 0.1];
        expect(Math.abs((await even(name, count)).of("quick") - 0.5)).toBeLessThan(within);
        expect((await uneven(name)).of("slow")).toBeLessThan(0.4);
      },
    );
  }
});
