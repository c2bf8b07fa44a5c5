/** Requests by the load that endpoints report of themselves. */
import type { BackendUtilization, MeshObject } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, service } from "../../harness/objects.ts";
import { sharesOf } from "../../harness/shares.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
const FIELD = "trafficPolicy.loadBalancer.backendUtilization";
const BUSY = "127.150.0.10";
const IDLE = "127.150.0.11";

/** Soon enough for a test. */
const SOON = { weightStabilizationPeriod: "0.1s", weightUpdatePeriod: "0.2s" };

function weighed(name: string, backendUtilization: BackendUtilization): readonly MeshObject[] {
  return [
    ...service(name, [{ name: "http", port: PORT }], [BUSY, IDLE], { clusterIP: "10.0.0.1" }),
    destinationRule(name, { host: name, trafficPolicy: { loadBalancer: { backendUtilization } } }),
  ];
}

/** What both say of themselves. */
const reports = (busy: string, idle: string) =>
  `/?${new URLSearchParams({ busy: `rps_fractional=100,${busy}`, idle: `rps_fractional=100,${idle}` })}`;
const CPU = reports("cpu_utilization=0.9", "cpu_utilization=0.1");

describe.skipIf(!envoyBinary)("load balancing by what endpoints report", () => {
  const backend = (address: string) => ({ address, ports: [PORT], sidecar: false });
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.150.0.1" },
      busy: backend(BUSY),
      idle: backend(IDLE),
    },
    objects: [
      ...weighed("soon", SOON),
      ...weighed("stable-later", { ...SOON, weightStabilizationPeriod: "600s" }),
      ...weighed("updated-later", { ...SOON, weightUpdatePeriod: "600s" }),
      ...weighed("forgotten", { ...SOON, weightExpirationPeriod: "1s" }),
      ...weighed("penalty", { ...SOON, errorUtilizationPenaltyPercent: 200 }),
      ...weighed("no-penalty", { ...SOON, errorUtilizationPenaltyPercent: 0 }),
      ...weighed("queue", {
        ...SOON,
        metricNamesForComputingUtilization: ["named_metrics.queue"],
      }),
    ],
  });

  const ofIdle = async (name: string, path: string, count = 400) =>
    (await sharesOf(mesh, "client", `${name}:${PORT}`, { count, concurrency: 4, path })).of("idle");
  const eventually = (name: string, path: string) =>
    expect.poll(() => ofIdle(name, path, 100), { message: name, timeout: 15_000 });

  proves(
    "DestinationRule",
    [`${FIELD}.{weightStabilizationPeriod,weightUpdatePeriod,weightExpirationPeriod}`],
    "weighs endpoints by their reports, once these have been there for a while, and for as long as they come",
    async () => {
      // Weights are by requests over utilization: 1 to 9.
      await eventually("soon", CPU).toBeGreaterThan(0.8);
      expect(Math.abs((await ofIdle("soon", CPU, 2000)) - 0.9)).toBeLessThan(0.03);
      for (const name of ["stable-later", "updated-later"])
        expect(Math.abs((await ofIdle(name, CPU, 1000)) - 0.5), name).toBeLessThan(0.05);
      await eventually("forgotten", CPU).toBeGreaterThan(0.8);
      await eventually("forgotten", "/").toBeLessThan(0.6);
      // The other's reports are good for three minutes.
      expect(await ofIdle("soon", "/")).toBeGreaterThan(0.8);
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.errorUtilizationPenaltyPercent`],
    "counts errors as load, as much as it is told",
    async () => {
      const path = reports("cpu_utilization=0.1,eps=50", "cpu_utilization=0.1");
      // 0.1 + 50/100 × 2 against 0.1.
      await eventually("penalty", path).toBeGreaterThan(0.85);
      expect(Math.abs((await ofIdle("no-penalty", path, 1000)) - 0.5)).toBeLessThan(0.05);
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.metricNamesForComputingUtilization`],
    "goes by the metrics that are named, before the load of the processor",
    async () => {
      const path = reports(
        "cpu_utilization=0.1,named_metrics.queue=0.9",
        "cpu_utilization=0.9,named_metrics.queue=0.1",
      );
      await eventually("queue", path).toBeGreaterThan(0.8);
      await eventually("soon", path).toBeLessThan(0.2);
    },
  );
});
