/** Overload protection: more requests at a time, or more failures, than a policy takes. */
import type { AdaptiveConcurrency, AdmissionControl } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { overloadPolicy, service } from "../../harness/objects.ts";
import { proves } from "../proves.ts";

const PORT = 9080;

const CONCURRENCY: Readonly<Record<string, AdaptiveConcurrency>> = {
  few: { min: 2, max: 4 },
  more: { min: 8, max: 40 },
  // Measures anew all the time, with `min` requests; adjusts at once.
  restless: { min: 2, max: 1000, percentile: 50, every: "10ms", recalibrate: "200ms" },
};

const ADMISSION: Readonly<Record<string, AdmissionControl>> = {
  strict: { successRate: 90, window: "10s", maxRefused: 95, aggression: 3 },
  lenient: { successRate: 5, window: "10s" },
  rare: { successRate: 90, minimumRate: 1000 },
  capped: { successRate: 90, window: "10s", maxRefused: 20, aggression: 3 },
  forgetful: { successRate: 90, window: "1s", maxRefused: 95, aggression: 3 },
};

const NAMES = ["open", ...Object.keys(CONCURRENCY), ...Object.keys(ADMISSION)] as const;
const address = (index: number) => `127.66.0.${index + 10}`;

describe.skipIf(!envoyBinary)("overload", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.66.0.1" },
      ...Object.fromEntries(
        NAMES.map((name, index) => [name, { address: address(index), ports: [PORT] }]),
      ),
    },
    objects: [
      ...NAMES.flatMap((name, index) =>
        service(name, [{ name: "http", port: PORT }], [address(index)]),
      ),
      ...Object.entries(CONCURRENCY).map(([name, concurrency]) =>
        overloadPolicy(name, { selector: { matchLabels: { app: name } }, concurrency }),
      ),
      ...Object.entries(ADMISSION).map(([name, admission]) =>
        overloadPolicy(name, { selector: { matchLabels: { app: name } }, admission }),
      ),
    ],
  });

  const ask = async (name: string, path: string) =>
    (await mesh.get("client", `${name}:${PORT}`, path)).status;
  const atOnce = async (name: string, count: number, path = "/slow/300") => {
    const statuses = await Promise.all(Array.from({ length: count }, () => ask(name, path)));
    return statuses.filter((status) => status === 503).length;
  };
  /** How many of 60 requests never reach the application, after as many; each second one fails if it does. */
  const refusedWhileHalfFail = async (name: string) => {
    let refused = 0;
    for (let i = 0; i < 120; i++) {
      const status = await ask(name, i % 2 === 0 ? "/status/500" : "/");
      if (i >= 60 && status === 503) refused++;
    }
    return refused;
  };

  proves(
    "OverloadPolicy",
    ["selector.matchLabels", "concurrency.{min,max}"],
    "answers 503 to more requests at a time than it takes; a workload without a policy takes all",
    async () => {
      expect(await atOnce("open", 20)).toBe(0);
      // As long as latency has not been measured it is the least number that is let through.
      expect(await atOnce("few", 20)).toBe(18);
      expect(await atOnce("more", 20)).toBe(12);
      // How soon latency is measured and the number raised depends on how busy the machine is.
      const afterMeasuring = async () => {
        for (let i = 0; i < 60; i++) await ask("few", "/");
        await new Promise((resolve) => setTimeout(resolve, 300));
        return atOnce("few", 20);
      };
      await expect.poll(afterMeasuring, { timeout: 15_000 }).toBe(16);
    },
  );

  proves(
    "OverloadPolicy",
    ["concurrency.{percentile,every,recalibrate}"],
    "measures the best latency anew as often as it is told, with few requests at a time",
    async () => {
      for (let i = 0; i < 60; i++) await ask("restless", "/");
      const refused: number[] = [];
      for (let i = 0; i < 6; i++) {
        refused.push(await atOnce("restless", 6, "/slow/50"));
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      // Some rounds fall into a measurement, of 2 at a time.
      expect(Math.max(...refused)).toBeGreaterThan(0);
    },
  );

  proves(
    "OverloadPolicy",
    ["admission.{successRate,minimumRate,maxRefused,aggression,window}"],
    "refuses by chance, the more the fewer succeed, within what it is told",
    async () => {
      const [strict, lenient, rare, capped] = await Promise.all(
        ["strict", "lenient", "rare", "capped"].map(refusedWhileHalfFail),
      );
      console.log("refused of 60", { strict, lenient, rare, capped });
      expect(strict).toBeGreaterThan(20);
      expect(lenient).toBe(0);
      expect(rare).toBe(0);
      expect(capped).toBeGreaterThan(0);
      expect(capped).toBeLessThan(25);
      // What lies further back than the window is forgotten.
      await refusedWhileHalfFail("forgetful");
      await new Promise((resolve) => setTimeout(resolve, 2_100));
      expect(await ask("forgetful", "/")).toBe(200);
    },
  );
});
