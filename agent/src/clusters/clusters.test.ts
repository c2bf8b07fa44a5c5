/**
 * Two clusters of one mesh, each with its agent, network and real Envoys: services that both have are one, what is far is
 * reached through an east-west gateway, and what is gone is withdrawn.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient, type HeddleClient } from "@heddle/client";
import { type RunningPlane, startPlane } from "../../../apps/api/src/node.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningAgent, startAgent } from "../agent.ts";
import { parseAgentOptions } from "../options.ts";
import {
  type EnvoyPod,
  serviceDocument,
  sliceDocument,
  startPod,
  until,
} from "../testing/envoy-pod.ts";
import { freePorts } from "../testing/free-ports.ts";
import { quiet } from "../testing/quiet-log.ts";

const envoyBinary = process.env["HEDDLE_ENVOY"];
const PORT = 9080;
const BETWEEN = 15_443;
const TTL = 2_000;
/** Machines are slow at times. */
const WITHIN = 60_000;
const GATEWAY = "127.78.0.4";
const logger = {
  ...quiet,
  error: (message: string, fields?: unknown) => console.error(message, fields),
};

const clusters = ["west", "east"] as const;
type Name = (typeof clusters)[number];

let folder: string;
let plane: RunningPlane;
let client: HeddleClient;
const agents = new Map<Name, RunningAgent>();
const tokens = new Map<Name, string>();
const ports = new Map<string, number>();
let pods: Record<"web" | "near" | "far" | "gateway", EnvoyPod>;

const openPlane = async () => {
  const dataDir = path.join(folder, "plane");
  plane = await startPlane({ port: ports.get("plane") ?? 0, dataDir, log: logger });
  client = createClient({ baseUrl: plane.url, token: plane.adminToken });
};
const openAgent = async (name: Name) => {
  const flags = {
    ...{ plane: `http://127.0.0.1:${ports.get("plane")}`, token: tokens.get(name), name },
    ...{ config: path.join(folder, name), state: path.join(folder, `${name}-state`) },
    ...{ clusterId: name, network: `net-${name}`, endpointsTtl: `${TTL / 1000}s` },
    ...{ xds: `127.0.0.1:${ports.get(`${name} xds`)}`, roles: "control" },
    metrics: `127.0.0.1:${ports.get(`${name} metrics`)}`,
  };
  agents.set(name, await startAgent(parseAgentOptions(flags), quiet));
};
const closeAgent = async (name: Name) => {
  await agents.get(name)?.close();
  agents.delete(name);
};
/** What kubectl would find in a cluster. */
const describeCluster = (name: Name, items: readonly object[]) =>
  writeFile(
    path.join(folder, name, "cluster.json"),
    JSON.stringify({ apiVersion: "v1", kind: "List", items }),
  );
const describeWest = (api: readonly EnvoyPod[]) =>
  describeCluster("west", [
    ...[pods.web, pods.near].map(({ document }) => document),
    ...["web", "api"].map((app) => serviceDocument(app, PORT)),
    sliceDocument("web", PORT, [pods.web]),
    sliceDocument("api", PORT, api),
  ]);
const describeEast = (api: readonly EnvoyPod[]) =>
  describeCluster("east", [
    ...[pods.far, pods.gateway].map(({ document }) => document),
    ...["api", "only", "secret"].map((app) =>
      app === "secret" ? hidden(serviceDocument(app, PORT)) : serviceDocument(app, PORT),
    ),
    ...["api", "only", "secret"].map((app) => sliceDocument(app, PORT, api)),
    wayIn,
  ]);
const hidden = (service: object) => {
  const { metadata, ...rest } = service as { metadata: object };
  const annotations = { "networking.istio.io/exportTo": "~" };
  return { ...rest, metadata: { ...metadata, annotations } };
};
const wayIn = {
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    ...{ name: "istio-eastwestgateway", namespace: "default" },
    labels: { "topology.istio.io/network": "net-east" },
  },
  spec: { type: "LoadBalancer", ports: [{ name: "tls", port: BETWEEN }] },
  status: { loadBalancer: { ingress: [{ ip: GATEWAY }] } },
};
const RULES = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: between, namespace: default }
spec:
  selector: { istio: eastwestgateway }
  servers:
    - port: { number: ${BETWEEN}, name: tls, protocol: TLS }
      hosts: ["*.local"]
      tls: { mode: AUTO_PASSTHROUGH }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: api, namespace: default }
spec:
  host: api
  trafficPolicy:
    outlierDetection: { consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 2s, maxEjectionPercent: 100 }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
`;
const answers = async (app: string) => {
  const { status, body } = await pods.web.call(`${app}:${PORT}`);
  return status === 200 ? body : String(status);
};
const shared = async (name: Name) => {
  const response = await fetch(`http://127.0.0.1:${ports.get(`${name} metrics`)}/debug/clusters`);
  return (await response.json()) as {
    shared?: number;
    others: { cluster: string; items: number }[];
  };
};
/** Addresses to which the client's Envoy sends requests for a service. */
const targets = async (app: string) => {
  const response = await fetch(`http://${pods.web.address}:15000/clusters?format=json`);
  const { cluster_statuses } = (await response.json()) as {
    cluster_statuses: {
      name: string;
      host_statuses?: { address: { socket_address: { address: string; port_value: number } } }[];
    }[];
  };
  return cluster_statuses
    .filter(({ name }) => name === `outbound|${PORT}||${app}.default.svc.cluster.local`)
    .flatMap(({ host_statuses = [] }) => host_statuses)
    .map(({ address: { socket_address: at } }) => `${at.address}:${at.port_value}`)
    .toSorted();
};

