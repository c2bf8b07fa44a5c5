import { expect, it } from "vitest";
import { count, eq, meshes, objects, sql, tenants, tokens, type Database } from "./index.ts";
import { onEveryDatabase } from "./testing/databases.ts";

const TENANT_TABLES = [
  "acknowledgements",
  "agents",
  "authority_requests",
  "bundle_sequences",
  "bundles",
  "certificate_authorities",
  "federations",
  "idempotency_keys",
  "join_tokens",
  "meshes",
  "objects",
  "revision_changes",
  "revisions",
  "revocations",
  "root_rotations",
  "signing_keys",
  "tenants",
  "tokens",
];

async function newTenant(db: Database) {
  const tenant = crypto.randomUUID();
  const mesh = crypto.randomUUID();
  await db.asPlane((tx) =>
    tx.insert(tenants).values({ id: tenant, name: tenant, createdAt: new Date() }),
  );
  await db.withTenant(tenant, (tx) =>
    tx.insert(meshes).values({
      id: mesh,
      tenantId: tenant,
      name: "demo",
      trustDomain: "cluster.local",
      stateRoot: "",
      createdAt: new Date(),
    }),
  );
  return { tenant, mesh };
}

onEveryDatabase("the door to tenants' rows", (database) => {
  it("forces row-level security on every table", async () => {
    const rows = await database().driver.lease((connection) =>
      connection.rows(
        "select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and relkind = 'r' and relrowsecurity and relforcerowsecurity order by 1",
        [],
      ),
    );
    expect(rows.map(([name]) => name)).toEqual(TENANT_TABLES);
  });

  it("shows a tenant its own rows only", async () => {
    const [a, b] = [await newTenant(database()), await newTenant(database())];
    const seen = await database().withTenant(a.tenant, (tx) =>
      tx.select({ id: meshes.id }).from(meshes),
    );
    expect(seen).toEqual([{ id: a.mesh }]);
    const others = await database().withTenant(b.tenant, (tx) =>
      tx.select().from(meshes).where(eq(meshes.id, a.mesh)),
    );
    expect(others).toEqual([]);
  });

  it("refuses to write a row for another tenant", async () => {
    const [a, b] = [await newTenant(database()), await newTenant(database())];
    const write = database().withTenant(a.tenant, (tx) =>
      tx.insert(meshes).values({
        id: crypto.randomUUID(),
        tenantId: b.tenant,
        name: "stolen",
        trustDomain: "x",
        stateRoot: "",
        createdAt: new Date(),
      }),
    );
    await expect(write).rejects.toMatchObject({ code: "42501" });
    const changed = await database().withTenant(a.tenant, (tx) =>
      tx
        .update(meshes)
        .set({ name: "x" })
        .where(eq(meshes.id, b.mesh))
        .returning({ id: meshes.id }),
    );
    expect(changed).toEqual([]);
  });

  it("refuses a row below another tenant's mesh, which a foreign key alone would take", async () => {
    const [a, b] = [await newTenant(database()), await newTenant(database())];
    const write = database().withTenant(a.tenant, (tx) =>
      tx.insert(objects).values({
        meshId: b.mesh,
        tenantId: a.tenant,
        key: "a/b/c/d",
        group: "a",
        kind: "b",
        namespace: "c",
        name: "d",
        document: {},
        hash: "",
        owner: "hosted",
        revision: 1,
      }),
    );
    await expect(write).rejects.toMatchObject({ code: "23503" });
  });

  it("keeps the plane's own role away from configuration", async () => {
    await expect(database().asPlane((tx) => tx.select().from(objects))).rejects.toMatchObject({
      code: "42501",
    });
  });

  it("rolls back what throws, and leaves no setting behind", async () => {
    const { tenant } = await newTenant(database());
    const failing = database().withTenant(tenant, async (tx) => {
      await tx.update(meshes).set({ name: "half" });
      throw new Error("stop");
    });
    await expect(failing).rejects.toThrow("stop");
    const [mesh] = await database().withTenant(tenant, (tx) => tx.select().from(meshes));
    expect(mesh?.name).toBe("demo");
    const [row] = await database().driver.lease((connection) =>
      connection.rows(
        "select current_setting('heddle.tenant', true), current_user = session_user",
        [],
      ),
    );
    expect(row?.[0] ?? "").toBe("");
    expect(String(row?.[1])).toMatch(/^t/);
  });

  it("keeps parameters out of what it throws", async () => {
    const { tenant } = await newTenant(database());
    const error = await database()
      .withTenant(tenant, (tx) => tx.execute(sql`select ${"a secret"}::integer`))
      .catch((thrown: unknown) => thrown);
    expect(String((error as Error).stack)).not.toContain("params");
    expect(error).toMatchObject({ code: "22P02" });
  });

  it("lets nothing leak between many transactions at once", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => newTenant(database())));
    const runs = Array.from({ length: 200 }, async (_, index) => {
      const { tenant, mesh } = all[index % all.length]!;
      const rows = await database().withTenant(tenant, async (tx) => {
        await tx.execute(sql`select 1`);
        return tx.select({ id: meshes.id }).from(meshes);
      });
      return rows.length === 1 && rows[0]?.id === mesh;
    });
    expect((await Promise.all(runs)).every(Boolean)).toBe(true);
  });

  it("gives types back as they were put in", async () => {
    const { tenant, mesh } = await newTenant(database());
    const createdAt = new Date("2026-01-02T03:04:05.678Z");
    const document = {
      text: 'ä "\\ \n',
      number: 1.5,
      list: [null, true, { a: [] }],
      long: "x".repeat(20_000),
    };
    await database().withTenant(tenant, async (tx) => {
      await tx.insert(tokens).values({
        id: crypto.randomUUID(),
        tenantId: tenant,
        name: "t",
        hash: crypto.randomUUID(),
        scopes: ["read", "agent"],
        createdAt,
      });
      await tx.insert(objects).values({
        meshId: mesh,
        tenantId: tenant,
        key: "k",
        group: "",
        kind: "",
        namespace: "",
        name: "",
        document,
        hash: "",
        owner: "",
        revision: 2_000_000_000,
      });
    });
    const [token] = await database().withTenant(tenant, (tx) => tx.select().from(tokens));
    expect(token).toMatchObject({ scopes: ["read", "agent"], createdAt, expiresAt: null });
    const [object] = await database().withTenant(tenant, (tx) => tx.select().from(objects));
    expect(object).toMatchObject({ document, revision: 2_000_000_000 });
    const [counted] = await database().withTenant(tenant, (tx) =>
      tx.select({ n: count() }).from(objects),
    );
    expect(counted).toEqual({ n: 1 });
  });
});
