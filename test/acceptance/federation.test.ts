/** Two meshes with roots and trust domains of their own: whose identities real Envoys take, under which names, and what follows a rotation. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient, type HeddleClient } from "@heddle/client";
import {
  type Authority,
  createRoot,
  exportPrivateKey,
  generateKeyPair,
  issueLeaf,
  spiffeId,
} from "@heddle/pki";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningAgent, startAgent } from "../../agent/src/agent.ts";
import { parseAgentOptions } from "../../agent/src/options.ts";
import {
  type EnvoyPod,
  serviceDocument,
  sliceDocument,
  startPod,
  until,
} from "../../agent/src/testing/envoy-pod.ts";
import { freePorts } from "../../agent/src/testing/free-ports.ts";
import { quiet } from "../../agent/src/testing/quiet-log.ts";
import { rootsOfEnvoy } from "../../agent/src/testing/ring-of-pods.ts";
import { type RunningPlane, startPlane } from "../../apps/api/src/node.ts";
import { handshakes } from "../harness/sidecar-tls.ts";

const PORT = 9080;
const [A, B, C] = ["a.example", "b.example", "c.example"];
const WITHIN = 5_000;
const ENVOY = process.env["HEDDLE_ENVOY"] as string;

/** The server takes mutual TLS alone: on /named one caller of the other mesh, on /ours whoever is of a namespace of the mesh. */
const SERVER_RULES = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: callers, namespace: default }
spec:
  rules:
    - from: [{ source: { principals: [${B}/ns/default/sa/client, ${C}/ns/default/sa/client] } }]
      to: [{ operation: { paths: [/named] } }]
    - from: [{ source: { namespaces: [default] } }]
      to: [{ operation: { paths: [/ours] } }]
    - from: [{ source: { serviceAccounts: [default/client] } }]
      to: [{ operation: { paths: [/account] } }]
`;

/** The client knows the other mesh's service by its address, and whom it expects there; it shakes hands for each request. */
const CLIENT_RULES = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: partner, namespace: default }
spec:
  hosts: [server.${A}]
  ports: [{ number: ${PORT}, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 127.244.0.11 }]
  subjectAltNames: ["spiffe://${A}/ns/default/sa/server"]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: unnamed, namespace: default }
spec:
  hosts: [unnamed.${A}]
  ports: [{ number: ${PORT}, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 127.244.0.11 }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: partner, namespace: default }
spec:
  host: "*.${A}"
  trafficPolicy:
    tls: { mode: ISTIO_MUTUAL }
    connectionPool: { http: { maxRequestsPerConnection: 1 } }
`;

let folder: string;
let plane: RunningPlane;
let client: HeddleClient;
let server: EnvoyPod;
let caller: EnvoyPod;
const ids = new Map<string, string>();
const agents: RunningAgent[] = [];
/** What the server's application was told of its caller, the last time. */
let told = "";

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-federation-"));
  plane = await startPlane({ port: 0, dataDir: path.join(folder, "plane"), log: quiet });
  client = createClient({ baseUrl: plane.url, token: plane.adminToken });
  server = await startPod(
    {
      ...{ name: "server-0", app: "server", port: PORT },
      ...{ address: "127.244.0.11", appAddress: "127.245.0.11" },
      onRequest: (headers) => void (told = String(headers["x-forwarded-client-cert"])),
    },
    ENVOY,
  );
  caller = await startPod(
    {
      ...{ name: "client-0", app: "client", port: PORT },
      ...{ address: "127.244.0.12", appAddress: "127.245.0.12" },
    },
    ENVOY,
  );
  await startMesh("a", A, server, SERVER_RULES);
  await startMesh("b", B, caller, CLIENT_RULES);
}, 120_000);
afterAll(async () => {
  await Promise.all([server, caller].map((pod) => pod?.close()));
  for (const agent of agents) await agent.close();
  await plane?.close();
  await rm(folder, { recursive: true, force: true });
});

async function startMesh(mesh: string, trustDomain: string, pod: EnvoyPod, rules: string) {
  const [xdsPort = 0] = await freePorts(1);
  ids.set(mesh, (await client.createMesh({ name: mesh, trustDomain })).id);
  const { token } = await client.createJoinToken(mesh, { name: mesh });
  await client.apply(mesh, { files: [{ name: "mesh.yaml", content: rules }], message: "rules" });
  const config = path.join(folder, mesh, "cluster");
  await mkdir(config, { recursive: true });
  const items = [pod.document, serviceDocument(pod.app, PORT), sliceDocument(pod.app, PORT, [pod])];
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await writeFile(path.join(config, "cluster.json"), list);
  const flags = {
    ...{ plane: plane.url, token, name: mesh, config, state: path.join(folder, mesh, "agent") },
    ...{ xds: `127.0.0.1:${xdsPort}`, metrics: "off", roles: "control" },
  };
  agents.push(await startAgent(parseAgentOptions(flags), quiet));
  await pod.startEnvoy(xdsPort);
  await until(async () => (await pod.serials()) !== "", 20_000);
}

const call = async (at: string, host = `server.${A}`) =>
  (await caller.call(`${host}:${PORT}`, at)).status;

interface Credentials {
  readonly cert: string;
  readonly key: string;
}

