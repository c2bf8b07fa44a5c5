import { HeddleApiError, type MeshSettings } from "@heddle/client";
import { expect, it } from "vitest";
import { newMesh, onEveryPlane, rule } from "../testing/planes.ts";
import { problemOf } from "../testing/problem-of.ts";
import { createTenant } from "./service.ts";

onEveryPlane("tokens", (plane) => {
  it("say whose they are, show their secret once, and are listed without it", async () => {
    const { client, as } = plane();
    const created = await client.createToken({ name: "ci", scopes: ["read"] });
    expect(created.token).toMatch(/^hdl_[\w-]{43}$/);
    expect(await as(created.token).whoAmI()).toMatchObject({
      token: { name: "ci" },
      scopes: ["read"],
    });
    const listed = await client.listTokens();
    expect(listed.items.map(({ name }) => name)).toEqual(expect.arrayContaining(["admin", "ci"]));
    expect(JSON.stringify(listed)).not.toContain(created.token);
  });

  it("are refused without a token, with a wrong one, after their time, and once revoked: 401 with a challenge", async () => {
    const { client, as, app } = plane();
    const none = await app.request("/v1/whoami");
    expect([none.status, none.headers.get("www-authenticate")]).toEqual([
      401,
      'Bearer realm="heddle"',
    ]);
    expect(await none.json()).toMatchObject({ code: "HDL1010" });
    const wrong = await app.request("/v1/whoami", {
      headers: { authorization: "Bearer hdl_wrong" },
    });
    expect(wrong.headers.get("www-authenticate")).toContain('error="invalid_token"');
    expect(await wrong.json()).toMatchObject({ code: "HDL1011", status: 401 });
    const short = await client.createToken({
      name: "short",
      scopes: ["read"],
      expiresInSeconds: 60,
    });
    await as(short.token).whoAmI();
    plane().advance(60_000);
    expect(await problemOf(as(short.token).whoAmI())).toMatchObject({
      code: "HDL1012",
      status: 401,
    });
    const revoked = await client.createToken({ name: "revoked", scopes: ["read"] });
    await client.revokeToken(revoked.id);
    expect(await problemOf(as(revoked.token).whoAmI())).toMatchObject({
      code: "HDL1013",
      status: 401,
    });
    expect(await problemOf(client.revokeToken(crypto.randomUUID()))).toMatchObject({
      code: "HDL1023",
    });
  });

  it("do only what their scopes allow, admin all that write may, write all that read may", async () => {
    const mesh = await newMesh(plane());
    const { client, as } = plane();
    const make = async (...scopes: ("read" | "write" | "admin" | "agent")[]) =>
      as((await client.createToken({ name: scopes.join("+"), scopes })).token);
    const [read, write, agent] = [await make("read"), await make("write"), await make("agent")];
    const apply = { objects: [rule("a")] };
    await read.objectsPage(mesh);
    expect(await problemOf(read.apply(mesh, apply))).toMatchObject({
      code: "HDL1014",
      status: 403,
    });
    await write.apply(mesh, apply);
    await write.objectsPage(mesh);
    expect(await problemOf(write.createMesh({ name: "x" }))).toMatchObject({ code: "HDL1014" });
    expect(await problemOf(write.createToken({ name: "x", scopes: ["admin"] }))).toMatchObject({
      code: "HDL1014",
    });
    expect(await problemOf(agent.apply(mesh, apply))).toMatchObject({ code: "HDL1014" });
  });

  it("for one mesh open no other, and make none for another", async () => {
    const [mine, other] = [await newMesh(plane()), await newMesh(plane())];
    const { client, as } = plane();
    const { token } = await client.createToken({ name: "one", scopes: ["admin"], mesh: mine });
    const one = as(token);
    expect((await one.listMeshes()).items.map(({ name }) => name)).toEqual([mine]);
    await one.getMesh(mine);
    expect(await problemOf(one.getMesh(other))).toMatchObject({ code: "HDL1020", status: 404 });
    expect(await problemOf(one.createMesh({ name: "another" }))).toMatchObject({
      code: "HDL1015",
      status: 403,
    });
    expect(await problemOf(one.createToken({ name: "x", scopes: ["read"] }))).toMatchObject({
      code: "HDL1015",
    });
    expect(
      await problemOf(one.createToken({ name: "x", scopes: ["read"], mesh: other })),
    ).toMatchObject({ code: "HDL1020" });
    await one.createToken({ name: "below", scopes: ["read"], mesh: mine });
    expect((await one.listTokens()).items.map(({ name }) => name)).toEqual(["one", "below"]);
    const [admin] = (await client.listTokens()).items;
    expect(await problemOf(one.revokeToken(admin!.id))).toMatchObject({ code: "HDL1023" });
  });

  it("are listed page by page", async () => {
    const { client } = plane();
    const names = [];
    let cursor: string | undefined;
    do {
      const page = await client.listTokens({ limit: 2, cursor });
      names.push(...page.items.map(({ id }) => id));
      cursor = page.next;
    } while (cursor !== undefined);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBe((await client.listTokens({ limit: 1000 })).items.length);
  });
});

