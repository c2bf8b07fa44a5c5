/** What meshes take of other trust domains: both sides agree, nobody sees another tenant's, and bundles are numbered as they change. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient, type HeddleClient } from "@heddle/client";
import {
  createRoot,
  fingerprintsOf,
  readBundle,
  ROOT_LIFETIME,
  type SpiffeBundle,
} from "@heddle/pki";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { quiet } from "../../../../agent/src/testing/quiet-log.ts";
import { createPlane, type Plane } from "../node/create-plane.ts";
import { createTenant } from "../tenancy/service.ts";

let folder: string;
let plane: Plane;
let offset = 0;
const clients: HeddleClient[] = [];
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-federations-"));
  plane = await createPlane({ dataDir: folder, log: quiet, clock: () => Date.now() + offset });
  const other = await createTenant(plane.deps, "other");
  clients.push(...[plane.adminToken, other.token].map(as));
});
afterAll(async () => {
  await plane?.close();
  await rm(folder, { recursive: true, force: true });
});

const as = (token: string) =>
  createClient({
    ...{ baseUrl: "http://plane.test", token, retries: 0 },
    fetch: async (input, init) => plane.app.request(String(input), init),
  });
const [here, there] = [() => clients[0]!, () => clients[1]!];

let count = 0;
/** A mesh that has a root. */
async function meshOf(client: HeddleClient): Promise<{ id: string; trustDomain: string }> {
  const name = `mesh-${++count}`;
  const { id, trustDomain } = await client.createMesh({ name, trustDomain: `${name}.example` });
  await client.trustBundle(id);
  return { id, trustDomain };
}

const trusted = async (client: HeddleClient, mesh: { id: string }) =>
  (await client.trustBundle(mesh.id)).federations ?? [];
const bundleAt = (id: string) => plane.app.request(`/v1/bundles/${id}`);
const passes = () => void (offset += 2_000);

