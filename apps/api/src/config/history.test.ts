import { acknowledgements, agents, eq, objects, revisions } from "@heddle/db";
import { expect, it } from "vitest";
import { newMesh, onEveryPlane, rule, ruleKey } from "../testing/planes.ts";
import { problemOf } from "../testing/problem-of.ts";
import { verifyChain } from "./verify-chain.ts";

onEveryPlane("history", (plane) => {
  it("lists revisions, newest first, page by page, with what each did", async () => {
    const mesh = await newMesh(plane());
    const { client } = plane();
    for (let i = 1; i <= 5; i++)
      await client.apply(mesh, { objects: [rule("a", `v${i}`)], message: `step ${i}` });
    const first = await client.revisions(mesh, { limit: 3 });
    expect(first.items.map(({ number, message, author }) => [number, message, author])).toEqual([
      [5, "step 5", "admin"],
      [4, "step 4", "admin"],
      [3, "step 3", "admin"],
    ]);
    expect(first.items[0]?.changes).toEqual([{ key: ruleKey("a"), action: "configured" }]);
    const rest = await client.revisions(mesh, { limit: 3, cursor: first.next });
    expect(rest.items.map(({ number }) => number)).toEqual([2, 1]);
    expect(rest.next).toBeUndefined();
    const all = [];
    for await (const { number } of client.listRevisions(mesh)) all.push(number);
    expect(all).toEqual([5, 4, 3, 2, 1]);
    expect(await problemOf(client.getRevision(mesh, 6))).toMatchObject({
      code: "HDL1022",
      status: 404,
    });
  });

  it("shows what lies between two revisions as YAML, in both directions", async () => {
    const mesh = await newMesh(plane());
    const { client } = plane();
    await client.apply(mesh, { objects: [rule("a"), rule("gone")] });
    await client.apply(mesh, { objects: [rule("a", "v2")] });
    await client.apply(mesh, {
      objects: [rule("a", "v3"), rule("new")],
      delete: [ruleKey("gone")],
    });
    const step = await client.diffRevision(mesh, 2);
    expect(step).toMatchObject({
      from: 1,
      to: 2,
      objects: [{ key: ruleKey("a"), action: "configured" }],
    });
    expect(step.objects[0]?.before).toContain("subset: v1");
    expect(step.objects[0]?.after).toMatch(
      /^apiVersion: networking.istio.io\/v1\nkind: VirtualService\nmetadata:\n {2}name: a\n/,
    );
    const whole = await client.diffRevision(mesh, 3, 1);
    expect(whole.objects.map(({ key, action }) => [key, action])).toEqual([
      [ruleKey("a"), "configured"],
      [ruleKey("gone"), "deleted"],
      [ruleKey("new"), "created"],
    ]);
    expect(whole.objects[0]?.before).toContain("subset: v1");
    expect(whole.objects[0]?.after).toContain("subset: v3");
    const back = await client.diffRevision(mesh, 1, 3);
    expect(back.objects.map(({ action }) => action)).toEqual(["configured", "created", "deleted"]);
    expect(back.objects[0]?.after).toContain("subset: v1");
    expect((await client.diffRevision(mesh, 3, 0)).objects).toHaveLength(2);
    expect(await problemOf(client.diffRevision(mesh, 3, 9))).toMatchObject({ code: "HDL1022" });
  });

  it("leaves out of a diff what came back to what it was", async () => {
    const mesh = await newMesh(plane());
    const { client } = plane();
    await client.apply(mesh, { objects: [rule("a")] });
    await client.apply(mesh, { objects: [rule("a", "v2")] });
    await client.apply(mesh, { objects: [rule("a")] });
    expect((await client.diffRevision(mesh, 3, 1)).objects).toEqual([]);
  });

  it("goes back to an earlier revision by a new one with the same state root", async () => {
    const mesh = await newMesh(plane());
    const { client, deps, tenant, signer, published } = plane();
    await client.apply(mesh, { objects: [rule("a"), rule("b")] });
    await client.apply(mesh, { objects: [rule("a", "v2"), rule("c")], delete: [ruleKey("b")] });
    const dry = await client.rollback(mesh, 1, { dryRun: true });
    expect(dry).toMatchObject({ revision: 2, dryRun: true });
    expect(dry.changes).toMatchObject([
      { key: ruleKey("a"), action: "configured" },
      { key: ruleKey("b"), action: "created", before: null },
      { key: ruleKey("c"), action: "deleted", after: null },
    ]);
    expect((await client.getMesh(mesh)).revision).toBe(2);
    const result = await client.rollback(mesh, 1);
    expect(result.revision).toBe(3);
    expect(result.changes).toEqual([
      { key: ruleKey("a"), action: "configured" },
      { key: ruleKey("b"), action: "created" },
      { key: ruleKey("c"), action: "deleted" },
    ]);
    const [third, , first] = (await client.revisions(mesh)).items;
    expect(third).toMatchObject({
      number: 3,
      rollbackOf: 1,
      message: "Roll back to revision 1",
      stateRoot: first?.stateRoot,
    });
    expect(published.at(-1)?.revision).toMatchObject({ number: 3, parent: 2 });
    expect(await client.rollback(mesh, 1)).toMatchObject({ revision: 3, changes: [] });
    expect(await client.rollback(mesh, 0)).toMatchObject({ revision: 4 });
    expect((await client.objectsPage(mesh)).items).toEqual([]);
    expect(await problemOf(client.rollback(mesh, 9))).toMatchObject({ code: "HDL1022" });
    const report = await deps.db.withTenant(tenant, (tx) =>
      verifyChain(tx, published.at(-1)!.mesh, signer.verify),
    );
    expect(report.faults).toEqual([]);
  });

  it("says how far a revision has come", async () => {
    const mesh = await newMesh(plane());
    const { client, deps, tenant } = plane();
    await client.apply(mesh, { objects: [rule("a")] });
    expect((await client.getMesh(mesh)).convergence).toMatchObject({
      revision: 1,
      state: "no-agents",
    });
    const { id: meshId } = await client.getMesh(mesh);
    const agentId = crypto.randomUUID();
    const own = { tenantId: tenant, meshId };
    await deps.db.withTenant(tenant, (tx) =>
      tx
        .insert(agents)
        .values({ ...own, id: agentId, name: "west", connected: true, createdAt: new Date() }),
    );
    expect((await client.getMesh(mesh)).convergence).toMatchObject({ state: "pending" });
    const at = new Date(Date.parse((await client.getRevision(mesh, 1)).createdAt) + 42);
    await deps.db.withTenant(tenant, (tx) =>
      tx.insert(acknowledgements).values({
        ...own,
        number: 1,
        agentId,
        proxies: 7,
        acknowledged: 7,
        updatedAt: at,
        completedAt: at,
      }),
    );
    expect((await client.getRevision(mesh, 1)).convergence).toEqual({
      revision: 1,
      proxies: 7,
      acknowledged: 7,
      durationMs: 42,
      state: "applied",
    });
    await client.apply(mesh, { objects: [rule("a", "v2")] });
    plane().advance(60_000);
    expect((await client.getMesh(mesh)).convergence).toMatchObject({ revision: 2, state: "stale" });
  });

  it("is seen through by verifyChain when somebody changes it", async () => {
    const mesh = await newMesh(plane());
    const { client, deps, tenant, signer, published } = plane();
    await client.apply(mesh, { objects: [rule("a")] });
    await client.apply(mesh, { objects: [rule("b")] });
    const ref = published.at(-1)!.mesh;
    const check = () => deps.db.withTenant(tenant, (tx) => verifyChain(tx, ref, signer.verify));
    expect((await check()).faults).toEqual([]);
    await deps.db.withTenant(tenant, (tx) =>
      tx
        .update(objects)
        .set({ document: rule("a", "evil") })
        .where(eq(objects.meshId, ref.id)),
    );
    expect((await check()).faults).toContain(
      `object ${ruleKey("a")} has another hash than its document`,
    );
    await deps.db.withTenant(tenant, (tx) =>
      tx
        .update(revisions)
        .set({ createdAt: new Date(0) })
        .where(eq(revisions.meshId, ref.id)),
    );
    expect((await check()).faults).toEqual(
      expect.arrayContaining([
        "revision 1: its hash is not its header's",
        "revision 1: its signature is not the mesh's",
      ]),
    );
  });
});
