/**
 * Pods without Kubernetes, each in a network namespace of its own on one bridge, so that iptables lead traffic in them as they
 * would in a cluster. Needs root, `ip`, `setpriv` and iptables.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { access, chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { constants, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const NETNS_FILES = "/etc/netns";

export interface NetworkPod {
  readonly ip: string;
  /** Undefined where it has none. */
  readonly ip6: string | undefined;
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

interface PodOptions {
  /** The address that its `/etc/resolv.conf` names; the machine's own without it. */
  readonly resolver?: string;
  /** An address of IPv6 as well, where the kernel has it. */
  readonly dual?: boolean;
}

export interface PodNetwork {
  /** The host's address on the bridge: kubelet's, and the agent's. */
  readonly host: string;
  pod(number: number, options?: PodOptions): Promise<NetworkPod>;
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
  // Of unique local addresses (RFC 4193), the numbers of the prefix as they are.
  const prefix6 = `fd${prefix.replaceAll(".", ":")}:`;
  const hasIpv6 = existsSync("/proc/net/if_inet6");
  const ip = (...parameters: string[]) => run("ip", parameters);
  const folder = await mkdtemp(join(tmpdir(), "heddle-pods-"));
  await chmod(folder, 0o755);
  const names: string[] = [];
  const children: Started[] = [];
  await ip("link", "add", bridge, "type", "bridge");
  await ip("addr", "add", `${host}/24`, "dev", bridge);
  if (hasIpv6) await ip("addr", "add", `${prefix6}:1/64`, "dev", bridge, "nodad");
  await ip("link", "set", bridge, "up");
  return {
    host,
    async pod(number, { resolver, dual = false } = {}) {
      const name = `${bridge}n${number}`;
      const address = `${prefix}.${number}`;
      const address6 = dual && hasIpv6 ? `${prefix6}:${number}` : undefined;
      names.push(name);
      await ip("netns", "add", name);
      if (resolver !== undefined) {
        // `ip netns exec` lays what is in there over /etc.
        await mkdir(join(NETNS_FILES, name), { recursive: true });
        const search = "search default.svc.cluster.local svc.cluster.local cluster.local";
        const content = `${search}\nnameserver ${resolver}\noptions ndots:5\n`;
        await writeFile(join(NETNS_FILES, name, "resolv.conf"), content);
      }
      const end = `${bridge}v${number}`;
      await ip("link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", name);
      await ip("link", "set", end, "master", bridge, "up");
      const within = (...parameters: string[]) => ip("-n", name, ...parameters);
      await within("addr", "add", `${address}/24`, "dev", "eth0");
      if (address6 !== undefined)
        await within("addr", "add", `${address6}/64`, "dev", "eth0", "nodad");
      await within("link", "set", "eth0", "up");
      await within("link", "set", "lo", "up");
      await within("route", "add", "default", "via", host);
      if (address6 !== undefined)
        await within("-6", "route", "add", "default", "via", `${prefix6}:1`);
      return {
        ip: address,
        ip6: address6,
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
      for (const name of names) {
        await ip("netns", "del", name);
        await rm(join(NETNS_FILES, name), { recursive: true, force: true });
      }
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
