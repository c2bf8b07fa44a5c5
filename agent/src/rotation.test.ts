/** The root of a mesh is rotated between a real plane, an agent and real Envoys, under traffic of which every request shakes hands anew. */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient, type HeddleClient, type RotationInfo } from "@heddle/client";
import { type RunningPlane, startPlane } from "../../apps/api/src/node.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { handshakes } from "../../test/harness/sidecar-tls.ts";
import { type RunningAgent, startAgent } from "./agent.ts";
import { fingerprints } from "./identity/roots.ts";
import type { AgentLog } from "./log.ts";
import { parseAgentOptions } from "./options.ts";
import {
  type EnvoyPod,
  serviceDocument,
  sliceDocument,
  startPod,
  until,
} from "./testing/envoy-pod.ts";
import { freePorts } from "./testing/free-ports.ts";
import { TestClient } from "./xds/testing/client.ts";

const envoyBinary = process.env["HEDDLE_ENVOY"];
const PORT = 9080;
/** Proxies follow within a second; a machine with other work takes longer. */
const FOLLOWED_WITHIN = 60_000;
const quiet: AgentLog = {
  info() {},
  warn() {},
  error: (message, fields) => console.error(message, fields),
};

let folder: string;
let plane: RunningPlane;
let agent: RunningAgent;
let client: HeddleClient;
let joinToken: string;
let pods: EnvoyPod[];
let ports: { plane: number; xds: number };

const openPlane = async () => {
  plane = await startPlane({ port: ports.plane, dataDir: path.join(folder, "plane"), log: quiet });
  client = createClient({ baseUrl: plane.url, token: plane.adminToken });
};
const openAgent = async () => {
  const flags = {
    ...{ plane: `http://127.0.0.1:${ports.plane}`, token: joinToken, name: "test" },
    ...{ config: path.join(folder, "cluster"), state: path.join(folder, "agent") },
    ...{ xds: `127.0.0.1:${ports.xds}`, metrics: "off", roles: "control" },
  };
  agent = await startAgent(parseAgentOptions(flags), quiet);
};

/** Each pod calls the next one, again and again; what failed. */
function startTraffic() {
  const failed: string[] = [];
  let [running, count] = [true, 0];
  const loops = ["api", "db", "web"].map(async (host, index) => {
    while (running) {
      const { status, body } = await (pods[index] as EnvoyPod).call(`${host}:${PORT}`);
      count++;
      if (status !== 200) failed.push(`${host}: ${status} ${body}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  return {
    async stop() {
      running = false;
      await Promise.all(loops);
      expect(failed).toEqual([]);
      expect(count).toBeGreaterThan(20);
      return count;
    },
  };
}

const rotation = () => client.rotation("test");
const reaches = async (state: RotationInfo["state"], step?: RotationInfo["step"]) => {
  await until(async () => {
    const now = await rotation();
    return now.state === state && (step === undefined || now.step === step);
  }, FOLLOWED_WITHIN).catch(async (error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify(await rotation())}`);
  });
};
/** A manual rotation's step is done by everybody, and the next one is taken. */
const advance = async () => {
  await until(async () => (await rotation()).allHolders === 0, FOLLOWED_WITHIN).catch(
    async (error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify(await rotation())}`);
    },
  );
  return client.advanceRotation("test");
};
/** Fingerprints of the roots that the mesh trusts, and whether every Envoy's certificates lead to the issuing one. */
async function inForce() {
  const { trustBundle, issuer } = await client.trustBundle("test");
  const { items } = await client.proxies("test");
  return {
    roots: fingerprints(trustBundle),
    issuer,
    leaves: [...new Set(items.map(({ trust }) => trust?.leaf?.root))],
    trusted: [...new Set(items.map(({ trust }) => trust?.roots?.join()))],
  };
}
/** Subjects of the authorities that an Envoy itself says it verifies by. */
async function trustedBy(pod: EnvoyPod): Promise<string[]> {
  const response = await fetch(
    `http://${pod.address}:15000/config_dump?resource=dynamic_active_secrets&name_regex=ROOTCA`,
  );
  const text = await response.text();
  const bundles = [...text.matchAll(/"inline_string": "(-----BEGIN CERT[^"]*)"/g)].map(
    ([, pem = ""]) => pem.replaceAll("\\n", "\n"),
  );
  return [...new Set(bundles.flatMap(fingerprints))];
}