async function issuedBy(authority: Authority, trustDomain: string): Promise<Credentials> {
  const keys = await generateKeyPair();
  const id = spiffeId({ trustDomain, namespace: "default", serviceAccount: "client" });
  const { chain } = await issueLeaf(
    // Its own checks keep an authority to its trust domain: whoever means harm has none.
    { ...authority, trustDomain },
    keys.publicKey,
    { now: Date.now(), spiffeId: id },
  );
  return { cert: chain, key: await exportPrivateKey(keys.privateKey) };
}

/** The status of a request to the server by a connection of its own, with a certificate that somebody has; 0: there was none. */
function ask(credentials: Credentials, at: string): Promise<number> {
  return new Promise((resolve) => {
    const request = https.get(
      {
        ...{ host: server.address, port: PORT, path: at, headers: { host: `server:${PORT}` } },
        ...{ ...credentials, rejectUnauthorized: false, agent: false, timeout: 5_000 },
      },
      (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
      },
    );
    request.on("error", () => resolve(0));
  });
}

const named = (mesh: string) => ({ kind: "mesh", mesh: ids.get(mesh) ?? "" }) as const;
const bothSay = async () => {
  await client.federate("a", B, named("b"));
  await client.federate("b", A, named("a"));
  return until(async () => (await call("/named")) === 200, 20_000);
};

test("identities of another mesh are refused until both meshes have said so, and then taken by their names", async () => {
  expect(await call("/named")).toBe(503);
  await client.federate("a", B, named("b"));
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await call("/named")).toBe(503);
  expect((await client.federations("a")).items).toMatchObject([{ state: "waiting" }]);
  console.log(`federated in ${Math.round(await bothSay())} ms`);
  expect(told).toContain(`URI=spiffe://${B}/ns/default/sa/client`);
  // Namespaces and accounts of rules are the mesh's own: the other one may give its own any name.
  for (const at of ["/ours", "/account", "/other"]) expect(await call(at), at).toBe(403);
  // Who is not named is somebody of the own mesh.
  expect(await call("/named", `unnamed.${A}`)).toBe(503);
  await until(
    async () => (await client.federations("a")).items.every(({ agents: who }) => who.length === 1),
    10_000,
  );
  const { items } = await client.certificates("a");
  expect(items.filter(({ kind }) => kind === "federated")).toMatchObject([{ level: "ok" }]);
});

test("a root of one trust domain vouches for no other", async () => {
  const { pem, authority } = await createRoot(C, { now: Date.now() });
  await client.federate("a", C, { kind: "bundle", bundle: pem });
  const own = await issuedBy(authority, C);
  await until(async () => (await ask(own, "/named")) === 200, 20_000);
  expect(told).toContain(`URI=spiffe://${C}/ns/default/sa/client`);
  expect(await ask(own, "/ours")).toBe(403);
  for (const forged of [A, B, "d.example"]) {
    const credentials = await issuedBy(authority, forged);
    for (const at of ["/named", "/ours"]) expect(await ask(credentials, at), forged).toBe(0);
  }
  const began = performance.now();
  await client.unfederate("a", C);
  await until(async () => (await ask(own, "/named")) === 0, WITHIN);
  console.log(`refused ${Math.round(performance.now() - began)} ms after it was taken back`);
  expect(await call("/named")).toBe(200);
});

test("either root is rotated, and no request between the meshes fails", async () => {
  const failed: string[] = [];
  let count = 0;
  let going = true;
  const before = await handshakes(server.address);
  const traffic = Array.from({ length: 4 }, async () => {
    while (going) {
      const { status, body } = await caller.call(`server.${A}:${PORT}`, "/named");
      count++;
      if (status !== 200) failed.push(`${status} ${body}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  for (const mesh of ["b", "a", "b"]) {
    const old = (await client.trustBundle(mesh)).issuer;
    await client.startRotation(mesh);
    const over = async () => (await client.rotation(mesh)).state === "completed";
    console.log(`mesh ${mesh} rotated in ${Math.round(await until(over, 60_000))} ms`);
    for (const pod of [server, caller])
      await until(async () => !(await rootsOfEnvoy(pod)).includes(old), 10_000);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  going = false;
  await Promise.all(traffic);
  const made = (await handshakes(server.address)) - before;
  console.log(`${count} requests, ${made} handshakes, ${failed.length} failed`);
  expect(failed.slice(0, 5)).toEqual([]);
  expect(made).toBeGreaterThanOrEqual(count);
  for (const pod of [server, caller]) expect(await rootsOfEnvoy(pod)).toHaveLength(2);
});

test("a workload that is revoked in its mesh is refused in the other within seconds", async () => {
  const subject = spiffeId({ trustDomain: B, namespace: "default", serviceAccount: "client" });
  const { id } = await client.revoke("b", { kind: "workload", subject });
  const took = await until(async () => (await call("/named")) !== 200, WITHIN);
  console.log(`refused ${Math.round(took)} ms after it was revoked in its own mesh`);
  await client.liftRevocation("b", id);
  await until(async () => (await call("/named")) === 200, 20_000);
});

test("what either mesh takes back is over at both within seconds", async () => {
  const roots = async (mesh: string) => (await client.trustBundle(mesh)).issuer;
  await client.unfederate("b", A);
  const took = await until(async () => (await call("/named")) !== 200, WITHIN);
  console.log(`refused ${Math.round(took)} ms after it was taken back`);
  for (const [pod, mesh] of [
    [server, "a"],
    [caller, "b"],
  ] as const)
    await until(
      async () => JSON.stringify(await rootsOfEnvoy(pod)) === JSON.stringify([await roots(mesh)]),
      WITHIN,
    );
});
