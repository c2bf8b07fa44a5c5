import { agents } from "@heddle/db";
import { objectHash, stateRoot } from "@heddle/sync";
import { expect, it } from "vitest";
import { newMesh, onEveryPlane, rule, ruleKey } from "../testing/planes.ts";
import { problemOf } from "../testing/problem-of.ts";
import { verifyChain } from "./verify-chain.ts";

const yaml = (name: string, weights: readonly number[]) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${name}
spec:
  hosts: [${name}]
  http:
  - route:
${weights.map((weight, i) => `    - destination: {host: ${name}, subset: v${i + 1}}\n      weight: ${weight}`).join("\n")}
`;

onEveryPlane("apply", (plane) => {
  it("makes one revision of all objects, chained and signed, and tells the room", async () => {
    const mesh = await newMesh(plane());
    const { client, published, deps, signer, tenant } = plane();
    const first = await client.apply(mesh, { objects: [rule("a"), rule("b")], message: "two" });
    expect(first).toMatchObject({
      revision: 1,
      dryRun: false,
      changes: [
        { key: ruleKey("a"), action: "created" },
        { key: ruleKey("b"), action: "created" },
      ],
    });
    const second = await client.apply(mesh, { objects: [rule("a", "v2"), rule("b")] });
    expect(second.changes.map(({ action }) => action)).toEqual(["configured", "unchanged"]);
    const last = published.at(-1)!;
    expect(last.revision).toMatchObject({ number: 2, parent: 1, changes: [{ key: ruleKey("a") }] });
    expect(published.at(-2)!.revision).toMatchObject({ number: 1, parentHash: "0".repeat(64) });
    expect(last.revision.parentHash).toBe(published.at(-2)!.revision.hash);
    const { changes: _, hash: __, signature, keyId, ...header } = last.revision;
    expect(await signer.verify(header, signature, keyId)).toBe(true);
    const report = await deps.db.withTenant(tenant, (tx) =>
      verifyChain(tx, last.mesh, signer.verify),
    );
    expect(report).toEqual({ revisions: 2, objects: 2, faults: [] });
  });

  it("signs the state root that the objects have from scratch", async () => {
    const mesh = await newMesh(plane());
    const { client, published } = plane();
    await client.apply(mesh, { objects: [rule("a"), rule("b"), rule("c")] });
    await client.apply(mesh, { objects: [rule("b", "v9")], delete: [ruleKey("a")] });
    const objects = [];
    for await (const object of client.listObjects(mesh)) objects.push(object);
    const pairs = objects.map(({ key, hash }) => [key, hash] as const);
    expect(published.at(-1)!.revision.stateRoot).toBe(await stateRoot(pairs));
    const [b] = objects;
    const { apiVersion, kind, metadata, spec } = b!;
    expect(await objectHash({ apiVersion, kind, metadata, spec })).toBe(b!.hash);
  });

  it("makes no revision where nothing changes, in whatever form it is sent", async () => {
    const mesh = await newMesh(plane());
    const { client } = plane();
    await client.apply(mesh, { files: [{ name: "a.yaml", content: yaml("a", [80, 20]) }] });
    const again = await client.apply(mesh, {
      files: [{ name: "b.yaml", content: yaml("a", [80, 20]) }],
    });
    expect(again).toMatchObject({ revision: 1, changes: [{ action: "unchanged" }] });
    const exported = await client.getObject(mesh, ruleKey("a"));
    const back = await client.apply(mesh, {
      objects: [
        {
          ...rule("a"),
          metadata: { ...exported.metadata, uid: "1", resourceVersion: "7" },
          spec: exported.spec,
        },
      ],
    });
    expect(back).toMatchObject({ revision: 1, changes: [{ action: "unchanged" }] });
  });

  it("shows what it would do in a dry run, and does nothing", async () => {
    const mesh = await newMesh(plane());
    const { client, published } = plane();
    await client.apply(mesh, { objects: [rule("a")] });
    const told = published.length;
    const dry = await client.apply(mesh, { objects: [rule("a", "v2"), rule("b")], dryRun: true });
    expect(dry).toMatchObject({ revision: 1, dryRun: true });
    expect(dry.changes[0]?.before).toContain("subset: v1");
    expect(dry.changes[0]?.after).toContain("subset: v2");
    expect(dry.changes[1]).toMatchObject({ action: "created", before: null });
    expect(await client.getMesh(mesh)).toMatchObject({ revision: 1 });
    expect(published.length).toBe(told);
  });

  it("refuses a weight below 0 with file and line, and applies nothing of the rest", async () => {
    const mesh = await newMesh(plane());
    const { client } = plane();
    const problem = await problemOf(
      client.apply(mesh, {
        files: [
          { name: "good.yaml", content: yaml("good", [100]) },
          { name: "bad.yaml", content: yaml("bad", [80, -30]) },
        ],
      }),
    );
    expect(problem).toMatchObject({ status: 422, code: "HDL1040" });
    expect(
      problem.diagnostics?.some((d) => d.level === "Error" && d.reference?.startsWith("bad.yaml:")),
    ).toBe(true);
    expect((await client.objectsPage(mesh)).items).toEqual([]);
  });

  it("warns of weights that do not sum to 100", async () => {
    const mesh = await newMesh(plane());
    const files = [{ name: "a.yaml", content: yaml("a", [80, 30]) }];
    const { diagnostics } = await plane().client.apply(mesh, { files });
    expect(
      diagnostics.some(({ message, level }) => level === "Warning" && message.includes("110")),
    ).toBe(true);
  });

  it("refuses unknown kinds, unknown fields and malformed YAML, each by name", async () => {
    const mesh = await newMesh(plane());
    const { client } = plane();
    const apply = (content: string) =>
      problemOf(client.apply(mesh, { files: [{ name: "f.yaml", content }] }));
    expect(
      (await apply("apiVersion: x/v1\nkind: Nonsense\nmetadata: {name: a}\nspec: {}")).detail,
    ).toContain("Nonsense");
    expect((await apply(yaml("a", [100]).replace("hosts:", "hostz:"))).detail).toContain("hostz");
    expect(await apply("a: [1, 2\nb: }")).toMatchObject({ code: "HDL1040", status: 422 });
  });

  it("refuses one object twice in a request", async () => {
    const mesh = await newMesh(plane());
    const problem = await problemOf(
      plane().client.apply(mesh, { objects: [rule("a"), rule("a", "v2")] }),
    );
    expect(problem.diagnostics).toMatchObject([{ code: "HDL1043", reference: "objects[1]:1" }]);
  });

  it("reports what a rule refers to and is not there, and refuses it under strict", async () => {
    const mesh = await newMesh(plane());
    const { client } = plane();
    const problem = await problemOf(client.apply(mesh, { objects: [rule("a")], strict: true }));
    expect(problem).toMatchObject({
      status: 422,
      diagnostics: [{ code: "IST0101", level: "Error" }],
    });
    const done = await client.apply(mesh, { objects: [rule("a")] });
    expect(done.diagnostics).toMatchObject([{ code: "IST0101", level: "Warning" }]);
  });

  it("refuses two rules for one host, takes them with force, and keeps a warning on both", async () => {
    const mesh = await newMesh(plane());
    const { client } = plane();
    await client.apply(mesh, { objects: [rule("a")] });
    const other = { ...rule("a", "v2"), metadata: { name: "a-too", namespace: "default" } };
    const problem = await problemOf(client.apply(mesh, { objects: [other] }));
    expect(
      problem.diagnostics?.some(({ code, level }) => code === "IST0109" && level === "Error"),
    ).toBe(true);
    await client.apply(mesh, { objects: [other], force: true });
    for (const key of [ruleKey("a"), ruleKey("a-too")]) {
      const { diagnostics } = await client.getObject(mesh, key);
      expect(diagnostics.filter(({ code }) => code === "IST0109")).toMatchObject([
        { level: "Warning" },
      ]);
    }
    // What was forced does not stand in the way of others.
    await client.apply(mesh, { objects: [rule("unrelated")] });
  });

  it("refuses what a cluster owns, naming the agent", async () => {
    const mesh = await newMesh(plane());
    const { client, deps, tenant } = plane();
    const { id } = await client.getMesh(mesh);
    await deps.db.withTenant(tenant, (tx) =>
      tx.insert(agents).values({
        id: crypto.randomUUID(),
        tenantId: tenant,
        meshId: id,
        name: "west",
        createdAt: new Date(),
        summary: {
          hash: "1",
          services: [],
          workloads: [],
          objects: [{ key: ruleKey("a") }],
          diagnostics: [],
        },
      }),
    );
    const problem = await problemOf(client.apply(mesh, { objects: [rule("a"), rule("b")] }));
    expect(problem).toMatchObject({
      code: "HDL1030",
      status: 409,
      detail: `${ruleKey("a")} is owned by cluster:west.`,
    });
    expect(await client.getMesh(mesh)).toMatchObject({ revision: 0 });
  });

  it("reports an object that the plane and a cluster hold, and lets the plane's go", async () => {
    const mesh = await newMesh(plane());
    const { client, deps, tenant } = plane();
    const { id } = await client.getMesh(mesh);
    await client.apply(mesh, { objects: [rule("a")] });
    const owners = async () =>
      (await client.analyze(mesh, {})).filter(({ code }) => code === "HDL7210");
    expect(await owners()).toEqual([]);
    await deps.db.withTenant(tenant, (tx) =>
      tx.insert(agents).values({
        id: crypto.randomUUID(),
        tenantId: tenant,
        meshId: id,
        name: "west",
        createdAt: new Date(),
        summary: {
          hash: "1",
          services: [],
          workloads: [],
          objects: [{ key: ruleKey("a") }, { key: ruleKey("b") }],
          diagnostics: [],
        },
      }),
    );
    const finding = { code: "HDL7210", level: "Warning", origin: "VirtualService default/a" };
    const { diagnostics } = await client.getObject(mesh, ruleKey("a"));
    expect(diagnostics).toContainEqual(expect.objectContaining(finding));
    expect(await owners()).toMatchObject([
      { ...finding, message: expect.stringContaining("agent west") },
    ]);
    const change = client.apply(mesh, { objects: [rule("a", "v2")] });
    expect(await problemOf(change)).toMatchObject({ code: "HDL1030" });
    const removal = client.deleteObject(mesh, ruleKey("b"));
    expect(await problemOf(removal)).toMatchObject({ code: "HDL1030" });
    await client.deleteObject(mesh, ruleKey("a"));
    expect(await owners()).toEqual([]);
  });

  it("knows the services that clusters report", async () => {
    const mesh = await newMesh(plane());
    const { client, deps, tenant } = plane();
    const { id } = await client.getMesh(mesh);
    const service = {
      host: "a.default.svc.cluster.local",
      name: "a",
      namespace: "default",
      ports: [],
    };
    await deps.db.withTenant(tenant, (tx) =>
      tx.insert(agents).values({
        id: crypto.randomUUID(),
        tenantId: tenant,
        meshId: id,
        name: "west",
        createdAt: new Date(),
        summary: { hash: "1", services: [service], workloads: [], objects: [], diagnostics: [] },
      }),
    );
    const found = await client.analyze(mesh, { objects: [rule("a"), rule("bogus")] });
    expect(
      found.filter(({ message }) => message.includes("host not found")).map(({ origin }) => origin),
    ).toEqual(["VirtualService default/bogus"]);
  });

  it("refuses a write on top of a revision that is not the newest", async () => {
    const mesh = await newMesh(plane());
    const { client } = plane();
    await client.apply(mesh, { objects: [rule("a")], ifRevision: 0 });
    const problem = await problemOf(
      client.apply(mesh, { objects: [rule("a", "v2")], ifRevision: 0 }),
    );
    expect(problem).toMatchObject({ code: "HDL1031", status: 409 });
    await client.apply(mesh, { objects: [rule("a", "v2")], ifRevision: 1 });
  });

  it("answers a repeated idempotency key with the first answer, and refuses it for another request", async () => {
    const mesh = await newMesh(plane());
    const { client } = plane();
    const options = { idempotencyKey: crypto.randomUUID() };
    const first = await client.apply(mesh, { objects: [rule("a")] }, options);
    await client.apply(mesh, { objects: [rule("a", "v2")] });
    expect(await client.apply(mesh, { objects: [rule("a")] }, options)).toEqual(first);
    expect(await client.getMesh(mesh)).toMatchObject({ revision: 2 });
    const problem = await problemOf(client.apply(mesh, { objects: [rule("b")] }, options));
    expect(problem).toMatchObject({ code: "HDL1033", status: 409 });
  });

  it("refuses a request with nothing in it, texts that cannot be stored, Secrets, and deleting what is not there", async () => {
    const mesh = await newMesh(plane());
    const { client } = plane();
    expect(await problemOf(client.apply(mesh, {}))).toMatchObject({ code: "HDL1042", status: 400 });
    const empty = { files: [{ name: "empty.yaml", content: "# nothing yet\n---\n" }] };
    expect(await problemOf(client.apply(mesh, empty))).toMatchObject({ code: "HDL1042" });
    const nul = {
      ...rule("a"),
      metadata: { name: "a", namespace: "default", annotations: { x: "\u0000" } },
    };
    expect((await problemOf(client.apply(mesh, { objects: [nul] }))).diagnostics).toMatchObject([
      { code: "HDL1045" },
    ]);
    const kept = {
      ...rule("a"),
      metadata: { name: "a", namespace: "default", annotations: { x: "\\u0000 ä €" } },
    };
    expect(await client.apply(mesh, { objects: [kept] })).toMatchObject({ revision: 1 });
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s", namespace: "default" },
      data: {},
    };
    expect((await problemOf(client.apply(mesh, { objects: [secret] }))).diagnostics).toMatchObject([
      { code: "HDL1044" },
    ]);
    expect(await problemOf(client.apply(mesh, { delete: [ruleKey("b")] }))).toMatchObject({
      code: "HDL1021",
    });
  });

  it("refuses more than 10,000 objects before it parses them", async () => {
    const mesh = await newMesh(plane());
    const files = [{ name: "many.yaml", content: "---\na: 1\n".repeat(10_001) }];
    expect(await problemOf(plane().client.apply(mesh, { files }))).toMatchObject({
      code: "HDL1046",
      status: 413,
    });
  });

  it("refuses a document of more than 1.5 MB before it parses it, and says where it begins", async () => {
    const mesh = await newMesh(plane());
    const content = `---\na: 1\n---\n# ${"long".repeat(1_000_000)}\n`;
    const started = performance.now();
    const files = [{ name: "long.yaml", content }];
    expect(await problemOf(plane().client.apply(mesh, { files }))).toMatchObject({
      code: "HDL1047",
      status: 413,
      detail: expect.stringContaining("long.yaml:3:"),
    });
    const object = { ...rule("a"), metadata: { name: "a", annotations: { a: content } } };
    expect(await problemOf(plane().client.apply(mesh, { objects: [object] }))).toMatchObject({
      code: "HDL1047",
      detail: expect.stringContaining("objects[0]:"),
    });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it("names the lines of a long file's documents, which it parses in parts", async () => {
    const mesh = await newMesh(plane());
    const good = Array.from({ length: 500 }, (_, i) => yaml(`service-${i}`, [100])).join("---");
    const bad = yaml("late", [100]).replace("weight", "wieght");
    const content = `${good}---${bad}---\nkind: {\n`;
    const line = (text: string) => content.slice(0, content.indexOf(text)).split("\n").length;
    const problem = await problemOf(
      plane().client.apply(mesh, { files: [{ name: "long.yaml", content }] }),
    );
    const found = problem.diagnostics?.map(({ code, reference }) => `${code} ${reference}`);
    const end = content.split("\n").length;
    expect(found?.toSorted()).toEqual([
      `HDL0002 long.yaml:${end}`,
      `HDL0010 long.yaml:${line("wieght")}`,
    ]);
    await plane().client.apply(mesh, { files: [{ name: "long.yaml", content: good }] });
    expect((await plane().client.objectsPage(mesh, { limit: 500 })).items).toHaveLength(500);
  });

  it("takes 1,000 objects in one revision in less than 3 s", async () => {
    const mesh = await newMesh(plane());
    const objects = Array.from({ length: 1000 }, (_, i) => rule(`service-${i}`));
    const started = performance.now();
    const result = await plane().client.apply(mesh, { objects });
    expect(performance.now() - started).toBeLessThan(3000);
    expect(result).toMatchObject({ revision: 1 });
    expect(result.changes).toHaveLength(1000);
  });

  it("loses nothing of 50 writes at once", async () => {
    const mesh = await newMesh(plane());
    const { client, deps, tenant, signer, published } = plane();
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        client.apply(mesh, { objects: [rule(`p-${i}`), rule("shared", `v${i}`)] }),
      ),
    );
    expect(results.map(({ revision }) => revision).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
    const names = [];
    for await (const { metadata } of client.listObjects(mesh)) names.push(metadata.name);
    expect(names).toHaveLength(51);
    const ref = published.at(-1)!.mesh;
    const report = await deps.db.withTenant(tenant, (tx) => verifyChain(tx, ref, signer.verify));
    expect(report).toEqual({ revisions: 50, objects: 51, faults: [] });
  });
});

