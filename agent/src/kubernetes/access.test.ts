import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openAccess } from "./access.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-access-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const write = async (name: string, text: string) => {
  await writeFile(path.join(folder, name), text);
  return path.join(folder, name);
};
const config = `apiVersion: v1
kind: Config
current-context: one
clusters:
  - { name: c1, cluster: { server: "https://one.example:6443" } }
  - { name: c2, cluster: { server: "https://two.example/k8s/clusters/x" } }
users: [{ name: u, user: { token: secret } }]
contexts:
  - { name: one, context: { cluster: c1, user: u } }
  - { name: two, context: { cluster: c2, user: u } }
`;
const asPod = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
const none = { kubeconfig: undefined, context: undefined };

describe("the way to a cluster", () => {
  it("is the pod's own account, read anew for each request", async () => {
    await write("token", "first\n");
    await write("ca.crt", "authority");
    const access = await openAccess(none, asPod, folder);
    expect(access.server.href).toBe("https://[fd00::1]/");
    const before = await access.options();
    expect(before.headers).toEqual({ authorization: "Bearer first" });
    await write("token", "second");
    const after = await access.options();
    expect(after.headers).toEqual({ authorization: "Bearer second" });
    expect(after.agent).toBe(before.agent);
    await write("ca.crt", "another authority");
    expect((await access.options()).agent).not.toBe(before.agent);
  });

  it("is a kubeconfig and one of its contexts, before the pod's account", async () => {
    const kubeconfig = await write("config", config);
    await write("token", "t");
    await write("ca.crt", "c");
    const named = await openAccess({ kubeconfig, context: undefined }, asPod, folder);
    expect(named.server.href).toBe("https://one.example:6443/");
    expect((await named.options()).headers).toMatchObject({ Authorization: "Bearer secret" });
    const env = { ...asPod, KUBECONFIG: kubeconfig };
    const other = await openAccess({ kubeconfig: undefined, context: "two" }, env, folder);
    expect(other.server.href).toBe("https://two.example/k8s/clusters/x");
  });

  it("is missing with a reason", async () => {
    const refused = (kubeconfig: string, context?: string) =>
      expect(openAccess({ kubeconfig, context }, {}, folder)).rejects;
    const code = { code: "HDL7230", exitCode: 2 };
    await refused(path.join(folder, "absent")).toMatchObject(code);
    await refused(await write("bad", "{ not: [yaml")).toMatchObject(code);
    await refused(await write("empty", "kind: Config")).toMatchObject(code);
    await refused(await write("config", config), "three").toThrow(
      /Context three .* its contexts: one, two/,
    );
  });
});
