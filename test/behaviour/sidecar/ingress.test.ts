/** What Sidecars take in for a workload: ports that they list, where the application listens, and how much at a time. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type Application, closed, startApplication } from "../../harness/application.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { service, sidecar } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const BOUND = "127.90.0.19";

describe.skipIf(!envoyBinary)("what a Sidecar takes in", async () => {
  const folder = await mkdtemp(join(tmpdir(), "heddle-sidecar-"));
  const SOCKET = join(folder, "application.sock");
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.90.0.1" },
      listed: { address: "127.90.0.2", ports: [9080, 9081] },
      limited: { address: "127.90.0.4", ports: [9080] },
      pooled: { address: "127.90.0.5", ports: [9080] },
    },
    objects: [
      ...service(
        "listed",
        [
          { name: "http", port: 9080 },
          { name: "http-more", port: 9081 },
          { name: "http-bound", port: 9082 },
        ],
        ["127.90.0.2"],
      ),
      ...service("limited", [{ name: "http", port: 9080 }], ["127.90.0.4"]),
      ...service("pooled", [{ name: "http", port: 9080 }], ["127.90.0.5"]),
      sidecar("listed", {
        workloadSelector: { labels: { app: "listed" } },
        ingress: [
          {
            port: { number: 9080, protocol: "HTTP", name: "http" },
            defaultEndpoint: "127.0.0.1:9081",
          },
          {
            port: { number: 9082, protocol: "HTTP", name: "bound" },
            bind: BOUND,
            captureMode: "NONE",
            defaultEndpoint: "127.0.0.1:9080",
          },
          {
            port: { number: 9083, protocol: "HTTP", name: "socket" },
            defaultEndpoint: `unix://${SOCKET}`,
          },
          {
            port: { number: 9084, protocol: "HTTP", name: "instance" },
            defaultEndpoint: "0.0.0.0:9085",
          },
        ],
      }),
      sidecar("limited", {
        workloadSelector: { labels: { app: "limited" } },
        inboundConnectionPool: { http: { http1MaxPendingRequests: 1 }, tcp: { maxConnections: 1 } },
      }),
      sidecar("pooled", {
        workloadSelector: { labels: { app: "pooled" } },
        inboundConnectionPool: { http: { http1MaxPendingRequests: 1 }, tcp: { maxConnections: 1 } },
        ingress: [
          {
            port: { number: 9080, protocol: "HTTP", name: "http" },
            connectionPool: {
              http: { http1MaxPendingRequests: 100 },
              tcp: { maxConnections: 100 },
            },
          },
        ],
      }),
    ],
  });

  let socketed: Server;
  let instance: Application;
  beforeAll(async () => {
    socketed = createServer((_, response) => response.end("socket"));
    await new Promise<void>((resolve) => socketed.listen(SOCKET, resolve));
    instance = await startApplication("instance", "127.90.0.2", 9085);
  });
  afterAll(async () => {
    await closed(socketed);
    await instance.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const atOnce = async (host: "limited" | "pooled") => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => mesh.get("client", `${host}:9080`, "/slow/300")),
    );
    return answers.filter(({ status }) => status === 503).length;
  };

  proves(
    "Sidecar",
    [
      "ingress[].port.{number,protocol,name}",
      "ingress[].defaultEndpoint",
      "ingress[].captureMode=DEFAULT",
    ],
    "takes in the ports that it lists, for the endpoint that it names, and no other",
    async () => {
      expect((await mesh.get("client", "listed:9080")).status).toBe(200);
      // Nobody listens on a port that is not listed: the service's other port leads nowhere.
      expect((await mesh.get("client", "listed:9081")).status).toBe(503);
    },
  );

  proves(
    "Sidecar",
    ["ingress[].defaultEndpoint"],
    "reaches the application on a Unix socket, or on the workload's own address",
    async () => {
      expect((await ask("127.90.0.2", 9083, "listed", "/")).body).toBe("socket");
      expect((await ask("127.90.0.2", 9084, "listed", "/")).echo()).toMatchObject({
        name: "instance",
        port: 9085,
      });
    },
  );

  proves(
    "Sidecar",
    ["ingress[].bind", "ingress[].captureMode=NONE"],
    "listens on the address that it binds",
    async () => {
      expect((await ask(BOUND, 9082, "listed:9082", "/")).status).toBe(200);
    },
  );

  proves(
    "Sidecar",
    [
      "inboundConnectionPool",
      "ingress[].connectionPool.tcp.maxConnections",
      "ingress[].connectionPool.http.http1MaxPendingRequests",
    ],
    "sends its application no more at a time than it is told to; a port's own settings count before all ports'",
    async () => {
      expect(await atOnce("limited")).toBeGreaterThan(2);
      expect(await atOnce("pooled")).toBe(0);
    },
  );
});
