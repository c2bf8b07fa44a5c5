/** How a rule tries again: how long a try may take, how long to wait, and where the next one goes. */
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, service, virtualService } from "../../harness/objects.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
const NEAR = { address: "127.163.0.2", locality: { region: "r1", zone: "z1" } };
const FAR = { address: "127.163.0.3", locality: { region: "r2", zone: "z1" } };
const PORTS = [{ name: "http", port: PORT }];
const both = [NEAR.address, FAR.address];

describe.skipIf(!envoyBinary)("retries of a VirtualService", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.163.0.1", locality: { region: "r1", zone: "z1" } },
      near: { ...NEAR, ports: [PORT] },
      far: { ...FAR, ports: [PORT] },
    },
    objects: [
      ...service("near", PORTS, [NEAR.address]),
      ...service("both", PORTS, both),
      ...service("places", PORTS, both),
      // The choice that is made by itself prefers who has less to do, which of two differs from moment to moment.
      destinationRule("both", {
        host: "both",
        trafficPolicy: { loadBalancer: { simple: "RANDOM" } },
      }),
      // Ejects nobody, but makes places count.
      destinationRule("places", {
        host: "places",
        trafficPolicy: { outlierDetection: { consecutive5xxErrors: 1000, interval: "60s" } },
      }),
      virtualService("near", {
        hosts: ["near"],
        http: [
          {
            match: [{ uri: { prefix: "/late/limited" } }],
            retries: { attempts: 1, perTryTimeout: "200ms", retryOn: "gateway-error" },
            route: [{ destination: { host: "near" } }],
          },
          {
            match: [{ uri: { exact: "/status/503?quick" } }, { queryParams: { quick: {} } }],
            retries: { attempts: 3, backoff: "1ms", retryOn: "503" },
            route: [{ destination: { host: "near" } }],
          },
          {
            match: [{ queryParams: { patient: {} } }],
            retries: { attempts: 3, backoff: "300ms", retryOn: "503" },
            route: [{ destination: { host: "near" } }],
          },
          { route: [{ destination: { host: "near" } }] },
        ],
      }),
      virtualService("both", {
        hosts: ["both"],
        http: [true, false].map((retryIgnorePreviousHosts) => ({
          match: [{ queryParams: { other: { exact: String(retryIgnorePreviousHosts) } } }],
          retries: { attempts: 1, retryOn: "503", retryIgnorePreviousHosts },
          route: [{ destination: { host: "both" } }],
        })),
      }),
      virtualService("places", {
        hosts: ["places"],
        http: [true, false].map((retryRemoteLocalities) => ({
          match: [{ queryParams: { remote: { exact: String(retryRemoteLocalities) } } }],
          retries: { attempts: 4, retryOn: "503", retryRemoteLocalities, backoff: "1ms" },
          route: [{ destination: { host: "places" } }],
        })),
      }),
    ],
  });

  const get = (host: string, path: string) => mesh.get("client", `${host}:${PORT}`, path);
  const took = async (work: () => Promise<unknown>) => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };

  proves(
    "VirtualService",
    ["http[].retries.perTryTimeout"],
    "gives up a try after its time, and tries again",
    async () => {
      // The application answers the first of these requests after a second, and later ones at once.
      const limited = await took(async () => {
        expect((await get("near", "/late/limited")).status).toBe(200);
      });
      expect(limited).toBeGreaterThanOrEqual(200);
      expect(limited).toBeLessThan(900);
      expect(await took(() => get("near", "/late/unlimited"))).toBeGreaterThanOrEqual(999);
    },
  );

  proves(
    "VirtualService",
    ["http[].retries.backoff"],
    "waits longer between tries where it is told to",
    async () => {
      expect(await took(() => get("near", "/status/503?quick"))).toBeLessThan(150);
      // Random waits of up to 0.3, 0.9 and 2.1 s: both below 0.15 s in all is one time in a million.
      const waits = await Promise.all(
        [1, 2].map(() => took(() => get("near", "/status/503?patient"))),
      );
      expect(Math.max(...waits)).toBeGreaterThan(150);
    },
  );

  const statuses = async (host: string, path: string, length = 40) =>
    (await Promise.all(Array.from({ length }, () => get(host, path)))).map(({ status }) => status);

  proves(
    "VirtualService",
    ["http[].retries.retryIgnorePreviousHosts"],
    "tries another endpoint than the one that failed",
    async () => {
      const failed = async (other: boolean) =>
        (await statuses("both", `/failing/near?other=${other}`, 200)).filter((each) => each === 503)
          .length;
      // Half of the first tries fail. Of the second ones half do too, unless they go elsewhere: Envoy looks five times for
      // another endpoint, so that one in 32 finds none. 3 and 50 expected.
      expect(await failed(true)).toBeLessThan(15);
      expect(await failed(false)).toBeGreaterThan(20);
    },
  );

  proves(
    "VirtualService",
    ["http[].retries.retryRemoteLocalities"],
    "tries endpoints in other places after those nearby have failed",
    async () => {
      expect((await get("places", "/any?remote=true")).echo().name).toBe("near");
      const seen = async (remote: boolean) =>
        new Set(await statuses("places", `/failing/near?remote=${remote}`));
      expect(await seen(true)).toEqual(new Set([200]));
      expect(await seen(false)).toEqual(new Set([503]));
    },
  );
});
