/** The root of a mesh is rotated between a real plane, an agent and real Envoys, under traffic of which every request shakes hands anew. */
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { HeddleClient, RotationInfo } from "@heddle/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { handshakes, heldSerials } from "../harness/sidecar-tls.ts";
import { fingerprints } from "../../agent/src/identity/roots.ts";
import { until } from "../../agent/src/testing/envoy-pod.ts";
import {
  type RingOfPods,
  rootsOfEnvoy,
  startRingOfPods,
} from "../../agent/src/testing/ring-of-pods.ts";
import { TestClient } from "../../agent/src/xds/testing/client.ts";

const envoyBinary = process.env["HEDDLE_ENVOY"];
/** Proxies follow within a second; a machine with other work takes longer. */
const FOLLOWED_WITHIN = 60_000;
/** Requests a second. */
const RATE = 100;

let ring: RingOfPods;
const client = (): HeddleClient => ring.client();

function startTraffic() {
  const traffic = ring.startTraffic(RATE);
  return async () => {
    const { count, failed } = await traffic.stop();
    expect(failed).toEqual([]);
    expect(count).toBeGreaterThan(20);
    return count;
  };
}

const rotation = () => client().rotation("test");
async function becomes(holds: (now: RotationInfo) => boolean): Promise<void> {
  await until(async () => holds(await rotation()), FOLLOWED_WITHIN).catch(async (error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify(await rotation())}`);
  });
}
const reaches = (state: RotationInfo["state"]) => becomes((now) => now.state === state);
const followed = () => becomes(({ allHolders }) => allHolders === 0);
/** A manual rotation's step is done by everybody, and the next one is taken. */
const advance = async () => {
  await followed();
  return client().advanceRotation("test");
};
/** Fingerprints of the roots that the mesh trusts, of the one that it issues from, and of what its proxies have acknowledged. */
async function inForce() {
  const { trustBundle, issuer } = await client().trustBundle("test");
  const { items } = await client().proxies("test");
  return {
    ...{ roots: fingerprints(trustBundle), issuer },
    leaves: [...new Set(items.map(({ trust }) => trust?.leaf?.root))],
    trusted: [...new Set(items.map(({ trust }) => trust?.roots?.join()))],
  };
}

describe.skipIf(!envoyBinary)("a mesh whose root is rotated", () => {
  beforeAll(async () => {
    ring = await startRingOfPods(3, 54, envoyBinary as string);
  }, 120_000);
  afterAll(() => ring?.close());

  it("goes step by step by itself, without a failed request, until the old root is nowhere", async () => {
    const before = await inForce();
    expect(before.roots).toEqual([before.issuer]);
    const shaken = async () => {
      const counts = await Promise.all(ring.pods.map(({ address }) => handshakes(address)));
      return counts.reduce((sum, each) => sum + each, 0);
    };
    const shakenBefore = await shaken();
    const stop = startTraffic();
    const began = performance.now();
    await client().startRotation("test");
    await expect(client().startRotation("test")).rejects.toMatchObject({ code: "HDL1070" });
    await reaches("completed");
    const took = performance.now() - began;
    const count = await stop();
    // Nothing lives on a connection from before.
    expect((await shaken()) - shakenBefore).toBeGreaterThanOrEqual(count);
    console.log(`rotated in ${Math.round(took)} ms, ${count} requests, none failed`);
    const after = await inForce();
    expect(after.roots).toHaveLength(1);
    expect(after.issuer).not.toBe(before.issuer);
    expect(after.leaves).toEqual(after.roots);
    for (const pod of ring.pods) expect(await rootsOfEnvoy(pod)).toEqual(after.roots);
    const { authorities } = await client().authorities("test");
    expect(authorities.map(({ state }) => state)).toEqual(["issuing", "retired"]);
  }, 180_000);

  it("has each of its certificates in the inventory, with who has it, and nothing that is secret", async () => {
    const list = await client().certificates("test");
    const kinds = (kind: string) => list.items.filter((each) => each.kind === kind);
    expect(list.alerts).toEqual({ warning: 0, critical: 0, expired: 0 });
    expect(list.unknown).toEqual([]);
    expect(kinds("root")).toHaveLength(1);
    expect(kinds("agent")).toMatchObject([{ agent: "test", level: "ok" }]);
    const held = await Promise.all(ring.pods.map(({ address }) => heldSerials(address)));
    expect(kinds("leaf")).toHaveLength(ring.pods.length);
    for (const [index, { name, app }] of ring.pods.entries()) {
      const subject = `spiffe://test.example/ns/default/sa/${app}`;
      const leaf = kinds("leaf").find((each) => each.subject === subject);
      expect(leaf).toMatchObject({ agent: "test", proxies: [expect.stringContaining(name)] });
      expect(held[index]).toContain(leaf?.serialNumber.replace(/^0+/, ""));
      expect(leaf?.issuer).toBe(kinds("agent")[0]?.subject);
    }
    expect(JSON.stringify(list)).not.toMatch(/PRIVATE|-----/);
    const first = await client().certificates("test", { limit: 2 });
    const rest = await client().certificates("test", { limit: 10, cursor: first.next });
    expect([...first.items, ...rest.items]).toEqual(list.items);
    expect((await client().certificates("test", { level: "warning" })).items).toEqual([]);
  });

  it("goes to a root of the tenant's own, which signs by OpenSSL and is never seen by the plane", async () => {
    const openssl = (...args: string[]) =>
      execFileSync("openssl", args, { cwd: ring.folder, encoding: "utf8", stdio: "pipe" });
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes"];
    const asCa = [
      "-addext",
      "basicConstraints=critical,CA:TRUE",
      "-addext",
      "keyUsage=critical,keyCertSign,cRLSign",
    ];
    await writeFile(path.join(ring.folder, "req.cnf"), "[req]\ndistinguished_name=dn\n[dn]\n");
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
    const { request } = await client().requestAuthority("test");
    expect(await client().requestAuthority("test")).toMatchObject({ request });
    await writeFile(path.join(ring.folder, "request.pem"), request);
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
      cwd: ring.folder,
      encoding: "utf8",
    });
    await expect(
      client().importAuthority("test", openssl("x509", "-in", "signed.pem")),
    ).rejects.toMatchObject({ code: "HDL7113" });
    const stop = startTraffic();
    const { rotation: begun } = await client().importAuthority("test", chain);
    expect(begun).toMatchObject({ automatic: true });
    await reaches("completed");
    await stop();
    const { trustBundle } = await client().trustBundle("test");
    expect(trustBundle.trim()).toBe(openssl("x509", "-in", "root.pem").trim());
    const after = await inForce();
    expect(after.leaves).toEqual(after.roots);
    for (const pod of ring.pods) expect(await rootsOfEnvoy(pod)).toEqual(after.roots);
    const { authorities } = await client().authorities("test");
    expect(authorities[0]).toMatchObject({
      kind: "intermediate",
      state: "issuing",
      root: { subject: "O=Acme, CN=Acme root" },
    });
    await expect(client().importAuthority("test", chain)).rejects.toMatchObject({
      code: "HDL1073",
    });
  }, 180_000);

  it("waits for a proxy that does not acknowledge, names it, and goes on without it when told to", async () => {
    const deaf = new TestClient({
      port: ring.xdsPort,
      dialect: "delta",
      manual: true,
      id: "sidecar~127.54.0.99~deaf-0.default~default.svc.cluster.local",
      delay: 3_600_000,
    });
    deaf.subscribe("secret", ["ROOTCA", "default"]);
    await until(async () => (await client().proxies("test")).items.length === 4, 10_000);
    await client().startRotation("test");
    await until(async () => (await rotation()).allHolders === 1, FOLLOWED_WITHIN);
    expect(await rotation()).toMatchObject({
      ...{ step: "trusting", state: "running" },
      holders: [{ agent: "test", proxy: expect.stringContaining("deaf") }],
    });
    await expect(client().advanceRotation("test")).rejects.toMatchObject({
      code: "HDL1072",
      message: expect.stringContaining("deaf"),
    });
    expect(await client().advanceRotation("test", { force: true })).toMatchObject({
      step: "reissuing",
      forced: [{ proxy: expect.stringContaining("deaf") }],
    });
    deaf.close();
    // A proxy that has gone is waited for no longer than it may take to come back.
    await reaches("completed");
  }, 180_000);

  it("goes on where it was when plane and agent have been away, and waits for an agent that is", async () => {
    const stop = startTraffic();
    await client().startRotation("test", { automatic: false });
    expect(await advance()).toMatchObject({ step: "reissuing" });
    await followed();
    await ring.closePlane();
    await ring.openPlane();
    await ring.closeAgent();
    await until(async () => (await rotation()).holders[0]?.reason === "the agent is away", 10_000);
    await ring.openAgent();
    expect(await rotation()).toMatchObject({ step: "reissuing", state: "running" });
    expect(await advance()).toMatchObject({ step: "withdrawing" });
    expect(await advance()).toMatchObject({ state: "completed" });
    await stop();
    const after = await inForce();
    expect(after.leaves).toEqual(after.roots);
    expect(after.trusted).toEqual(after.roots);
  }, 180_000);

  it.each([0, 1, 2])(
    "is turned around after %i steps, without a failed request, back to the root that it began with",
    async (steps) => {
      const before = await inForce();
      const stop = startTraffic();
      await client().startRotation("test", { automatic: false });
      for (let step = 0; step < steps; step++) await advance();
      await followed();
      expect((await inForce()).roots).not.toEqual(before.roots);
      await client().abortRotation("test");
      await reaches("aborted");
      await stop();
      const after = await inForce();
      expect(after).toMatchObject({ roots: before.roots, issuer: before.issuer });
      expect(after.leaves).toEqual(before.roots);
      for (const pod of ring.pods) expect(await rootsOfEnvoy(pod)).toEqual(before.roots);
      await expect(client().abortRotation("test")).rejects.toMatchObject({ code: "HDL1071" });
    },
    180_000,
  );
});