onEveryPlane("one object", (plane) => {
  it("is put, read with its ETag, replaced only by who has seen it, and deleted", async () => {
    const mesh = await newMesh(plane());
    const { client } = plane();
    const key = ruleKey("a");
    expect(await client.putObject(mesh, key, rule("a"), { create: true })).toMatchObject({
      revision: 1,
    });
    expect(
      await problemOf(client.putObject(mesh, key, rule("a", "v2"), { create: true })),
    ).toMatchObject({
      code: "HDL1032",
      status: 412,
    });
    await client.putObject(mesh, key, rule("a", "v2"), { ifRevision: 1 });
    expect(
      await problemOf(client.putObject(mesh, key, rule("a", "v3"), { ifRevision: 1 })),
    ).toMatchObject({
      code: "HDL1032",
    });
    expect(await client.getObject(mesh, key)).toMatchObject({
      revision: 2,
      owner: "hosted",
      kind: "VirtualService",
    });
    expect(await problemOf(client.deleteObject(mesh, key, { ifRevision: 1 }))).toMatchObject({
      code: "HDL1032",
    });
    expect(await client.deleteObject(mesh, key, { ifRevision: 2 })).toMatchObject({
      revision: 3,
      changes: [{ action: "deleted" }],
    });
    expect(await problemOf(client.getObject(mesh, key))).toMatchObject({
      code: "HDL1021",
      status: 404,
    });
    expect(await problemOf(client.deleteObject(mesh, key))).toMatchObject({
      code: "HDL1021",
      status: 404,
    });
  });

  it("answers 201 for a new one and 200 for a replaced one, with the ETag", async () => {
    const mesh = await newMesh(plane());
    const put = (body: unknown) =>
      plane().app.request(`/v1/meshes/${mesh}/objects/${ruleKey("a")}`, {
        method: "PUT",
        headers: { authorization: `Bearer ${plane().token}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const created = await put(rule("a"));
    expect([created.status, created.headers.get("etag")]).toEqual([201, '"1"']);
    const replaced = await put(rule("a", "v2"));
    expect([replaced.status, replaced.headers.get("etag")]).toEqual([200, '"2"']);
  });

  it("is refused where the path says another", async () => {
    const mesh = await newMesh(plane());
    const problem = await problemOf(plane().client.putObject(mesh, ruleKey("a"), rule("b")));
    expect(problem).toMatchObject({ code: "HDL1041", status: 422 });
  });

  it("is found by filters, page by page", async () => {
    const mesh = await newMesh(plane());
    const { client } = plane();
    const labelled = {
      ...rule("z"),
      metadata: { name: "z", namespace: "other", labels: { team: "blue" } },
    };
    await client.apply(mesh, {
      objects: [...["a", "b", "c", "d", "e"].map((name) => rule(name)), labelled],
    });
    const first = await client.objectsPage(mesh, { namespace: "default", limit: 2 });
    const second = await client.objectsPage(mesh, {
      namespace: "default",
      limit: 2,
      cursor: first.next,
    });
    const third = await client.objectsPage(mesh, {
      namespace: "default",
      limit: 2,
      cursor: second.next,
    });
    expect(
      [first, second, third].map(({ items }) => items.map(({ metadata }) => metadata.name)),
    ).toEqual([["a", "b"], ["c", "d"], ["e"]]);
    expect(third.next).toBeUndefined();
    const names = async (filter: object) =>
      (await client.objectsPage(mesh, filter)).items.map(({ metadata }) => metadata.name);
    expect(await names({ labels: "team=blue" })).toEqual(["z"]);
    expect(await names({ kind: "Gateway" })).toEqual([]);
    expect(
      await names({ name: "c", kind: "virtualservice", group: "networking.istio.io" }),
    ).toEqual(["c"]);
    expect(await problemOf(client.objectsPage(mesh, { cursor: "nonsense" }))).toMatchObject({
      code: "HDL1025",
    });
  });
});