onEveryPlane("meshes", (plane) => {
  it("are made, found by name and by id, changed and deleted with all they hold", async () => {
    const { client } = plane();
    const made = await client.createMesh({
      name: "prod",
      trustDomain: "prod.example",
      settings: { traceSampling: 1 },
    });
    expect(made).toMatchObject({
      name: "prod",
      trustDomain: "prod.example",
      revision: 0,
      settings: { traceSampling: 1 },
    });
    expect(await client.getMesh(made.id)).toEqual(made);
    expect(await client.getMesh("prod")).toEqual(made);
    expect(await client.changeMesh("prod", { accessLog: false })).toMatchObject({
      settings: { traceSampling: 1, accessLog: false },
    });
    const ingress = {
      ingressClass: "mesh",
      ingressControllerMode: "DEFAULT",
      ingressSelector: "edge",
      ingressService: "front",
      trustDomainAliases: ["old.example"],
      extensionProviders: [
        {
          name: "auth",
          envoyExtAuthzGrpc: { service: "auth.default.svc.cluster.local", port: 9000 },
        },
      ],
    } satisfies MeshSettings;
    expect(await client.changeMesh("prod", ingress)).toMatchObject({
      settings: { traceSampling: 1, accessLog: false, ...ingress },
    });
    expect(await problemOf(client.createMesh({ name: "prod" }))).toMatchObject({
      code: "HDL1024",
      status: 409,
    });
    await client.apply("prod", { objects: [rule("a")] });
    await client.deleteMesh("prod");
    expect(await problemOf(client.getMesh("prod"))).toMatchObject({ code: "HDL1020", status: 404 });
    expect(await client.createMesh({ name: "prod" })).toMatchObject({ revision: 0 });
  });

  it("keep their settings as an object: signed, in history, rolled back, never deleted", async () => {
    const { client, published } = plane();
    const name = `settings-${crypto.randomUUID().slice(0, 8)}`;
    await client.createMesh({ name, settings: { traceSampling: 5 } });
    expect(await client.changeMesh(name, { accessLog: false })).toMatchObject({ revision: 1 });
    const key = "heddle.dev/MeshSettings/-/mesh";
    expect(published.at(-1)!.revision.changes).toMatchObject([
      { key, document: { spec: { traceSampling: 5, accessLog: false } } },
    ]);
    expect(await client.changeMesh(name, { accessLog: false })).toMatchObject({ revision: 1 });
    await client.apply(name, {
      objects: [
        {
          apiVersion: "heddle.dev/v1",
          kind: "MeshSettings",
          metadata: { name: "mesh" },
          spec: { outboundTrafficPolicy: "REGISTRY_ONLY" },
        },
      ],
    });
    const settings = async () => (await client.getMesh(name)).settings;
    expect(await settings()).toEqual({ outboundTrafficPolicy: "REGISTRY_ONLY" });
    await client.rollback(name, 1);
    expect(await settings()).toEqual({ traceSampling: 5, accessLog: false });
    await client.rollback(name, 0);
    expect(await settings()).toEqual({ traceSampling: 5, accessLog: false });
    expect(await problemOf(client.apply(name, { delete: [key] }))).toMatchObject({
      code: "HDL1048",
      status: 422,
    });
    const both = await Promise.all([
      client.changeMesh(name, { traceSampling: 50 }),
      client.changeMesh(name, { accessLog: true }),
    ]);
    expect(both.length).toBe(2);
    expect(await settings()).toEqual({ traceSampling: 50, accessLog: true });
  });

  it("refuse extension providers that cannot be asked, by field", async () => {
    const { client } = plane();
    const name = `providers-${crypto.randomUUID().slice(0, 8)}`;
    const auth = { name: "auth", envoyExtAuthzGrpc: { service: "auth.default", port: 70_000 } };
    const settings = { extensionProviders: [auth] };
    const problem = await problemOf(client.createMesh({ name, settings }));
    expect(problem).toMatchObject({ code: "HDL1004", status: 400 });
    expect(problem.diagnostics?.map(({ path }) => path)).toEqual([
      "settings.extensionProviders.0.envoyExtAuthzGrpc.port",
    ]);
  });

  it("refuse names and trust domains that are none, by field", async () => {
    const { client } = plane();
    const problem = await problemOf(
      client.createMesh({ name: "Not A Name", trustDomain: "UPPER" }),
    );
    expect(problem).toMatchObject({ code: "HDL1004", status: 400 });
    expect(problem.diagnostics?.map(({ path }) => path)).toEqual(["name", "trustDomain"]);
  });

  it("of two tenants may have one name", async () => {
    const { client, deps, as } = plane();
    const other = as((await createTenant(deps, `other-${crypto.randomUUID()}`)).token);
    await client.createMesh({ name: "same" });
    const theirs = await other.createMesh({ name: "same" });
    expect((await client.getMesh("same")).id).not.toBe(theirs.id);
    await expect(client.getMesh(theirs.id)).rejects.toBeInstanceOf(HeddleApiError);
  });
});
