/** The plane's keys under a key of a real OpenBao, whose Transit engine is Vault's. */
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient, type HeddleClient } from "@heddle/client";
import { certificateAuthorities, sql } from "@heddle/db";
import { createRequest, DATA_KEY_FRESH, generateKeyPair, spiffeId } from "@heddle/pki";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type OpenBao, startOpenBao } from "../../../../test/harness/openbao.ts";
import { createPlane, type Plane, type PlaneOptions } from "../node.ts";

vi.setConfig({ testTimeout: 60_000 });

const PORT = 18_237;
const DEAD = "https://127.0.0.1:9/v1/transit/keys/heddle";
let bao: OpenBao;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-kms-"));
  bao = await startOpenBao(PORT, ["heddle", "moved"]);
}, 180_000);
afterAll(async () => {
  await bao?.close();
  await rm(folder, { recursive: true, force: true });
});

interface OpenPlane extends Plane {
  readonly client: HeddleClient;
  /** What it has logged, as text. */
  readonly logged: string[];
  ready(): Promise<{ readonly status: number; readonly envelope: { problem?: string } }>;
  advance(milliseconds: number): void;
}

const opened: Plane[] = [];
async function open(
  name: string,
  environment: NonNullable<PlaneOptions["environment"]>,
): Promise<OpenPlane> {
  const logged: string[] = [];
  const log = (message: string, fields = {}) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`);
  let offset = 0;
  const plane = await createPlane({
    ...{ dataDir: path.join(folder, name), environment },
    ...{ log: { info: log, warn: log, error: log }, clock: () => Date.now() + offset },
  });
  opened.push(plane);
  return {
    ...plane,
    logged,
    client: clientOf(plane, plane.adminToken),
    advance: (milliseconds) => void (offset += milliseconds),
    async ready() {
      const response = await plane.app.request("/readyz");
      const { envelope } = (await response.json()) as { envelope: object };
      return { status: response.status, envelope };
    },
  };
}
afterAll(async () => {
  for (const plane of opened) await plane.close();
});

const clientOf = ({ app }: Plane, token: string) =>
  createClient({
    ...{ baseUrl: "http://plane.test", token, retries: 0 },
    fetch: async (input, init) => app.request(String(input), init),
  });

/** A mesh, and what an agent of it does to have a certificate issued. */
async function meshWithAgent({ client, ...plane }: OpenPlane) {
  await client.createMesh({ name: "shop", trustDomain: "shop.example" });
  const { token: joinToken } = await client.createJoinToken("shop", { name: "west" });
  const { token } = await client.enroll({ joinToken, name: "west" });
  return { token, issue: () => issue(plane, token) };
}

async function issue(plane: Plane, token: string): Promise<string> {
  const identity = { trustDomain: "shop.example", namespace: "shop", serviceAccount: "web" };
  const csr = await createRequest(await generateKeyPair(), spiffeId(identity));
  return (await clientOf(plane, token).issueCertificates("shop", [csr])).trustBundle;
}

const TENANT = sql`select id as tenant from tenants`;
const sealedAs = async ({ deps, client }: OpenPlane): Promise<string[]> => {
  const { tenant } = (await deps.db.asPlane((tx) => tx.execute(TENANT)))[0] as { tenant: string };
  const rows = await deps.db.withTenant(tenant, (tx) => tx.select().from(certificateAuthorities));
  expect((await client.authorities("shop")).authorities).toHaveLength(rows.length);
  return rows.map(({ wrappedKey }) => wrappedKey);
};

const kms = async (key: string) => ({
  HEDDLE_KMS_KEY: `${bao.url}/v1/transit/keys/${key}`,
  HEDDLE_KMS_TOKEN: await bao.planeToken(key),
});

describe("a plane with a key service", () => {
  it("issues while the service is away, starts without it, says so, and has lost nothing", async () => {
    const environment = await kms("heddle");
    const plane = await open("away", environment);
    const { token, issue: issueOne } = await meshWithAgent(plane);
    const roots = await issueOne();
    await plane.client.createMesh({ name: "other", trustDomain: "other.example" });
    expect(await sealedAs(plane)).toEqual([expect.stringMatching(/^v2\./)]);
    await expect(access(path.join(folder, "away/envelope-key"))).rejects.toThrow();
    expect((await plane.ready()).envelope).toEqual({
      name: `the key heddle of ${bao.url}/v1/transit`,
    });
    await bao.stop();
    plane.advance(2 * DATA_KEY_FRESH);
    expect(await issueOne()).toBe(roots);
    // To revoke needs a key sealed, and cannot wait.
    await plane.client.revoke("other", {
      kind: "workload",
      subject: "spiffe://other.example/ns/shop/sa/gone",
    });
    expect(await plane.ready()).toMatchObject({
      status: 200,
      envelope: { problem: expect.stringMatching(/^HDL9120: No answer from key heddle of http/) },
    });
    expect(plane.logged.filter((line) => line.includes("HDL9120"))).toHaveLength(1);
    await expect(plane.client.rewrapKeys("shop")).rejects.toMatchObject({ code: "HDL9120" });
    await plane.close();

    const again = await open("away", environment);
    await expect(issue(again, token)).rejects.toMatchObject({ status: 503, code: "HDL9120" });
    expect(await again.client.listMeshes()).toMatchObject({
      items: [{ name: "other" }, { name: "shop" }],
    });
    await bao.start();
    await vi.waitFor(async () => expect(await issue(again, token)).toBe(roots), 20_000);
    await bao.call("POST", "sys/seal");
    again.advance(DATA_KEY_FRESH);
    expect((await again.ready()).envelope.problem).toContain("answers 503");
    await bao.stop();
    await bao.start();
    await again.close();
  });

  it("seals anew under the key's new version, so that former ones can go", async () => {
    const environment = await kms("heddle");
    const plane = await open("versions", environment);
    const { token, issue: issueOne } = await meshWithAgent(plane);
    const roots = await issueOne();
    await bao.call("POST", "transit/keys/heddle/rotate");
    expect(await plane.client.rewrapKeys("shop")).toEqual({
      ...{ keys: 2, envelope: `the key heddle of ${bao.url}/v1/transit` },
    });
    await bao.call("POST", "transit/keys/heddle/config", { min_decryption_version: 2 });
    await plane.close();
    const again = await open("versions", environment);
    expect(await issue(again, token)).toBe(roots);
    await again.close();
  });

  it("is come to from an envelope key, and left for one", async () => {
    const before = await open("moved", {});
    const { token, issue: issueOne } = await meshWithAgent(before);
    const roots = await issueOne();
    await before.close();
    const service = await kms("moved");
    const file = path.join(folder, "moved/envelope-key");
    const both = await open("moved", service);
    expect(await issue(both, token)).toBe(roots);
    await both.client.rewrapKeys("shop");
    await both.close();
    await rm(file);
    const moved = await open("moved", service);
    expect(await issue(moved, token)).toBe(roots);
    await moved.close();
    const back = await open("moved", { ...service, HEDDLE_KMS_MODE: "open" });
    expect(await issue(back, token)).toBe(roots);
    await back.client.rewrapKeys("shop");
    expect(await sealedAs(back)).toEqual([expect.stringMatching(/^v1\./)]);
    await back.close();
    const alone = await open("moved", {});
    expect(await issue(alone, token)).toBe(roots);
    await alone.close();
  });

  it("says which key it lacks where only the other one is given", async () => {
    const plane = await open("lacking", await kms("heddle"));
    const { token, issue: issueOne } = await meshWithAgent(plane);
    await issueOne();
    await plane.close();
    const other = await open("lacking", {});
    await expect(issue(other, token)).rejects.toMatchObject({ status: 500, code: "HDL9122" });
    await other.close();
  });

  it("says what the service refuses, takes a token that was written anew, and tells its token to nobody", async () => {
    const file = path.join(folder, "token");
    await writeFile(file, "s.stolen-and-void\n");
    const { HEDDLE_KMS_KEY, HEDDLE_KMS_TOKEN: token } = await kms("heddle");
    const plane = await open("refused", { HEDDLE_KMS_KEY, HEDDLE_KMS_TOKEN_FILE: file });
    await plane.client.createMesh({ name: "shop", trustDomain: "shop.example" });
    const refused = await plane.client.trustBundle("shop").catch((error: unknown) => error);
    expect(refused).toMatchObject({
      ...{ status: 503, code: "HDL9121" },
      message: expect.stringContaining("answers 403 when asked to encrypt: permission denied"),
    });
    const state = await plane.ready();
    expect(state.envelope.problem).toMatch(/^HDL9121/);
    await writeFile(file, `${token}\n`);
    await plane.client.trustBundle("shop");
    expect((await plane.ready()).envelope.problem).toBeUndefined();
    await rm(file);
    await plane.client.rewrapKeys("shop").catch(() => {});
    const told = JSON.stringify([refused, state, await plane.ready(), plane.logged]);
    expect(told).toContain("cannot be read in");
    expect(told).not.toMatch(/s\.stolen/);
    expect(told).not.toContain(token);
    await plane.close();
  });

  it.each([
    [{ HEDDLE_KMS_KEY: "vault.example/keys/heddle" }, "names no key of a Transit engine"],
    [{ HEDDLE_KMS_KEY: `${DEAD}?token=x` }, "names no key of a Transit engine"],
    [{ HEDDLE_KMS_KEY: DEAD.replace("https://127.0.0.1:9", "http://vault.test") }, "in the clear"],
    [{ HEDDLE_KMS_KEY: DEAD }, "no token for it"],
    [{ HEDDLE_KMS_KEY: DEAD, HEDDLE_KMS_TOKEN: "x", HEDDLE_KMS_MODE: "both" }, "seal or open"],
  ])("does not start with settings that are wrong: %o", async (environment, message) => {
    await expect(open("settings", environment)).rejects.toMatchObject({
      ...{ code: "HDL9123", message: expect.stringContaining(message) },
    });
  });
});