describe.skipIf(!envoyBinary)("two clusters of one mesh", () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-clusters-"));
    const names = ["plane", ...clusters.flatMap((name) => [`${name} xds`, `${name} metrics`])];
    for (const [index, port] of (await freePorts(names.length)).entries())
      ports.set(names[index] as string, port);
    await openPlane();
    await client.createMesh({ name: "test", trustDomain: "test.example" });
    await client.apply("test", {
      files: [{ name: "rules.yaml", content: RULES }],
      message: "rules",
    });
    for (const name of clusters)
      tokens.set(name, (await client.createJoinToken("test", { name })).token);
    const pod = (name: string, app: string, last: number, region: string, more = {}) =>
      startPod(
        {
          ...{
            name,
            app,
            address: `127.78.0.${last}`,
            appAddress: `127.78.1.${last}`,
            port: PORT,
          },
          labels: { "topology.kubernetes.io/region": region, ...more },
          router: app === "gateway",
        },
        envoyBinary as string,
      );
    pods = {
      web: await pod("web-0", "web", 1, "west"),
      near: await pod("api-west", "api", 2, "west"),
      far: await pod("api-east", "api", 3, "east"),
      gateway: await pod("eastwest-0", "gateway", 4, "east", { istio: "eastwestgateway" }),
    };
    for (const name of clusters) await mkdir(path.join(folder, name));
    await describeWest([pods.near]);
    await describeEast([pods.far]);
    await openAgent("west");
    expect(await shared("west")).toEqual({ others: [] });
    await openAgent("east");
    for (const name of ["web", "near"] as const)
      await pods[name].startEnvoy(ports.get("west xds") ?? 0);
    for (const name of ["far", "gateway"] as const)
      await pods[name].startEnvoy(ports.get("east xds") ?? 0);
  }, 240_000);
  afterAll(async () => {
    await Promise.all(Object.values(pods ?? {}).map((each) => each.close()));
    for (const name of clusters) await closeAgent(name);
    await plane?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("serve one service together: near endpoints first, those of the other network behind its gateway", async () => {
    await until(async () => (await targets("api")).length === 2, WITHIN);
    expect(await targets("api")).toEqual([`127.78.0.2:${PORT}`, `${GATEWAY}:${BETWEEN}`]);
    // Each of the proxy's threads learns of endpoints by itself.
    const twenty = () => Promise.all(Array.from({ length: 20 }, () => answers("api")));
    await until(async () => (await twenty()).every((name) => name === "api-west"), WITHIN);
    const { items } = await client.agents("test");
    expect(items).toMatchObject([
      { name: "east", cluster: "east", sharesWith: ["west"] },
      { name: "west", cluster: "west", sharesWith: ["east"] },
    ]);
  }, 180_000);

  it("have services of the other cluster that they have not themselves, but for those that it keeps", async () => {
    await until(async () => (await answers("only")) === "api-east", WITHIN);
    expect(await targets("only")).toEqual([`${GATEWAY}:${BETWEEN}`]);
    expect(await answers("secret")).not.toBe("api-east");
  }, 180_000);

  it("fail over through the gateway when near endpoints fail, and when there are none any more", async () => {
    await pods.near.stopEnvoy();
    await until(async () => (await answers("api")) === "api-east", WITHIN);
    await describeWest([]);
    await until(async () => (await targets("api")).join() === `${GATEWAY}:${BETWEEN}`, WITHIN);
    for (let call = 0; call < 20; call++) expect(await answers("api")).toBe("api-east");
    await pods.near.startEnvoy(ports.get("west xds") ?? 0);
    await describeWest([pods.near]);
    await until(async () => (await answers("api")) === "api-west", WITHIN);
  }, 180_000);

  it("tell each other only what changes", async () => {
    await describeEast([]);
    await until(async () => (await targets("only")).length === 0, WITHIN);
    expect(await targets("api")).toEqual([`127.78.0.2:${PORT}`]);
    await describeEast([pods.far]);
    await until(async () => (await answers("only")) === "api-east", WITHIN);
  }, 180_000);

  it("keep what they know while the plane is away, also after an agent was restarted", async () => {
    await plane.close();
    await new Promise((resolve) => setTimeout(resolve, TTL + 500));
    expect(await answers("only")).toBe("api-east");
    await closeAgent("west");
    await openAgent("west");
    await new Promise((resolve) => setTimeout(resolve, TTL + 500));
    expect((await shared("west")).others).toMatchObject([{ cluster: "east" }]);
    expect(await answers("only")).toBe("api-east");
    await openPlane();
    const back = async () => (await shared("west")).shared !== undefined;
    await until(back, WITHIN);
    await new Promise((resolve) => setTimeout(resolve, TTL + 500));
    expect(await answers("only")).toBe("api-east");
  }, 180_000);

  it("withdraw a cluster's endpoints when its agent has been gone for its time to live, and have them again with it", async () => {
    await closeAgent("east");
    const began = performance.now();
    expect(await answers("only")).toBe("api-east");
    await until(async () => (await targets("only")).length === 0, WITHIN);
    expect(performance.now() - began).toBeGreaterThan(TTL / 2);
    expect(await answers("api")).toBe("api-west");
    expect((await shared("west")).others).toEqual([]);
    await openAgent("east");
    await until(async () => (await answers("only")) === "api-east", WITHIN);
  }, 180_000);
});
