/** What Sidecars take in for a workload: ports that they list, where the application listens, TLS, and how much at a time. */
import { describe, expect } from "vitest";
import { certificateSecret } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { peerAuthentication, service, sidecar } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const BOUND = "127.90.0.19";

describe.skipIf(!envoyBinary)("what a Sidecar takes in", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.90.0.1" },
      listed: { address: "127.90.0.2", ports: [9080, 9081] },
      secure: {
        address: "127.90.0.3",
        ports: [9080],
        secrets: async (authority) => [
          certificateSecret(
            "kubernetes://default/secure-cert",
            await authority.issue("secure.example.com"),
          ),
        ],
      },
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
      ...service("secure", [{ name: "http", port: 9080 }], ["127.90.0.3"]),
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
        ],
      }),
      sidecar("secure", {
        workloadSelector: { labels: { app: "secure" } },
        ingress: [
          {
            port: { number: 9080, protocol: "HTTPS", name: "https" },
            tls: { mode: "SIMPLE", credentialName: "secure-cert" },
          },
        ],
      }),
      peerAuthentication("secure", {
        selector: { matchLabels: { app: "secure" } },
        mtls: { mode: "DISABLE" },
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
    ["ingress[].bind", "ingress[].captureMode=NONE"],
    "listens on the address that it binds",
    async () => {
      expect((await ask(BOUND, 9082, "listed:9082", "/")).status).toBe(200);
    },
  );

  proves(
    "Sidecar",
    ["ingress[].tls.mode=SIMPLE", "ingress[].tls.credentialName"],
    "takes TLS off for clients outside of the mesh, where mutual TLS is off",
    async () => {
      const answer = await ask("127.90.0.3", 9080, "secure.example.com", "/", {
        secure: true,
        servername: "secure.example.com",
        ca: mesh.authority().certificate,
      });
      expect(answer.status).toBe(200);
      expect(answer.echo().headers["x-forwarded-proto"]).toBe("https");
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
