/** A gateway, two clients and two servers behind Envoys of their own, an agent on a folder of files, and traffic through all of it. */
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type MeshObject, objectKey } from "@heddle/model";
import type { Leaf } from "../harness/certificates.ts";
import { startEnvoy } from "../harness/envoy-process.ts";
import {
  applicationAddress,
  documentOf,
  PROXY_PORT,
  startFileAgent,
  type Workload,
  workloadBootstrap,
} from "../harness/file-agent.ts";
import { startEcho, startGrpc, startHttp1 } from "../harness/protocols.ts";
import { EGRESS_TCP_PORT, GATEWAY_PORTS, MORE_PORT, PORTS, SERVER_IP } from "./ports.ts";
import { type Outcome, startTraffic } from "./traffic.ts";

export interface OrderMesh {
  /** Puts these objects in force, beside nothing else, and resolves when every proxy has what they mean. */
  write(objects: readonly MeshObject[]): Promise<void>;
  /** What the traffic met since it was last asked. */
  take(): Outcome;
  /** What the agent holds to be wrong. */
  problems(): Promise<readonly { readonly code: string; readonly message: string }[]>;
  logs(): string;
  stop(): Promise<void>;
}

/** The addresses of a mesh on a block of the loopback network. */
export function addressesOf(block: number) {
  const at = (n: number) => `127.${block}.0.${n}`;
  return { edge: at(1), client: at(2), a: at(3), b: at(4), led: at(5), agent: at(9) } as const;
}
export type Addresses = ReturnType<typeof addressesOf>;

export function workloadsOf({ edge, client, a, b, led }: Addresses): readonly Workload[] {
  return [
    {
      name: "edge",
      type: "router",
      address: edge,
      labels: { istio: "edge", "gateway.networking.k8s.io/gateway-name": "edge-api" },
    },
    { name: "client", type: "sidecar", address: client, labels: { app: "client" } },
    { name: "a", type: "sidecar", address: a, labels: { app: "server", version: "v1" } },
    { name: "b", type: "sidecar", address: b, labels: { app: "server", version: "v2" } },
    { name: "led", type: "sidecar", address: led, labels: { app: "led" }, intercepted: true },
  ];
}

/** For so long connections to what is gone are asked to end before they are closed. */
export const DRAIN_SECONDS = 4;
/** An Envoy that has not come to hold what it should after so long, milliseconds. */
const STUCK_MS = 15_000;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export async function startOrderMesh(
  at: Addresses,
  first: readonly MeshObject[],
  certificate: Leaf,
): Promise<OrderMesh> {
  const folder = await mkdtemp(path.join(tmpdir(), "heddle-order-"));
  const config = path.join(folder, "config");
  await mkdir(config);
  const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const each of stops.splice(0).toReversed()) await each();
  };
  const put = async (objects: readonly MeshObject[]) => {
    const half = path.join(config, ".half");
    const documents = objects.map((object) => JSON.stringify(documentOf(object)));
    await writeFile(half, documents.join("\n---\n"));
    await rename(half, path.join(config, "mesh.yaml"));
  };
  const debug = async <T>(page: string): Promise<readonly T[]> => {
    const response = await fetch(`http://${at.agent}:15014/debug/${page}`);
    return ((await response.json()) as { items: readonly T[] }).items;
  };
  /** The agent has read the file, and every proxy has said that it has what follows from it. */
  const arrived = async (marker: string) => {
    const limit = performance.now() + STUCK_MS;
    for (;;) {
      const known = (await debug<{ key: string }>("objects")).some(({ key }) => key === marker);
      const proxies = known ? await debug<{ name: string; inStep: boolean }>("proxies") : [];
      if (known && proxies.length >= 5 && proxies.every(({ inStep }) => inStep)) return;
      if (performance.now() > limit)
        throw new Error(`not in step: ${JSON.stringify(proxies)}\n${logs().slice(-4000)}`);
      await sleep(15);
    }
  };
  let writes = 0;
  const write = async (objects: readonly MeshObject[]) => {
    const marker = markerOf(++writes);
    await put([...objects, marker]);
    await arrived(objectKey(marker));
  };
  const envoys: { log(): string }[] = [];
  let agentOutput = () => "";
  const logs = () => [agentOutput(), ...envoys.map((envoy) => envoy.log())].join("\n");
  try {
    await put(first);
    const agent = await startFileAgent(folder, config, at.agent);
    agentOutput = agent.output;
    stops.push(agent.stop);
    for (const server of [at.a, at.b]) {
      const address = applicationAddress(server);
      const speakers = await Promise.all([
        startHttp1(address, PORTS.http),
        startHttp1(address, MORE_PORT),
        startGrpc(address, PORTS.grpc),
        startEcho(address, PORTS.tcp),
        startEcho(address, PORTS.tls, certificate),
      ]);
      for (const speaker of speakers) stops.push(() => speaker.stop());
    }
    for (const workload of workloadsOf(at)) {
      const envoy = await startEnvoy(
        workloadBootstrap(workload, at.agent),
        30_000,
        1,
        DRAIN_SECONDS,
      );
      envoys.push(envoy);
      stops.push(() => envoy.stop());
    }
    await write(first);
    const proxy = { host: at.client, port: PROXY_PORT };
    const http = { ...proxy, authority: `server:${PORTS.http}` };
    const edge = { host: at.edge, authority: "a.test" };
    const led = (port: number) => ({ host: at.led, port: PROXY_PORT, to: `${SERVER_IP}:${port}` });
    const bound = { host: at.client, port: EGRESS_TCP_PORT };
    const traffic = startTraffic({
      requests: {
        "request in the mesh": http,
        "request in the mesh on its own": { ...http, apart: true },
        "request at the gateway": { ...edge, port: GATEWAY_PORTS.http },
        "request in TLS at the gateway": { ...edge, port: GATEWAY_PORTS.https, secure: true },
        "request at a gateway of the Gateway API": { ...edge, port: GATEWAY_PORTS.api },
        "request to a host outside": { ...proxy, authority: "outside.test:7070" },
      },
      connections: {
        "connection in the mesh": bound,
        "connection at the gateway": { host: at.edge, port: GATEWAY_PORTS.tcp },
        "connection led to an Envoy": led(PORTS.tcp),
        "connection in TLS through the gateway": {
          ...{ host: at.edge, port: GATEWAY_PORTS.tls, secure: "tls.test" },
        },
      },
      sockets: {
        "lasting connection led to an Envoy": led(PORTS.tcp),
        "WebSocket led to an Envoy": { ...led(PORTS.http), authority: "server:9080" },
        "lasting connection in the mesh": bound,
        "lasting connection at the gateway": { host: at.edge, port: GATEWAY_PORTS.tcp },
        "WebSocket in the mesh": http,
        "WebSocket at the gateway": { ...edge, port: GATEWAY_PORTS.http },
      },
      streams: { "gRPC stream in the mesh": { ...proxy, authority: `server:${PORTS.grpc}` } },
    });
    stops.push(() => traffic.stop());
    return {
      write,
      take: () => traffic.take(),
      problems: () => debug("diagnostics"),
      logs,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Changes nothing that anybody uses; the agent knows it when it has read what was written with it. */
function markerOf(number: number): MeshObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: `written-${number}`, namespace: "default", labels: {}, annotations: {} },
    spec: {},
  };
}
