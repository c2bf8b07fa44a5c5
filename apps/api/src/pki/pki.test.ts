/** Identity over the API: who may ask, what is signed, and that keys lie sealed. */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IssuedCertificates } from "@heddle/client";
import { certificateAuthorities, eq, signingKeys } from "@heddle/db";
import { createEnvelope, createRequest, generateKeyPair, spiffeId } from "@heddle/pki";
import { headerHash, importVerifier, publicKeySchema, verifyHeader } from "@heddle/sync";
import type { MeshRecord } from "../deps.ts";
import { findMesh } from "../tenancy/mesh-store.ts";
import { createTestPlane, type TestPlane } from "../testing/test-plane.ts";
import { createMeshAuthority } from "./mesh-authority.ts";
import { createRevisionSigner } from "./signing-keys.ts";

let plane: TestPlane;
let agentToken: string;

beforeAll(async () => {
  plane = await createTestPlane();
  await plane.client.createMesh({ name: "one", trustDomain: "one.example" });
  await plane.client.createMesh({ name: "two", trustDomain: "two.example" });
  const { token } = await plane.client.createJoinToken("one", { name: "a" });
  ({ token: agentToken } = await plane.client.enroll({ joinToken: token, name: "a" }));
});
afterAll(() => plane.close());

const requestFor = async (trustDomain: string) =>
  createRequest(
    await generateKeyPair(),
    spiffeId({ trustDomain, namespace: "shop", serviceAccount: "web" }),
  );

describe("certificates", () => {
  it("are signed for an agent, by one root for each mesh", async () => {
    const csrs = [await requestFor("one.example"), await requestFor("one.example")];
    const { chains, trustBundle, expiresAt } = await plane
      .as(agentToken)
      .issueCertificates("one", csrs);
    expect(chains).toHaveLength(2);
    const [leaf, root] = [new X509Certificate(chains[0] ?? ""), new X509Certificate(trustBundle)];
    expect(leaf.verify(root.publicKey)).toBe(true);
    expect(leaf.subjectAltName).toBe("URI:spiffe://one.example/ns/shop/sa/web");
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(86_000_000);
    const again = await plane.as(agentToken).issueCertificates("one", csrs.slice(1));
    expect(again.trustBundle).toBe(trustBundle);
  });

  it("live as long as is asked for within bounds", async () => {
    const ask = async (lifetimeSeconds: number) =>
      plane
        .as(agentToken)
        .transport.json<IssuedCertificates>("POST", "/v1/meshes/one/certificates", {
          body: { csrs: [await requestFor("one.example")], lifetimeSeconds },
        });
    expect(Date.parse((await ask(30)).expiresAt) - Date.now()).toBeLessThanOrEqual(31_000);
    await expect(ask(1)).rejects.toMatchObject({ code: "HDL1004" });
  });

  it("are refused to others than agents, for other meshes and for requests that are not sound", async () => {
    const csr = await requestFor("one.example");
    await expect(plane.client.issueCertificates("one", [csr])).rejects.toMatchObject({
      code: "HDL1014",
    });
    const agent = plane.as(agentToken);
    await expect(
      agent.issueCertificates("two", [await requestFor("two.example")]),
    ).rejects.toMatchObject({ code: "HDL1020" });
    await expect(
      agent.issueCertificates("one", [await requestFor("two.example")]),
    ).rejects.toMatchObject({ code: "HDL7103" });
    await expect(agent.issueCertificates("one", ["x".repeat(200)])).rejects.toMatchObject({
      code: "HDL7101",
    });
  });

  it("are refused where a name is another's, and are for one identity each", async () => {
    const agent = plane.as(agentToken);
    const web = spiffeId({ trustDomain: "one.example", namespace: "shop", serviceAccount: "web" });
    const ask = async (...dnsNames: string[]) =>
      agent.issueCertificates("one", [await createRequest(await generateKeyPair(), web, dnsNames)]);
    await expect(ask("web.shop.svc", "web-v1.shop.workload.one.example")).resolves.toBeDefined();
    for (const name of ["web.pay.svc.cluster.local", "web-v1.pay.workload.one.example", "web"])
      await expect(ask(name), name).rejects.toMatchObject({ code: "HDL7111" });
    const delegate = async (id: string, dnsNames: string[]) =>
      agent.transport.json("POST", "/v1/meshes/one/intermediates", {
        body: { csr: await createRequest(await generateKeyPair(), id, dnsNames) },
      });
    await expect(delegate(web, ["svc"])).rejects.toMatchObject({ code: "HDL7111" });
    const foreign = web.replace("one", "two");
    await expect(delegate(foreign, [])).rejects.toMatchObject({ code: "HDL7103" });
  });

  it("are kept to the namespaces that a join token was made for, and an agent of these has no intermediate", async () => {
    const { token: joinToken } = await plane.client.createJoinToken("one", {
      ...{ name: "kept", namespaces: ["shop"] },
    });
    const { token } = await plane.client.enroll({ joinToken, name: "kept" });
    const kept = plane.as(token);
    const ask = async (namespace: string) =>
      kept.issueCertificates("one", [
        await createRequest(
          await generateKeyPair(),
          spiffeId({ trustDomain: "one.example", namespace, serviceAccount: "web" }),
        ),
      ]);
    expect((await ask("shop")).chains).toHaveLength(1);
    await expect(ask("pay")).rejects.toMatchObject({ code: "HDL1074" });
    await expect(
      kept.transport.json("POST", "/v1/meshes/one/intermediates", {
        body: { csr: await requestFor("one.example") },
      }),
    ).rejects.toMatchObject({ code: "HDL1074" });
  });

  it("may be signed by an agent with an intermediate, which is an authority for leaves alone", async () => {
    const { chains, trustBundle } = await plane
      .as(agentToken)
      .transport.json<IssuedCertificates>("POST", "/v1/meshes/one/intermediates", {
        body: { csr: await requestFor("one.example") },
      });
    const intermediate = new X509Certificate(chains[0] ?? "");
    expect(intermediate.ca).toBe(true);
    expect(intermediate.verify(new X509Certificate(trustBundle).publicKey)).toBe(true);
  });
});

