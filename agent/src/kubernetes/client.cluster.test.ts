/** The writing client against a real API server. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ApiServerAlone,
  startApiServerAlone,
} from "../../../test/cluster/harness/api-server-alone.ts";
import { openAccess } from "./access.ts";
import type { ApiFailure } from "./api-failure.ts";
import { createKubernetesClient, type KubernetesClient, type KubernetesObject } from "./client.ts";

const MAPS = { apiVersion: "v1", plural: "configmaps", namespace: "default" };
const map = (name: string, data: Record<string, string>, resourceVersion?: string) => ({
  ...{ apiVersion: "v1", kind: "ConfigMap", data },
  metadata: { name, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
});
const versionOf = ({ metadata }: KubernetesObject) => metadata.resourceVersion ?? "";
const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.fail("it went well"),
    (error: ApiFailure) => error,
  );

describe("writing to a cluster", () => {
  let folder: string;
  let api: ApiServerAlone;
  let client: KubernetesClient;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-client-"));
    api = await startApiServerAlone(path.join(folder, "api"));
    client = createKubernetesClient(
      await openAccess({ kubeconfig: api.kubeconfig, context: undefined }),
    );
  }, 180_000);
  afterAll(async () => {
    await api?.down();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  it("makes, reads, replaces, patches and removes an object", async () => {
    expect(await client.find(MAPS, "one")).toBeUndefined();
    const made = await client.create(MAPS, map("one", { a: "1" }));
    const replaced = await client.replace(MAPS, map("one", { a: "2" }, versionOf(made)));
    expect(replaced["data"]).toEqual({ a: "2" });
    await client.patch(MAPS, "one", { merge: { data: { a: null, b: "3" } } });
    await client.patch(MAPS, "one", { json: [{ op: "add", path: "/data/c", value: "4" }] });
    expect((await client.get(MAPS, "one"))["data"]).toEqual({ b: "3", c: "4" });
    const { uid = "" } = made.metadata;
    expect(await client.remove(MAPS, "one", { preconditions: { uid } })).toBe(true);
    expect(await client.remove(MAPS, "one")).toBe(false);
  });

  it("applies what it names and leaves what others have", async () => {
    await client.create(MAPS, map("applied", { theirs: "x" }));
    await client.apply(MAPS, map("applied", { ours: "1", gone: "1" }));
    await client.apply(MAPS, map("applied", { ours: "2" }));
    expect((await client.get(MAPS, "applied"))["data"]).toEqual({ ours: "2", theirs: "x" });
    const fresh = await client.apply(MAPS, map("made-by-applying", { a: "1" }));
    expect(fresh.metadata.resourceVersion).toBeTruthy();
  });

  it("writes a status and nothing else of the object", async () => {
    const SPACES = { apiVersion: "v1", plural: "namespaces" };
    const condition = { type: "Tested", status: "True", reason: "Test", message: "a test" };
    const merge = { status: { conditions: [condition] }, spec: { finalizers: [] } };
    await client.patch(SPACES, "default", { merge }, { subresource: "status" });
    const { status, spec } = await client.get(SPACES, "default");
    expect(status).toMatchObject({ phase: "Active", conditions: [condition] });
    expect(spec).toEqual({ finalizers: ["kubernetes"] });
  });

  it("lists what a selector chooses", async () => {
    for (const name of ["l1", "l2"])
      await client.apply(MAPS, { ...map(name, {}), metadata: { name, labels: { set: "l" } } });
    const found = await client.list(MAPS, { labelSelector: "set=l" });
    expect(found.map(({ metadata }) => metadata.name)).toEqual(["l1", "l2"]);
  });

  it("tells what is missing, in conflict, refused, invalid and unavailable apart", async () => {
    expect(await failure(client.get(MAPS, "none"))).toMatchObject({ missing: true, status: 404 });
    const first = await client.create(MAPS, map("two", {}));
    const twice = await failure(client.create(MAPS, map("two", {})));
    expect(twice).toMatchObject({ conflict: true, reason: "AlreadyExists" });
    await client.replace(MAPS, map("two", { a: "1" }, versionOf(first)));
    const late = await failure(client.replace(MAPS, map("two", { a: "2" }, versionOf(first))));
    expect(late).toMatchObject({ conflict: true, reason: "Conflict", unavailable: false });
    const bad = await failure(client.create(MAPS, map("Not A Name", {})));
    expect(bad).toMatchObject({ invalid: true, conflict: false });

    const access = await openAccess({ kubeconfig: api.kubeconfig, context: undefined });
    const asStranger = createKubernetesClient({
      server: access.server,
      options: async () => ({ ...(await access.options()), ...stranger }),
    });
    expect(await failure(asStranger.get(MAPS, "two"))).toMatchObject({ refused: true });
    const hurried = createKubernetesClient(access, { timeout: 1 });
    const slow = await failure(hurried.list(MAPS));
    expect(slow).toMatchObject({ unavailable: true, message: "no answer within 0.001 s" });
    await api.killApiServer();
    expect(await failure(client.get(MAPS, "two"))).toMatchObject({
      ...{ unavailable: true, status: undefined, missing: false },
    });
    await api.startApiServer();
    await expect.poll(() => client.find(MAPS, "two")).toBeDefined();
  }, 120_000);
});

/** Somebody whom the administrator may speak as, and who has no rights. */
const stranger = { headers: { "impersonate-user": "nobody" } };
