/** The agent between a real plane and real Envoys: rules arrive, mutual TLS rotates, and nothing stops when the plane does. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient, type HeddleClient } from "@heddle/client";
import { type RunningPlane, startPlane } from "../../apps/api/src/node.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { handshakes } from "../../test/harness/sidecar-tls.ts";
import { type RunningAgent, startAgent } from "./agent.ts";
import { parseAgentOptions } from "./options.ts";
import {
  type EnvoyPod,
  serviceDocument,
  sliceDocument,
  startPod,
  until,
} from "./testing/envoy-pod.ts";
import { freePorts } from "./testing/free-ports.ts";
import { quiet } from "./testing/quiet-log.ts";

const envoyBinary = process.env["HEDDLE_ENVOY"];
const PORT = 9080;
const logger = {
  info() {},
  warn() {},
  error: (message: string, fields?: unknown) => console.error(message, fields),
};

let folder: string;
let plane: RunningPlane;
let agent: RunningAgent;
let client: HeddleClient;
let joinToken: string;
let pods: { web: EnvoyPod; api: EnvoyPod; extra: EnvoyPod };
let ports: { plane: number; xds: number; metrics: number };

const openPlane = async () => {
  plane = await startPlane({ port: ports.plane, dataDir: path.join(folder, "plane"), log: logger });
  client = createClient({ baseUrl: plane.url, token: plane.adminToken });
};
const openAgent = async (lifetime = "24h") => {
  const flags = {
    ...{ plane: `http://127.0.0.1:${ports.plane}`, token: joinToken, name: "test" },
    ...{ config: path.join(folder, "cluster"), state: path.join(folder, "agent") },
    ...{ xds: `127.0.0.1:${ports.xds}`, metrics: `127.0.0.1:${ports.metrics}`, roles: "control" },
  };
  agent = await startAgent(parseAgentOptions({ ...flags, certificateLifetime: lifetime }), quiet);
};
const describeCluster = (api: readonly EnvoyPod[]) =>
  writeFile(
    path.join(folder, "cluster/cluster.json"),
    JSON.stringify({
      apiVersion: "v1",
      kind: "List",
      items: [
        ...[pods.web, pods.api, pods.extra].map((pod) => pod.document),
        serviceDocument("web", PORT),
        serviceDocument("api", PORT),
        sliceDocument("web", PORT, [pods.web]),
        sliceDocument("api", PORT, api),
      ],
    }),
  );
const rule = (header: string) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: api, namespace: default }
spec:
  hosts: [api]
  http:
    - directResponse: { status: 503, body: { string: "${header}" } }
`;
const apply = (content: string) =>
  client.apply("test", { files: [{ name: "rule.yaml", content }], message: "test" });
const converged = async () => {
  const { convergence, revision } = await client.transport.json<{
    revision: number;
    convergence: { state: string; revision: number };
  }>("GET", "/v1/meshes/test");
  return convergence.state === "applied" && convergence.revision === revision;
};

const debugSync = async () => {
  const response = await fetch(`http://127.0.0.1:${ports.metrics}/debug/sync`);
  return (await response.json()) as { acknowledged: number };
};

/** Calls the service again and again; what failed. */
function startTraffic() {
  const failed: string[] = [];
  let [running, count] = [true, 0];
  const loop = (async () => {
    while (running) {
      const { status, body } = await pods.web.call(`api:${PORT}`);
      count++;
      if (status !== 200) failed.push(`${status} ${body}`);
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
  })();
  return {
    async stop() {
      running = false;
      await loop;
      return { failed, count };
    },
  };
}

describe.skipIf(!envoyBinary)("an agent between plane and Envoys", () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-agent-"));
    const [planePort = 0, xds = 0, metrics = 0] = await freePorts(3);
    ports = { plane: planePort, xds, metrics };
    await openPlane();
    await client.createMesh({ name: "test", trustDomain: "test.example" });
    ({ token: joinToken } = await client.createJoinToken("test", { name: "test" }));
    const pod = (name: string, app: string, last: number) =>
      startPod(
        { name, app, address: `127.61.0.${last}`, appAddress: `127.62.0.${last}`, port: PORT },
        envoyBinary as string,
      );
    pods = {
      web: await pod("web-0", "web", 11),
      api: await pod("api-0", "api", 12),
      extra: await pod("api-1", "api", 13),
    };
    await mkdir(path.join(folder, "cluster"));
    await describeCluster([pods.api]);
    await openAgent();
    await Promise.all(Object.values(pods).map((each) => each.startEnvoy(ports.xds)));
  }, 60_000);
  afterAll(async () => {
    await Promise.all(Object.values(pods ?? {}).map((each) => each.close()));
    await agent?.close();
    await plane?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("serves traffic over mutual TLS, reports proxies and the cluster, and refuses a second use of its join token", async () => {
    await until(async () => (await pods.web.call(`api:${PORT}`)).body === "api-0", 10_000);
    await until(async () => (await client.proxies("test")).items.length === 3, 5_000);
    const cluster = () =>
      client.transport.json<{
        services: { host: string }[];
        workloads: { name: string; pods: number }[];
      }>("GET", "/v1/meshes/test/cluster");
    await until(async () => (await cluster()).services.length > 0, 5_000);
    const summary = await cluster();
    expect(summary.services.map(({ host }) => host)).toContain("api.default.svc.cluster.local");
    expect(summary.workloads.find(({ name }) => name === "web-0")?.pods).toBe(1);
    await expect(client.enroll({ joinToken, name: "thief" })).rejects.toMatchObject({
      code: "HDL7012",
    });
    expect(await pods.api.serials()).not.toBe("");
  });

  it("brings a rule from the plane to Envoy in milliseconds, and knows when every proxy has it", async () => {
    const times: number[] = [];
    for (let turn = 0; turn < 20; turn++) {
      await apply(rule(`turn ${turn}`));
      times.push(
        await until(
          async () => (await pods.web.call(`api:${PORT}`)).body === `turn ${turn}`,
          2_000,
        ),
      );
    }
    times.sort((a, b) => a - b);
    console.log(
      `answered apply → first request that obeys: median ${times[10]?.toFixed(1)} ms, worst ${times[19]?.toFixed(1)} ms`,
    );
    expect(times[10]).toBeLessThan(100);
    await until(converged, 2_000);
    const inStep = async () => {
      const { items } = await client.proxies("test");
      return (
        items.length === 3 &&
        items.every((proxy) => proxy.state === "synced" && proxy.acknowledged === 20)
      );
    };
    await until(inStep, 2_000);
    await client.apply("test", {
      delete: ["networking.istio.io/VirtualService/default/api"],
      message: "back",
    });
    await until(async () => (await pods.web.call(`api:${PORT}`)).status === 200, 2_000);
  });

  it("lets traffic go on when the plane is away, also after it was restarted itself, and is in step soon after", async () => {
    await apply(
      `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: api, namespace: default }\nspec: { hosts: [api], http: [{ headers: { response: { set: { x-rule: "1" } } }, route: [{ destination: { host: api } }] }] }\n`,
    );
    await until(converged, 2_000);
    const traffic = startTraffic();
    await plane.close();
    await describeCluster([pods.api, pods.extra]);
    const added = await until(
      async () => (await pods.web.call(`api:${PORT}`)).body === "api-1",
      1_000,
    );
    const { acknowledged } = await debugSync();
    await agent.close();
    const restarted = performance.now();
    await openAgent();
    const served = performance.now() - restarted;
    // Its heartbeats go on from there, whoever of its proxies is back.
    expect(await debugSync()).toMatchObject({ acknowledged, applied: { number: acknowledged } });
    expect(acknowledged).toBeGreaterThan(0);
    // A proxy that starts now has only what the agent had on disk: the rule, and a certificate for its identity.
    await pods.web
      .stopEnvoy()
      .then(() => traffic.stop())
      .then(({ failed }) => {
        const before = failed.filter(
          (each) => !/ECONNREFUSED|ECONNRESET|socket hang up/.test(each),
        );
        expect(before).toEqual([]);
      });
    await pods.web.startEnvoy(ports.xds);
    await until(async () => (await pods.web.call(`api:${PORT}`)).status === 200, 5_000);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await openPlane();
    await apply(rule("back"));
    const inStep = await until(converged, 2_000);
    expect((await pods.web.call(`api:${PORT}`)).body).toBe("back");
    console.log(
      `endpoint added without a plane: ${added.toFixed(0)} ms; agent served again after ${served.toFixed(0)} ms; in step ${inStep.toFixed(0)} ms after the plane's first apply`,
    );
    await client.apply("test", {
      delete: ["networking.istio.io/VirtualService/default/api"],
      message: "back",
    });
    await until(async () => (await pods.web.call(`api:${PORT}`)).status === 200, 2_000);
  }, 60_000);

  it("rotates certificates under traffic without a failed request", async () => {
    await agent.close();
    await openAgent("6s");
    await until(async () => (await pods.web.call(`api:${PORT}`)).status === 200, 5_000);
    // A handshake for each request: a connection that is kept would live on the first certificate.
    await apply(
      "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: api, namespace: default }\nspec: { host: api, trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 1 } } } }\n",
    );
    await until(converged, 2_000);
    const shaken = async () =>
      (await handshakes(pods.api.address)) + (await handshakes(pods.extra.address));
    const before = await shaken();
    const traffic = startTraffic();
    const serials = new Set<string>();
    // Three have followed the first, and the last of them is in use.
    await until(async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      return serials.add(await pods.api.serials()).size > 3;
    }, 30_000);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { failed, count } = await traffic.stop();
    const made = (await shaken()) - before;
    console.log(
      `${count} requests, ${made} handshakes while certificates of 6 s rotated ${serials.size - 1} times; ${failed.length} failed`,
    );
    expect(made).toBeGreaterThanOrEqual(count);
    expect(failed).toEqual([]);
  }, 60_000);
});