describe.skipIf(!envoyBinary)("a mesh whose root is rotated", () => {
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-rotation-"));
    const [planePort = 0, xds = 0] = await freePorts(2);
    ports = { plane: planePort, xds };
    await openPlane();
    await client.createMesh({ name: "test", trustDomain: "test.example" });
    ({ token: joinToken } = await client.createJoinToken("test", { name: "test" }));
    pods = await Promise.all(
      ["web", "api", "db"].map((app, index) =>
        startPod(
          {
            ...{ name: `${app}-0`, app, port: PORT },
            ...{ address: `127.54.0.${index + 11}`, appAddress: `127.55.0.${index + 11}` },
          },
          envoyBinary as string,
        ),
      ),
    );
    await mkdir(path.join(folder, "cluster"));
    const items = pods.flatMap((pod) => [
      pod.document,
      serviceDocument(pod.app, PORT),
      sliceDocument(pod.app, PORT, [pod]),
    ]);
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
    await writeFile(path.join(folder, "cluster/cluster.json"), list);
    await client.apply("test", {
      files: [
        {
          name: "mesh.yaml",
          content: `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: all, namespace: istio-system }
spec: { host: "*.default.svc.cluster.local", trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 1 } } } }
`,
        },
      ],
      message: "mutual TLS, and a handshake for each request",
    });
    await openAgent();
    await Promise.all(pods.map((pod) => pod.startEnvoy(ports.xds)));
    for (const [index, host] of ["api", "db", "web"].entries())
      await until(async () => {
        const { status } = await (pods[index] as EnvoyPod).call(`${host}:${PORT}`);
        return status === 200;
      }, 20_000);
  }, 120_000);
  afterAll(async () => {
    await Promise.all((pods ?? []).map((each) => each.close()));
    await agent?.close();
    await plane?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("goes step by step by itself, without a failed request, until the old root is nowhere", async () => {
    const before = await inForce();
    expect(before.roots).toEqual([before.issuer]);
    const shaken = async () => {
      const counts = await Promise.all(pods.map(({ address }) => handshakes(address)));
      return counts.reduce((sum, each) => sum + each, 0);
    };
    const shakenBefore = await shaken();
    const traffic = startTraffic();
    const began = performance.now();
    await client.startRotation("test");
    await expect(client.startRotation("test")).rejects.toMatchObject({ code: "HDL1070" });
    await reaches("completed");
    const took = performance.now() - began;
    const count = await traffic.stop();
    // Nothing lives on a connection from before.
    expect((await shaken()) - shakenBefore).toBeGreaterThanOrEqual(count);
    console.log(`rotated in ${Math.round(took)} ms, ${count} requests, none failed`);
    const after = await inForce();
    expect(after.roots).toHaveLength(1);
    expect(after.issuer).not.toBe(before.issuer);
    expect(after.leaves).toEqual(after.roots);
    for (const pod of pods) expect(await trustedBy(pod)).toEqual(after.roots);
    const { authorities } = await client.authorities("test");
    expect(authorities.map(({ state }) => state)).toEqual(["issuing", "retired"]);
  }, 180_000);

  it("goes to a root of the tenant's own, which signs by OpenSSL and is never seen by the plane", async () => {
    const openssl = (...args: string[]) =>
      execFileSync("openssl", args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes"];
    const asCa = [
      "-addext",
      "basicConstraints=critical,CA:TRUE",
      "-addext",
      "keyUsage=critical,keyCertSign,cRLSign",
    ];
    await writeFile(path.join(folder, "req.cnf"), "[req]\ndistinguished_name=dn\n[dn]\n");
    openssl(
      "req",
      "-x509",
      "-config",
      "req.cnf",
      ...key,
      "-keyout",
      "root.key",
      "-out",
      "root.pem",
      "-subj",
      "/O=Acme/CN=Acme root",
      "-days",
      "3650",
      ...asCa,
    );
    const { request } = await client.requestAuthority("test");
    expect(await client.requestAuthority("test")).toMatchObject({ request });
    await writeFile(path.join(folder, "request.pem"), request);
    openssl(
      "x509",
      "-req",
      "-in",
      "request.pem",
      "-CA",
      "root.pem",
      "-CAkey",
      "root.key",
      "-CAcreateserial",
      "-days",
      "365",
      "-copy_extensions",
      "copyall",
      "-out",
      "signed.pem",
    );
    const chain = execFileSync("cat", ["signed.pem", "root.pem"], {
      cwd: folder,
      encoding: "utf8",
    });
    await expect(
      client.importAuthority("test", openssl("x509", "-in", "signed.pem")),
    ).rejects.toMatchObject({ code: "HDL7113" });
    const traffic = startTraffic();
    const { rotation: begun } = await client.importAuthority("test", chain);
    expect(begun).toMatchObject({ automatic: true });
    await reaches("completed");
    await traffic.stop();
    const { trustBundle } = await client.trustBundle("test");
    expect(trustBundle.trim()).toBe(openssl("x509", "-in", "root.pem").trim());
    const after = await inForce();
    expect(after.leaves).toEqual(after.roots);
    for (const pod of pods) expect(await trustedBy(pod)).toEqual(after.roots);
    const { authorities } = await client.authorities("test");
    expect(authorities[0]).toMatchObject({
      kind: "intermediate",
      state: "issuing",
      root: { subject: "O=Acme, CN=Acme root" },
    });
    await expect(client.importAuthority("test", chain)).rejects.toMatchObject({ code: "HDL1073" });
  }, 180_000);

  it("waits for a proxy that does not acknowledge, names it, and goes on without it when told to", async () => {
    const deaf = new TestClient({
      port: ports.xds,
      dialect: "delta",
      manual: true,
      id: "sidecar~127.54.0.99~deaf-0.default~default.svc.cluster.local",
      delay: 3_600_000,
    });
    deaf.subscribe("secret", ["ROOTCA", "default"]);
    await until(async () => (await client.proxies("test")).items.length === 4, 10_000);
    await client.startRotation("test");
    await until(async () => (await rotation()).allHolders === 1, FOLLOWED_WITHIN);
    expect(await rotation()).toMatchObject({
      ...{ step: "trusting", state: "running" },
      holders: [{ agent: "test", proxy: expect.stringContaining("deaf") }],
    });
    await expect(client.advanceRotation("test")).rejects.toMatchObject({
      code: "HDL1072",
      message: expect.stringContaining("deaf"),
    });
    expect(await client.advanceRotation("test", { force: true })).toMatchObject({
      step: "reissuing",
      forced: [{ proxy: expect.stringContaining("deaf") }],
    });
    deaf.close();
    // A proxy that has gone is waited for no longer than it may take to come back.
    await reaches("completed");
  }, 180_000);

  it("goes on where it was when plane and agent have been away, and waits for an agent that is", async () => {
    const traffic = startTraffic();
    await client.startRotation("test", { automatic: false });
    expect(await advance()).toMatchObject({ step: "reissuing" });
    await until(async () => (await rotation()).allHolders === 0, FOLLOWED_WITHIN);
    await plane.close();
    await openPlane();
    await agent.close();
    await until(async () => (await rotation()).holders[0]?.reason === "the agent is away", 10_000);
    await openAgent();
    expect(await rotation()).toMatchObject({ step: "reissuing", state: "running" });
    expect(await advance()).toMatchObject({ step: "withdrawing" });
    expect(await advance()).toMatchObject({ state: "completed" });
    await traffic.stop();
    const after = await inForce();
    expect(after.leaves).toEqual(after.roots);
    expect(after.trusted).toEqual(after.roots);
  }, 180_000);

  it.each([0, 1, 2])(
    "is turned around after %i steps, without a failed request, back to the root that it began with",
    async (steps) => {
      const before = await inForce();
      const traffic = startTraffic();
      await client.startRotation("test", { automatic: false });
      for (let step = 0; step < steps; step++) await advance();
      await until(async () => (await rotation()).allHolders === 0, FOLLOWED_WITHIN);
      expect((await inForce()).roots).not.toEqual(before.roots);
      await client.abortRotation("test");
      await reaches("aborted");
      await traffic.stop();
      const after = await inForce();
      expect(after).toMatchObject({ roots: before.roots, issuer: before.issuer });
      expect(after.leaves).toEqual(before.roots);
      for (const pod of pods) expect(await trustedBy(pod)).toEqual(before.roots);
      await expect(client.abortRotation("test")).rejects.toMatchObject({ code: "HDL1071" });
    },
    180_000,
  );
});
