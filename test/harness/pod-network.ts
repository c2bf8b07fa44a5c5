/**
 * Pods without Kubernetes, each in a network namespace of its own on one bridge, so that iptables lead traffic in them as they
 * would in a cluster. Needs root, `ip`, `setpriv` and iptables.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { access, chmod, copyFile, mkdtemp, rm } from "node:fs/promises";
import { constants } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface NetworkPod {
  readonly ip: string;
  /** Runs to its end, as root; rejects where it fails. */
  run(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  /** As a user of its own, where one is given. Ended with the network. */
  start(command: readonly string[], user?: number): Started;
}

export interface Started {
  output(): string;
  readonly exited: Promise<number | null>;
  stop(): Promise<void>;
}

export interface PodNetwork {
  /** The host's address on the bridge: kubelet's, and the agent's. */
  readonly host: string;
  pod(number: number): Promise<NetworkPod>;
  /** A copy that every user may run. */
  executable(file: string): Promise<string>;
  close(): Promise<void>;
}

/** What keeps such pods from being made here; undefined where nothing does. */
export async function podNetworkProblem(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "not root";
  for (const tool of ["ip", "setpriv", "iptables-restore", "ip6tables-restore"]) {
    const places = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, tool));
    const found = await Promise.allSettled(places.map((place) => access(place, constants.X_OK)));
    if (!found.some(({ status }) => status === "fulfilled")) return `no ${tool}`;
  }
  return undefined;
}

/** Addresses are `<prefix>.n`; the prefix is of three numbers, and nobody else's. */
export async function createPodNetwork(prefix: string): Promise<PodNetwork> {
  const bridge = `hdl${process.pid}`;
  const host = `${prefix}.1`;
  const ip = (...parameters: string[]) => run("ip", parameters);
  const folder = await mkdtemp(join(tmpdir(), "heddle-pods-"));
  await chmod(folder, 0o755);
  const names: string[] = [];
  const children: Started[] = [];
  await ip("link", "add", bridge, "type", "bridge");
  await ip("addr", "add", `${host}/24`, "dev", bridge);
  await ip("link", "set", bridge, "up");
  return {
    host,
    async pod(number) {
      const name = `${bridge}n${number}`;
      const address = `${prefix}.${number}`;
      names.push(name);
      await ip("netns", "add", name);
      const end = `${bridge}v${number}`;
      await ip("link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", name);
      await ip("link", "set", end, "master", bridge, "up");
      const within = (...parameters: string[]) => ip("-n", name, ...parameters);
      await within("addr", "add", `${address}/24`, "dev", "eth0");
      await within("link", "set", "eth0", "up");
      await within("link", "set", "lo", "up");
      await within("route", "add", "default", "via", host);
      return {
        ip: address,
        async run(command, env = {}) {
          const { stdout } = await run("ip", ["netns", "exec", name, ...command], {
            env: { ...process.env, ...env },
          });
          return stdout;
        },
        start(command, user) {
          const as =
            user === undefined
              ? []
              : ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups", "--"];
          const child = spawn("ip", ["netns", "exec", name, ...as, ...command], {
            stdio: ["ignore", "pipe", "pipe"],
          });
          const started = startedOf(child);
          children.push(started);
          return started;
        },
      };
    },
    async executable(file) {
      const copy = join(folder, "executable");
      await copyFile(file, copy);
      await chmod(copy, 0o755);
      return copy;
    },
    async close() {
      await Promise.all(children.map((child) => child.stop()));
      for (const name of names) await ip("netns", "del", name);
      await ip("link", "del", bridge);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function startedOf(child: ChildProcess): Started {
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return {
    output: () => output,
    exited,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 3000);
      await exited;
      clearTimeout(timer);
    },
  };
}
