/** Two networks of one mesh: what is in the other is reached through the gateway into it, a real one that passes mutual TLS on. */
import type { MeshObject, Service } from "@heddle/model";
import { describe, expect } from "vitest";
import { createAuthority } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import {
  destinationRule,
  gateway,
  object,
  pod,
  service,
  serviceEntry,
  workloadEntry,
  workloadGroup,
} from "../../harness/objects.ts";
import { sharesOf } from "../../harness/shares.ts";
import { proves } from "../proves.ts";

const CLIENT = "127.155.0.1";
const THERE = "127.155.0.2";
const NEAR = "127.155.0.3";
const FAR = "127.155.0.4";
const GATEWAY = "127.155.0.5";
/** Nothing listens there: an address of the other network. */
const NOWHERE = "127.155.0.99";
const PORT = 9080;
const BETWEEN = 15443;
const NETWORK = "topology.istio.io/network";

const authority = createAuthority();
const hostOf = (name: string) => `${name}.default.svc.cluster.local`;
const NAMES = ["shop", "picked", "grouped", "pods", "plain", "known"] as const;

/** All of one name: what the far side serves as a Service, the near side lists as it likes. */
function listed(name: string, endpoints: readonly object[]): MeshObject {
  return serviceEntry(name, {
    hosts: [hostOf(name)],
    location: "MESH_INTERNAL",
    resolution: "STATIC",
    ports: [{ number: PORT, name: "http", protocol: "HTTP" }],
    endpoints,
  });
}

function picking(name: string): MeshObject {
  return serviceEntry(name, {
    hosts: [hostOf(name)],
    location: "MESH_INTERNAL",
    resolution: "STATIC",
    ports: [{ number: PORT, name: "http", protocol: "HTTP" }],
    workloadSelector: { labels: { app: name } },
  });
}

function wayInto(network: string, address: string): MeshObject<Service> {
  return object<Service>(
    "v1",
    "Service",
    `into-${network}`,
    {
      type: "LoadBalancer",
      ports: [{ name: "tls", port: BETWEEN }],
      status: { loadBalancer: { ingress: [{ ip: address }] } },
    },
    "istio-system",
    { labels: { [NETWORK]: network } },
  );
}

describe.skipIf(!envoyBinary)("networks of one mesh", () => {
  const mtls = { "security.istio.io/tlsMode": "istio" };
  const east = startedMesh({
    authority,
    workloads: {
      client: { address: CLIENT, metadata: { NETWORK: "east" } },
      there: { address: THERE, labels: { app: "there", [NETWORK]: "west" } },
      near: { address: NEAR, ports: [PORT] },
    },
    objects: [
      wayInto("west", GATEWAY),
      listed("shop", [
        { address: NEAR, labels: mtls, network: "east" },
        { network: "west", labels: mtls, weight: 2 },
      ]),
      destinationRule("shop", {
        host: hostOf("shop"),
        trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN" } },
      }),
      listed("loop", [{ network: "west", labels: mtls }]),
      picking("picked"),
      workloadEntry(
        "picked",
        { network: "west", serviceAccount: "far" },
        { labels: { app: "picked" } },
      ),
      picking("grouped"),
      workloadGroup("grouped", {
        metadata: { labels: { app: "grouped" } },
        template: { network: "west", serviceAccount: "far" },
      }),
      workloadEntry(
        "grouped-1",
        {},
        { annotations: { "istio.io/autoRegistrationGroup": "grouped" } },
      ),
      ...service("pods", [{ name: "http", port: PORT }], [NOWHERE], { clusterIP: "10.0.0.9" }),
      pod({
        name: "elsewhere",
        address: NOWHERE,
        labels: { app: "pods", [NETWORK]: "west" },
        serviceAccount: "far",
      }),
      listed("plain", [{ address: NEAR, network: "west" }]),
      // A network that nobody leads into: its addresses are reached as they are.
      listed("known", [{ address: NEAR, network: "south", labels: mtls }]),
      // For who is in that network, its address is one of its own.
      listed("own", [{ address: NEAR, network: "west", labels: mtls }]),
      listed("told-plain", [{ address: NEAR, network: "west", labels: mtls }]),
      destinationRule("told-plain", {
        host: hostOf("told-plain"),
        trafficPolicy: { tls: { mode: "DISABLE" } },
      }),
    ],
  });
  startedMesh({
    authority,
    workloads: {
      far: { address: FAR, ports: [PORT] },
      eastwest: {
        address: GATEWAY,
        type: "router",
        labels: { istio: "eastwestgateway", [NETWORK]: "west" },
      },
    },
    objects: [
      wayInto("west", GATEWAY),
      // What comes from the east is not sent back there, whatever else the service has there.
      wayInto("east", NOWHERE),
      listed("loop", [
        { address: FAR, network: "west", labels: mtls },
        { network: "east", labels: mtls, weight: 100 },
      ]),
      ...[...NAMES, "own"].flatMap((name) =>
        service(name, [{ name: "http", port: PORT }], [FAR], { clusterIP: "10.0.0.1" }),
      ),
      gateway("cross-network", {
        selector: { istio: "eastwestgateway" },
        servers: [
          {
            port: { number: BETWEEN, name: "tls", protocol: "TLS" },
            hosts: ["*.local"],
            tls: { mode: "AUTO_PASSTHROUGH" },
          },
        ],
      }),
    ],
  });
  const answering = async (from: "client" | "there", name: string) => {
    const answer = await east.get(from, `${hostOf(name)}:${PORT}`);
    return answer.headers["x-application"] ?? answer.status;
  };

  proves(
    "ServiceEntry",
    ["endpoints[].network"],
    "endpoints of another network are behind its gateway, with their weight; those that take no mutual TLS are left out",
    async () => {
      const shares = await sharesOf(east, "client", `${hostOf("shop")}:${PORT}`, {
        count: 1500,
        concurrency: 8,
      });
      expect(Math.abs(shares.of("far") - 2 / 3)).toBeLessThan(0.05);
      expect(Math.abs(shares.of("near") - 1 / 3)).toBeLessThan(0.05);
      expect(await answering("client", "own")).toBe("far");
      expect(await answering("there", "own")).toBe("near");
      expect(await answering("client", "known")).toBe("near");
      for (let i = 0; i < 10; i++) expect(await answering("client", "loop")).toBe("far");
      expect(await answering("client", "plain")).toBe(503);
      expect(await answering("client", "told-plain")).toBe(503);
    },
  );

  proves(
    { WorkloadEntry: ["network"], WorkloadGroup: ["template.network"] },
    "workloads of another network, and pods by their label, are behind its gateway",
    async () => {
      expect(await answering("client", "picked")).toBe("far");
      expect(await answering("client", "grouped")).toBe("far");
      expect(await answering("client", "pods")).toBe("far");
    },
  );
});
