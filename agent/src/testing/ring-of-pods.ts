/** For tests: a real plane, an agent and pods with real Envoys, each of which calls the next one by STRICT mutual TLS, shaking hands for each request. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient, type HeddleClient } from "@heddle/client";
import { type RunningPlane, startPlane } from "../../../apps/api/src/node.ts";
import { type RunningAgent, startAgent } from "../agent.ts";
import { fingerprints } from "../identity/roots.ts";
import { parseAgentOptions } from "../options.ts";
import {
  type EnvoyPod,
  type PodOptions,
  serviceDocument,
  sliceDocument,
  startPod,
  until,
} from "./envoy-pod.ts";
import { freePorts } from "./free-ports.ts";
import { quiet } from "./quiet-log.ts";

const PORT = 9080;

/** Mutual TLS alone, and a handshake for each request: a connection that is kept would live on its first certificate. */
const RULES = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: all, namespace: istio-system }
spec:
  host: "*.default.svc.cluster.local"
  trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 1 } } }
`;

export interface Traffic {
  /** Ends it; how many requests there were, and what failed. */
  stop(): Promise<{ readonly count: number; readonly failed: readonly string[] }>;
}

export interface RingOfPods {
  readonly folder: string;
  readonly pods: readonly EnvoyPod[];
  readonly xdsPort: number;
  /** Of the plane, with its administrator's token. */
  client(): HeddleClient;
  readonly planeUrl: string;
  openPlane(): Promise<void>;
  closePlane(): Promise<void>;
  openAgent(): Promise<void>;
  closeAgent(): Promise<void>;
  /** So many requests a second, of each pod to the next one in turn. */
  startTraffic(rate: number): Traffic;
  close(): Promise<void>;
}

/** Pods at 127.`block`.0.11 and on, their applications in the block after it; resolves when each one reaches the next. */
export async function startRingOfPods(
  count: number,
  block: number,
  envoyBinary: string,
  { drainSeconds }: Pick<PodOptions, "drainSeconds"> = {},
): Promise<RingOfPods> {
  const folder = await mkdtemp(path.join(tmpdir(), "heddle-ring-"));
  const [planePort = 0, xdsPort = 0] = await freePorts(2);
  let plane: RunningPlane | undefined;
  let agent: RunningAgent | undefined;
  let client: HeddleClient;
  const openPlane = async () => {
    plane = await startPlane({ port: planePort, dataDir: path.join(folder, "plane"), log: quiet });
    client = createClient({ baseUrl: plane.url, token: plane.adminToken });
  };
  await openPlane();
  const mesh = "test";
  await client!.createMesh({ name: mesh, trustDomain: "test.example" });
  const { token } = await client!.createJoinToken(mesh, { name: "test" });
  const openAgent = async () => {
    const flags = {
      ...{ plane: `http://127.0.0.1:${planePort}`, token, name: "test" },
      ...{ config: path.join(folder, "cluster"), state: path.join(folder, "agent") },
      ...{ xds: `127.0.0.1:${xdsPort}`, metrics: "off", roles: "control" },
    };
    agent = await startAgent(parseAgentOptions(flags), quiet);
  };
  const pods = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      startPod(
        {
          ...{ name: `app${index}-0`, app: `app${index}`, port: PORT },
          ...(drainSeconds === undefined ? {} : { drainSeconds }),
          address: `127.${block}.0.${index + 11}`,
          appAddress: `127.${block + 1}.0.${index + 11}`,
        },
        envoyBinary,
      ),
    ),
  );
  const call = async (index: number): Promise<string | undefined> => {
    const { app: host } = pods[(index + 1) % count] as EnvoyPod;
    const { status, body } = await (pods[index] as EnvoyPod).call(`${host}:${PORT}`);
    return status === 200 ? undefined : `${host}: ${status} ${body}`;
  };
  await mkdir(path.join(folder, "cluster"));
  const items = pods.flatMap((pod) => [
    pod.document,
    serviceDocument(pod.app, PORT),
    sliceDocument(pod.app, PORT, [pod]),
  ]);
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await writeFile(path.join(folder, "cluster/cluster.json"), list);
  await client!.apply(mesh, { files: [{ name: "mesh.yaml", content: RULES }], message: "rules" });
  await openAgent();
  await Promise.all(pods.map((pod) => pod.startEnvoy(xdsPort)));
  for (const index of pods.keys())
    await until(async () => (await call(index)) === undefined, 60_000);
  return {
    ...{ folder, pods, xdsPort, openPlane, openAgent, planeUrl: `http://127.0.0.1:${planePort}` },
    client: () => client,
    closePlane: async () => plane?.close(),
    closeAgent: async () => agent?.close(),
    startTraffic(rate) {
      const failed: string[] = [];
      const open = new Set<Promise<string | undefined>>();
      let made = 0;
      const send = (index: number) => {
        made++;
        const asked = call(index);
        open.add(asked);
        void asked.then((fault) => {
          open.delete(asked);
          if (fault !== undefined) failed.push(fault);
        });
      };
      // Whatever an answer takes, and where this process was busy, all that are due by now are sent.
      const began = performance.now();
      const timer = setInterval(() => {
        const due = ((performance.now() - began) / 1000) * rate;
        while (made < due) send(made % count);
      }, 5);
      return {
        async stop() {
          clearInterval(timer);
          await Promise.all(open);
          return { count: made, failed };
        },
      };
    },
    async close() {
      await Promise.all(pods.map((each) => each.close()));
      await agent?.close();
      await plane?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Fingerprints of the roots that an Envoy itself says it verifies by. */
export async function rootsOfEnvoy({ address }: EnvoyPod): Promise<string[]> {
  const query = "resource=dynamic_active_secrets&name_regex=ROOTCA";
  const response = await fetch(`http://${address}:15000/config_dump?${query}`);
  const bundles = (await response.text()).matchAll(/"inline_string": "(-----BEGIN CERT[^"]*)"/g);
  const roots = [...bundles].flatMap(([, pem = ""]) => fingerprints(pem.replaceAll("\\n", "\n")));
  return [...new Set(roots)];
}
