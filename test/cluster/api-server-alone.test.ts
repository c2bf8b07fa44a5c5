/** An API server without nodes: what it takes, how it fails, and that nothing of it stays. */
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { askApi } from "./harness/api.ts";
import { type ApiServerAlone, startApiServerAlone } from "./harness/api-server-alone.ts";
import { recorded } from "./harness/recorded.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-api-server-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const map = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });

describe("an API server alone", () => {
  let api: ApiServerAlone;
  const state = () => path.join(folder, "alone");

  beforeAll(async () => {
    api = await startApiServerAlone(state(), (line) => console.log(line));
    console.log(`an API server alone was up after ${api.startSeconds.toFixed(1)} s`);
  });
  afterAll(() => api?.down());

  test("keeps objects, through a crash too, and is found at the same address after it", async () => {
    await api.kubectl.apply(map("before"), map("too"));
    await api.killApiServer();
    await expect(api.kubectl("get", "configmaps")).rejects.toThrow(/refused/);
    await api.startApiServer();
    const names = await api.kubectl("get", "configmaps", "-o", "name");
    expect(names).toContain("configmap/before");
    expect(names).toContain("configmap/too");
  });

  test("knows nobody who brings no certificate of its authority", async () => {
    expect((await askApi(api.kubeconfig, "/api/v1/namespaces")).status).toBe(200);
    const stranger = ["--kubeconfig=/dev/null", `--server=${api.url}`, "--token=none"];
    await expect(
      api.kubectl(...stranger, "--insecure-skip-tls-verify", "get", "configmaps"),
    ).rejects.toThrow(/Unauthorized|logged in/);
  });

  test("is gone after it is ended", async () => {
    const running = recorded(state());
    expect(running.map(({ name }) => name).toSorted()).toEqual(["apiserver", "etcd"]);
    await api.down();
    await expect.poll(() => running.filter(({ pid }) => isThere(pid))).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });
});

test("of a part that does not come up one is told which, with the end of its log, and nothing goes on running", async () => {
  const [bin, state] = [path.join(folder, "bin"), path.join(folder, "broken")];
  await mkdir(bin);
  await writeFile(path.join(bin, "etcd"), "#!/bin/sh\necho the disk is upside down >&2\nexit 1\n");
  await chmod(path.join(bin, "etcd"), 0o755);
  vi.stubEnv("PATH", `${bin}:${process.env["PATH"]}`);
  try {
    await expect(startApiServerAlone(state)).rejects.toMatchObject({
      code: "HDL9072",
      message: expect.stringMatching(/^etcd has ended while .*\nthe disk is upside down$/),
      remedy: expect.stringContaining(path.join(state, "logs")),
    });
  } finally {
    vi.unstubAllEnvs();
  }
  expect(recorded(state)).toEqual([]);
});

test("without a program that it needs one is told the package, and nothing is installed on a person's machine", async () => {
  const bin = path.join(folder, "go-alone");
  await mkdir(bin);
  await writeFile(path.join(bin, "go"), "");
  await chmod(path.join(bin, "go"), 0o755);
  vi.stubEnv("PATH", bin);
  vi.stubEnv("CI", "");
  try {
    await expect(startApiServerAlone(path.join(folder, "none"))).rejects.toMatchObject({
      code: "HDL9070",
      message: "Programs of Debian's packages etcd-server are missing.",
      remedy: expect.stringContaining("apt-get install --no-install-recommends etcd-server"),
    });
  } finally {
    vi.unstubAllEnvs();
  }
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
