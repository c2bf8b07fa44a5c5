import { expect, it } from "vitest";
import { meshes } from "@heddle/db";
import { createApp } from "../app.ts";
import { newMesh, onEveryPlane, rule, ruleKey } from "../testing/planes.ts";
import { lockMesh } from "../tenancy/mesh-store.ts";
import { createStateStore } from "./state-store.ts";

onEveryPlane("the state in memory", (plane) => {
  it("catches up with what another process wrote", async () => {
    const mesh = await newMesh(plane());
    const { client, deps, token } = plane();
    // Another app on the same database has a memory of its own.
    const other = createApp(deps);
    const namesThere = async () => {
      const response = await other.request(`/v1/meshes/${mesh}/objects`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const page = (await response.json()) as {
        items: { metadata: { name: string }; revision: number }[];
      };
      return page.items.map(({ metadata, revision }) => `${metadata.name}@${revision}`);
    };
    await client.apply(mesh, { objects: [rule("a"), rule("b")] });
    expect(await namesThere()).toEqual(["a@1", "b@1"]);
    await client.apply(mesh, { objects: [rule("c")], delete: [ruleKey("a")] });
    await client.apply(mesh, { objects: [rule("b", "v2")] });
    expect(await namesThere()).toEqual(["b@3", "c@2"]);
    const applied = await other.request(`/v1/meshes/${mesh}/apply`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ objects: [rule("a")] }),
    });
    expect(await applied.json()).toMatchObject({ revision: 4 });
    await client.apply(mesh, { delete: [ruleKey("a")] });
    expect(await namesThere()).toEqual(["b@3", "c@2"]);
  });

  it("keeps no more objects than it may, and forgets the mesh that was longest unused", async () => {
    const { client, deps, tenant } = plane();
    const names = [await newMesh(plane()), await newMesh(plane()), await newMesh(plane())];
    for (const name of names) await client.apply(name, { objects: [rule("a"), rule("b")] });
    const store = createStateStore(4);
    const records = await deps.db.withTenant(tenant, async (tx) => {
      const rows = await tx.select().from(meshes);
      const wanted = names.map((name) => rows.find((row) => row.name === name)!);
      const found = [];
      for (const { id } of wanted) {
        const record = (await lockMesh(tx, { tenant, id }))!;
        await store.read(tx, record);
        found.push(record);
      }
      return found;
    });
    expect(records.map((record) => store.kept(record)?.entries.size)).toEqual([undefined, 2, 2]);
  });
});
