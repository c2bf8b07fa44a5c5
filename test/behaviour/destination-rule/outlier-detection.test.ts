/** When a failing endpoint is left alone, for how long, and when not. */
import type { MeshObject, OutlierDetection, TrafficPolicy } from "@heddle/model";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type CountingServer, startCountingServer } from "../../harness/counting-server.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, service, virtualService } from "../../harness/objects.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
const SERVERS = { good: "127.82.0.2", bad: "127.82.0.3", worse: "127.82.0.4" } as const;
/** Nobody listens there. */
const DEAD = "127.82.0.5";
const FIELD = "trafficPolicy.outlierDetection";
/** Ejected endpoints stay so for the rest of the test unless it says otherwise. */
const STAYING: OutlierDetection = {
  interval: "1s",
  baseEjectionTime: "60s",
  maxEjectionPercent: 100,
};

const watched = (
  name: string,
  outlierDetection: OutlierDetection,
  addresses: readonly string[] = [SERVERS.good, SERVERS.bad],
): readonly MeshObject[] =>
  ruled(name, { outlierDetection: { ...STAYING, ...outlierDetection } }, addresses);

const ruled = (
  name: string,
  policy: TrafficPolicy,
  addresses: readonly string[] = [SERVERS.good, SERVERS.bad],
): readonly MeshObject[] => [
  ...service(
    name,
    [
      { name: "http", port: PORT },
      { name: "http-too", port: 81, targetPort: PORT },
    ],
    addresses,
    { clusterIP: "10.0.0.1" },
  ),
  // Nothing is tried twice, so that every failure is seen.
  virtualService(name, {
    hosts: [name],
    http: [{ retries: { attempts: 0 }, route: [{ destination: { host: name } }] }],
  }),
  destinationRule(name, {
    host: name,
    trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN" }, ...policy },
  }),
];

describe.skipIf(!envoyBinary)("outlier detection", () => {
  const servers: CountingServer[] = [];
  beforeAll(async () => {
    for (const [name, address] of Object.entries(SERVERS))
      servers.push(await startCountingServer(name, address, PORT));
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });
  const mesh = startedMesh({
    workloads: { client: { address: "127.82.0.1" } },
    objects: [
      ...ruled("unwatched", {}),
      ...watched("any-error", { consecutive5xxErrors: 3 }),
      ...watched("gateway-error", { consecutive5xxErrors: 0, consecutiveGatewayErrors: 2 }),
      ...watched("old-error", { consecutive5xxErrors: 0, consecutiveErrors: 2 }),
      ...watched(
        "local",
        {
          consecutive5xxErrors: 0,
          splitExternalLocalOriginErrors: true,
          consecutiveLocalOriginFailures: 2,
        },
        [SERVERS.good, DEAD],
      ),
      ...watched("not-local", { consecutive5xxErrors: 0, consecutiveGatewayErrors: 0 }, [
        SERVERS.good,
        DEAD,
      ]),
      ...watched("codes", {
        consecutive5xxErrors: 2,
        outlierDetectionHttpErrorCodes: [429, 404],
      }),
      ...watched("short", {
        consecutive5xxErrors: 1,
        interval: "200ms",
        baseEjectionTime: "300ms",
      }),
      ...watched("seldom", {
        consecutive5xxErrors: 1,
        interval: "60s",
        baseEjectionTime: "300ms",
      }),
      ...watched("few", { consecutive5xxErrors: 1, maxEjectionPercent: 34 }, [
        ...Object.values(SERVERS),
      ]),
      ...watched("all", { consecutive5xxErrors: 1 }, [...Object.values(SERVERS)]),
      ...watched("panic", { consecutive5xxErrors: 1, minHealthPercent: 60 }),
      ...ruled("ports", {
        portLevelSettings: [
          {
            port: { number: 81 },
            loadBalancer: { simple: "ROUND_ROBIN" },
            outlierDetection: { ...STAYING, consecutive5xxErrors: 1 },
          },
        ],
      }),
    ],
  });

  /** Statuses of so many requests, one after the other. */
  const statuses = async (name: string, path: string, count = 12, port = PORT) => {
    const seen: number[] = [];
    for (let i = 0; i < count; i++)
      seen.push((await mesh.get("client", `${name}:${port}`, path)).status);
    return seen;
  };
  const failures = async (name: string, path: string, count?: number, port?: number) =>
    (await statuses(name, path, count, port)).filter((status) => status !== 200).length;

  proves(
    "DestinationRule",
    [`${FIELD}.consecutive5xxErrors`],
    "leaves an endpoint alone after so many errors of 5xx in a row",
    async () => {
      expect(await failures("unwatched", "/fail/bad/500")).toBe(6);
      expect(await failures("any-error", "/fail/bad/404")).toBe(6);
      expect(await failures("any-error", "/fail/bad/500")).toBe(3);
      expect(await failures("any-error", "/fail/bad/500")).toBe(0);
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.consecutiveGatewayErrors`, `${FIELD}.consecutiveErrors`],
    "counts 502, 503 and 504 alone; other errors not, where 0 turns that off",
    async () => {
      for (const name of ["gateway-error", "old-error"]) {
        expect(await failures(name, "/fail/bad/500"), name).toBe(6);
        expect(await failures(name, "/fail/bad/502"), name).toBe(2);
      }
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.splitExternalLocalOriginErrors`, `${FIELD}.consecutiveLocalOriginFailures`],
    "counts connections that fail by themselves",
    async () => {
      expect(await failures("local", "/")).toBe(2);
      expect(await failures("not-local", "/")).toBe(6);
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.outlierDetectionHttpErrorCodes`],
    "counts the codes that are named instead of 5xx",
    async () => {
      expect(await failures("codes", "/fail/bad/500")).toBe(6);
      expect(await failures("codes", "/fail/bad/429")).toBe(2);
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.interval`, `${FIELD}.baseEjectionTime`],
    "takes an endpoint back after its time, when it looks again",
    async () => {
      for (const name of ["short", "seldom", "all"]) {
        expect(await failures(name, "/fail/bad/500"), name).toBe(1);
      }
      await expect.poll(() => failures("short", "/fail/bad/404", 4), { timeout: 5000 }).toBe(2);
      await sleep(1000);
      expect(await failures("seldom", "/fail/bad/404")).toBe(0);
      expect(await failures("all", "/fail/bad/404")).toBe(0);
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.maxEjectionPercent`],
    "leaves no more endpoints alone than that part of them",
    async () => {
      for (const name of ["few", "all"]) {
        await statuses(name, "/fail/bad/500", 6);
        await statuses(name, "/fail/worse/500", 6);
      }
      await expect.poll(() => failures("all", "/fail/worse/404"), { timeout: 5000 }).toBe(0);
      expect(await failures("few", "/fail/bad/404")).toBe(0);
      expect(await failures("few", "/fail/worse/404")).toBe(6);
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.minHealthPercent`],
    "uses all endpoints when fewer than that part of them are well",
    async () => {
      await statuses("panic", "/fail/bad/500", 4);
      expect(await failures("panic", "/fail/bad/404")).toBe(6);
    },
  );

  proves(
    "DestinationRule",
    ["trafficPolicy.portLevelSettings[].outlierDetection"],
    "watches the port that it is set for",
    async () => {
      expect(await failures("ports", "/fail/bad/500", 12, 81)).toBe(1);
      expect(await failures("ports", "/fail/bad/500", 12, PORT)).toBe(6);
    },
  );
});
