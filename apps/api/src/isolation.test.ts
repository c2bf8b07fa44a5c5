import { expect, it } from "vitest";
import { bundles } from "@heddle/db";
import { createTenant } from "./tenancy/service.ts";
import { onEveryPlane, rule, ruleKey } from "./testing/planes.ts";

interface OpenApi {
  paths: Record<string, Record<string, { security?: unknown[] }>>;
}

/** Answers that do not tell of any tenant's rows. */
const OWN = new Set([
  "GET /v1/whoami",
  "GET /v1/meshes",
  "POST /v1/meshes",
  "GET /v1/tokens",
  "POST /v1/tokens",
  "POST /v1/agents/enroll",
]);

onEveryPlane("tenants", (plane) => {
  it("are not there for each other, in any operation of the API", async () => {
    const { app, client, deps, tenant } = plane();
    const mesh = await client.createMesh({ name: "private" });
    await client.apply(mesh.id, { objects: [rule("secret")] });
    const token = await client.createToken({ name: "theirs", scopes: ["read"] });
    const hash = "a".repeat(64);
    await deps.db.withTenant(tenant, (tx) =>
      tx.insert(bundles).values({
        meshId: mesh.id,
        tenantId: tenant,
        hash,
        kind: "change",
        number: 1,
        content: "{}",
        createdAt: new Date(),
      }),
    );
    const stranger = await createTenant(deps, `stranger-${crypto.randomUUID()}`);
    const strangerClient = plane().as(stranger.token);
    const agent = await strangerClient.createToken({ name: "agent", scopes: ["agent", "admin"] });
    const [group = "", kind = "", namespace = "", name = ""] = ruleKey("secret").split("/");
    const values: Record<string, string> = {
      group,
      kind,
      namespace,
      name,
      hash,
      id: token.id,
      revision: "1",
      host: "secret",
    };
    const document = (await (await app.request("/v1/openapi.json")).json()) as OpenApi;
    let tried = 0;
    for (const [template, operations] of Object.entries(document.paths)) {
      for (const method of Object.keys(operations)) {
        const operation = `${method.toUpperCase()} ${template}`;
        if (OWN.has(operation)) continue;
        for (const meshName of [mesh.id, mesh.name]) {
          const path = template.replace(/\{(\w+)\}/g, (_, parameter: string) =>
            parameter === "mesh" ? meshName : (values[parameter] ?? "1"),
          );
          const response = await app.request(path, {
            method: method.toUpperCase(),
            headers: { authorization: `Bearer ${agent.token}`, "content-type": "application/json" },
            ...(method === "get" || method === "delete"
              ? {}
              : { body: JSON.stringify(bodyFor(template)) }),
          });
          expect(response.status, operation).toBe(404);
          expect(await response.text(), operation).not.toContain("secret");
          tried++;
        }
      }
    }
    expect(tried).toBeGreaterThan(40);
    expect(await client.getMesh(mesh.id)).toMatchObject({
      name: "private",
      revision: 1,
      settings: {},
    });
    expect((await client.listTokens()).items.find(({ id }) => id === token.id)).not.toHaveProperty(
      "revokedAt",
    );
  });

  it("see only their own in lists, and cannot name another's mesh in a body", async () => {
    const { client, deps } = plane();
    const mesh = await client.createMesh({ name: "hidden" });
    const stranger = await createTenant(deps, `stranger-${crypto.randomUUID()}`);
    const theirs = plane().as(stranger.token);
    expect((await theirs.listMeshes()).items).toEqual([]);
    expect((await theirs.listTokens()).items.map(({ name }) => name)).toEqual(["admin"]);
    await expect(
      theirs.createToken({ name: "x", scopes: ["read"], mesh: mesh.id }),
    ).rejects.toMatchObject({
      code: "HDL1020",
      status: 404,
    });
  });
});

/** What each operation would take, so that nothing but the tenant is wrong with the request. */
function bodyFor(template: string): unknown {
  if (template.endsWith("/apply") || template.endsWith("/analyze"))
    return { objects: [rule("secret", "stolen")] };
  if (template.includes("/objects/")) return rule("secret", "stolen");
  if (template === "/v1/meshes/{mesh}") return { settings: { accessLog: false } };
  if (template.endsWith("/join-tokens")) return { name: "x" };
  if (template.endsWith("/certificates")) return { csrs: [] };
  return {};
}