describe("keys", () => {
  it("lie sealed in the database", async () => {
    await plane.as(agentToken).signingKey("one");
    const rows = await plane.deps.db.withTenant(plane.tenant, async (tx) => [
      ...(await tx
        .select({ wrapped: certificateAuthorities.wrappedKey })
        .from(certificateAuthorities)),
      ...(await tx.select({ wrapped: signingKeys.wrappedKey }).from(signingKeys)),
    ]);
    expect(rows.length).toBeGreaterThanOrEqual(2);
    for (const { wrapped } of rows) expect(wrapped).toMatch(/^v1\.[\w+/=]+\.[\w+/=]+$/);
  });

  it("sign revisions so that what agents pin verifies them, also after a restart of the plane", async () => {
    const mesh = {
      tenant: plane.tenant,
      id: (await plane.client.transport.json<{ id: string }>("GET", "/v1/meshes/one")).id,
    };
    const header = {
      mesh: mesh.id,
      number: 1,
      parent: 0,
      parentHash: "0".repeat(64),
      time: new Date().toISOString(),
      stateRoot: "a".repeat(64),
    };
    const pinned = (await plane.as(agentToken).signingKey("one")) as {
      id: string;
      publicKey: unknown;
    };
    const verifier = await importVerifier(publicKeySchema.parse(pinned.publicKey));
    for (let start = 0; start < 2; start++) {
      const signer = createRevisionSigner(plane.deps);
      const signed = await plane.deps.db.withTenant(plane.tenant, (tx) =>
        signer.sign(tx, mesh, header),
      );
      expect(signed).toMatchObject({ hash: await headerHash(header), keyId: pinned.id });
      expect(await verifyHeader(header, signed.signature, verifier)).toBe(true);
    }
    const count = await plane.deps.db.withTenant(plane.tenant, (tx) =>
      tx.select().from(signingKeys).where(eq(signingKeys.meshId, mesh.id)),
    );
    expect(count).toHaveLength(1);
  });

  it("cannot be opened with another envelope key", async () => {
    const mesh = await findMesh(plane.deps.db, plane.tenant, "one");
    const other = createMeshAuthority({
      ...plane.deps,
      envelope: createEnvelope(new Uint8Array(32).fill(9)),
    });
    await expect(other.trustBundle(mesh as MeshRecord)).rejects.toMatchObject({ code: "HDL7104" });
  });
});