describe("meshes of one plane", () => {
  it("federate when both have said so, over tenants, and not before", async () => {
    const [a, b] = [await meshOf(here()), await meshOf(there())];
    const waiting = await here().federate(a.id, b.trustDomain, { kind: "mesh", mesh: b.id });
    expect(waiting).toMatchObject({ state: "waiting", roots: [], agents: [] });
    expect(await trusted(here(), a)).toEqual([]);
    expect(await trusted(there(), b)).toEqual([]);
    await there().federate(b.id, a.trustDomain, { kind: "mesh", mesh: a.id });
    for (const [client, own, other, others] of [
      [here(), a, b, there()],
      [there(), b, a, here()],
    ] as const) {
      const { trustBundle: bundle } = await others.trustBundle(other.id);
      expect(await trusted(client, own)).toEqual([
        { trustDomain: other.trustDomain, source: { kind: "bundle", bundle } },
      ]);
      const { items } = await client.federations(own.id);
      expect(items).toMatchObject([{ state: "inForce", sequence: 1, source: { mesh: other.id } }]);
      expect(items[0]?.roots.map(({ fingerprint }) => fingerprint)).toEqual(
        await fingerprintsOf(bundle),
      );
    }
    const { version } = await here().trustBundle(a.id);
    await there().unfederate(b.id, a.trustDomain);
    expect(await trusted(here(), a)).toEqual([]);
    expect((await here().trustBundle(a.id)).version).not.toBe(version);
    expect((await here().federations(a.id)).items).toMatchObject([{ state: "waiting" }]);
    await here().unfederate(a.id, b.trustDomain);
    await expect(here().unfederate(a.id, b.trustDomain)).rejects.toMatchObject({ code: "HDL1080" });
  });

  it("look alike to whoever is not let in: one that is not there, one that is another's, one of another name", async () => {
    const [a, b] = [await meshOf(here()), await meshOf(there())];
    await there().federate(b.id, "else.example", { kind: "mesh", mesh: a.id });
    const answers = [];
    for (const [domain, mesh] of [
      [b.trustDomain, b.id],
      ["misnamed.example", b.id],
      ["nobody.example", crypto.randomUUID()],
    ] as const) {
      const {
        trustDomain: _,
        createdAt: __,
        source: ___,
        ...answer
      } = await here().federate(...([a.id, domain, { kind: "mesh", mesh }] as const));
      answers.push(answer);
    }
    expect(new Set(answers.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(await trusted(here(), a)).toEqual([]);
    for (const call of [
      () => there().federations(a.id),
      () => there().federate(a.id, "x.example", { kind: "mesh", mesh: b.id }),
      () => there().unfederate(a.id, b.trustDomain),
    ])
      await expect(call()).rejects.toMatchObject({ code: "HDL1020", status: 404 });
  });

  it("are let go of by a mesh that is gone, and by one that names another", async () => {
    const [a, b, c] = [await meshOf(here()), await meshOf(here()), await meshOf(here())];
    for (const [own, other] of [
      [a, b],
      [b, a],
      [a, c],
      [c, a],
    ] as const)
      await here().federate(own.id, other.trustDomain, { kind: "mesh", mesh: other.id });
    expect(await trusted(here(), a)).toHaveLength(2);
    await here().federate(a.id, c.trustDomain, { kind: "mesh", mesh: b.id });
    expect(await trusted(here(), a)).toHaveLength(1);
    expect(await trusted(here(), c)).toEqual([]);
    await here().deleteMesh(b.id);
    expect(await trusted(here(), a)).toEqual([]);
  });

  it("wait with a new root until those beyond the plane have had the time to learn it", async () => {
    const [a, b] = [await meshOf(here()), await meshOf(there())];
    await here().federate(a.id, b.trustDomain, { kind: "mesh", mesh: b.id });
    await there().federate(b.id, a.trustDomain, { kind: "mesh", mesh: a.id });
    const bundle = (await createRoot("outside.example", { now: Date.now() })).pem;
    await here().federate(a.id, "outside.example", { kind: "bundle", bundle });
    // Somebody in the other mesh who is away: what it has not learnt would be refused there.
    const { token: joinToken } = await there().createJoinToken(b.id, { name: "away" });
    await there().enroll({ joinToken, name: "away" });
    await here().startRotation(a.id, { automatic: false });
    const { step, holders } = await here().rotation(a.id);
    expect(step).toBe("trusting");
    expect(holders.map(({ agent }) => agent)).toEqual(["outside.example", b.trustDomain]);
    expect(JSON.stringify(holders)).not.toContain("away");
    expect(await trusted(there(), b)).toEqual([
      {
        trustDomain: a.trustDomain,
        source: { kind: "bundle", bundle: (await here().trustBundle(a.id)).trustBundle },
      },
    ]);
    await expect(here().advanceRotation(a.id)).rejects.toMatchObject({ code: "HDL1072" });
    offset += 151_000;
    expect((await here().rotation(a.id)).holders.map(({ agent }) => agent)).toEqual([
      b.trustDomain,
    ]);
    expect((await here().advanceRotation(a.id, { force: true })).step).toBe("reissuing");
  });
});

describe("what is declared", () => {
  it("is refused where it is the mesh's own, too much, or not of the trust domain", async () => {
    const { id, trustDomain } = await meshOf(here());
    await here().changeMesh(id, { trustDomainAliases: ["alias.example"] });
    const now = Date.now();
    const root = async (name: string, at = now) => (await createRoot(name, { now: at })).pem;
    const given = async (bundle: string | Promise<string>) =>
      ({ kind: "bundle", bundle: await bundle }) as const;
    const refused = async (
      name: string,
      source: Parameters<HeddleClient["federate"]>[2],
      code: string,
    ) => {
      await expect(here().federate(id, name, source), code).rejects.toMatchObject({ code });
    };
    for (const own of [trustDomain, "alias.example", "cluster.local"])
      await refused(own, await given(root(own)), "HDL1079");
    await refused("p.example", { kind: "mesh", mesh: id }, "HDL1079");
    await refused("p.example", await given("roots"), "HDL7122");
    await refused("p.example", await given(root("q.example")), "HDL7124");
    await refused("p.example", await given(root("p.example", now - 2 * ROOT_LIFETIME)), "HDL7125");
    await refused("P.example", await given(root("p.example")), "HDL1004");
    await refused("p.example", await given("x".repeat(70_000)), "HDL1004");
    const endpoint = { kind: "endpoint", profile: "https_web" } as const;
    for (const url of ["http://p.example", "https://u:p@p.example", "file:///x", "p.example"])
      await refused("p.example", { ...endpoint, url }, "HDL1004");
    const spiffe = {
      ...({ kind: "endpoint", profile: "https_spiffe", url: "https://p.example" } as const),
      bootstrap: await root("p.example"),
    } as const;
    await refused(
      "p.example",
      { ...spiffe, endpointSpiffeId: "spiffe://q.example/spire/server" },
      "HDL1084",
    );
    await refused("p.example", { ...spiffe, endpointSpiffeId: "spiffe://p.example" }, "HDL1004");
    for (let index = 0; index < 16; index++)
      await here().federate(id, `p${index}.example`, { ...endpoint, url: "https://p.example" });
    await refused("p16.example", { ...endpoint, url: "https://p.example" }, "HDL1083");
    await here().federate(id, "p15.example", { ...endpoint, url: "https://q.example" });
    expect((await here().federations(id)).items).toHaveLength(16);
  });

  it("is an administrator's to say", async () => {
    const { id } = await meshOf(here());
    const { token } = await here().createToken({ name: "writer", scopes: ["write"] });
    const source = { kind: "mesh", mesh: crypto.randomUUID() } as const;
    await expect(as(token).federate(id, "p.example", source)).rejects.toMatchObject({
      code: "HDL1014",
    });
  });
});

describe("a mesh's bundle endpoint", () => {
  it("answers anybody with the roots, under a number that rises when they change, and both during a rotation", async () => {
    const { id, trustDomain } = await meshOf(here());
    const get = async () => {
      passes();
      const response = await bundleAt(id);
      expect(response.status).toBe(200);
      expect(response.headers.get("cache-control")).toBe("public, max-age=10");
      const text = await response.text();
      const { spiffe_sequence: sequence } = JSON.parse(text) as SpiffeBundle;
      const { roots } = readBundle(text, { trustDomain, now: Date.now() });
      return { sequence, roots: (await fingerprintsOf(roots)).length };
    };
    expect(await get()).toEqual({ sequence: 1, roots: 1 });
    expect(await get()).toEqual({ sequence: 1, roots: 1 });
    await here().startRotation(id, { automatic: false });
    expect(await get()).toEqual({ sequence: 2, roots: 2 });
    await here().advanceRotation(id);
    expect(await get()).toEqual({ sequence: 2, roots: 2 });
    await here().advanceRotation(id);
    expect(await get()).toEqual({ sequence: 3, roots: 1 });
    await here().abortRotation(id);
    expect(await get()).toEqual({ sequence: 4, roots: 2 });
  });

  it("knows no mesh by its name, none without a root, and nothing else", async () => {
    passes();
    const { id } = await here().createMesh({ name: "rootless", trustDomain: "rootless.example" });
    for (const [name, code] of [
      [id, "HDL1081"],
      [crypto.randomUUID(), "HDL1081"],
      ["rootless", "HDL1004"],
    ] as const) {
      const response = await bundleAt(name);
      expect(await response.json()).toMatchObject({ code });
    }
    expect((await plane.app.request(`/v1/bundles/${id}/x`)).status).toBe(401);
  });

  it("does not let those who have no token keep the database busy", async () => {
    passes();
    const { id } = await meshOf(here());
    expect((await bundleAt(id)).status).toBe(200);
    passes();
    const answers = await Promise.all(
      Array.from({ length: 60 }, async () => bundleAt(crypto.randomUUID())),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 404)).toHaveLength(50);
    expect(statuses.filter((status) => status === 429)).toHaveLength(10);
    // Whoever follows a mesh goes on as before.
    expect((await bundleAt(id)).status).toBe(200);
    expect(answers.at(-1)?.headers.get("retry-after")).toBe("1");
    passes();
    expect((await bundleAt(crypto.randomUUID())).status).toBe(404);
  });
});
