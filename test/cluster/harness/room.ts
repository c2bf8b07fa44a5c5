/**
 * The room that a cluster lives in: a network namespace and a mount namespace of its own, held open by one process. Its
 * interfaces, its packet filter's rules and its mounts are seen by nobody else, and go when its last process goes.
 */
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { isProcess, startOf } from "../../../apps/cli/src/local/process-identity.ts";
import { CliError } from "../../../apps/cli/src/output/cli-error.ts";
import { groupsOf, removeGroups } from "./cgroups.ts";
import type { Network } from "./network.ts";
import {
  isRunning,
  lastWords,
  pidOf,
  type Program,
  startRecorded,
  killRecorded,
} from "./recorded.ts";

const run = promisify(execFile);
const HOLDER = "room";
const OPEN_WITHIN_MS = 20_000;
const EMPTY_WITHIN_MS = 10_000;
const POLL_MS = 20;

/** Folders that the programs write to whatever they are told: in the room they lie in the folder of state. */
const OWN_FOLDERS = ["/var/lib", "/var/log"];

/** Opens the room and links it with the machine. `state` may not lie where the room has folders of its own. */
export async function openRoom(state: string, network: Network): Promise<void> {
  const hidden = [...OWN_FOLDERS, "/run"].find((folder) => `${state}/`.startsWith(`${folder}/`));
  if (hidden)
    throw new CliError(
      "HDL9070",
      `The state of a test cluster cannot lie in ${hidden}.`,
      "Choose another folder with --state.",
    );
  for (const folder of OWN_FOLDERS) await mkdir(path.join(state, folder), { recursive: true });
  const opened = path.join(state, "opened");
  const script = [
    "set -eu",
    // Pods may ask for mounts that they see come and go; nothing of it leaves the room.
    "mount --make-rshared /",
    `mount -t tmpfs -o mode=755 "$3" /run`,
    ...OWN_FOLDERS.map((folder) => `mount --bind "$1${folder}" ${folder}`),
    "ip link set lo up",
    "echo 1 > /proc/sys/net/ipv4/ip_forward",
    `touch "$2"`,
    "exec sleep infinity",
  ].join("\n");
  startRecorded(state, {
    name: HOLDER,
    command: "unshare",
    args: [
      "--net",
      "--mount",
      "--propagation",
      "slave",
      "sh",
      "-c",
      script,
      HOLDER,
      state,
      opened,
      markOf(state),
    ],
  });
  const deadline = Date.now() + OPEN_WITHIN_MS;
  while (!existsSync(opened)) {
    if (Date.now() > deadline || !isRunning(state, HOLDER))
      throw new CliError(
        "HDL9072",
        `No namespaces for the cluster could be made:\n${lastWords(state, HOLDER)}`,
        "It needs the rights of root over mounts and networks, as a privileged container has them.",
      );
    await sleep(POLL_MS);
  }
  await link(holderOf(state), network);
}

async function link(holder: number, network: Network): Promise<void> {
  const prefix = network.linkPrefix;
  const outside = (...args: string[]) => run("ip", args);
  const inside = (...args: string[]) => run("nsenter", ["-t", String(holder), "-n", "ip", ...args]);
  await outside(
    "link",
    "add",
    network.link,
    "type",
    "veth",
    "peer",
    "name",
    "node0",
    "netns",
    String(holder),
  );
  await outside("address", "add", `${network.host}/${prefix}`, "dev", network.link);
  await outside("link", "set", network.link, "up");
  await inside("address", "add", `${network.node}/${prefix}`, "dev", "node0");
  await inside("link", "set", "node0", "up");
  for (const range of [network.pods, network.services, network.loadBalancers])
    await outside("route", "add", range, "via", network.node, "dev", network.link);
}

/** Starts a program of the cluster in its room. */
export function startInRoom(state: string, { name, command, args }: Program): void {
  startRecorded(state, { name, command: "nsenter", args: [...entering(state), command, ...args] });
}

/** What comes before a command so that it runs in the room. */
export function entering(state: string): readonly string[] {
  return ["-t", String(holderOf(state)), "-n", "-m", "--"];
}

/** The process that holds the room open. */
export function holderOf(state: string): number {
  const pid = pidOf(state, HOLDER);
  if (pid === undefined)
    throw new CliError(
      "HDL9073",
      `No test cluster runs from ${state}.`,
      "Start one: `./heddle --run cluster up`.",
    );
  return pid;
}

/** Ends all that lives in the room, containers too, and then the room. Works also where parts of it have been killed. */
export async function closeRoom(state: string, link: string): Promise<void> {
  const room = roomOf(state);
  const holder = pidOf(state, HOLDER);
  if (room !== undefined) {
    const groups = groupsOf(livingIn(room));
    const deadline = Date.now() + EMPTY_WITHIN_MS;
    for (let left = livingIn(room); left.some((pid) => pid !== holder); left = livingIn(room)) {
      if (Date.now() > deadline) throw new Error(`processes ${left.join(", ")} do not end`);
      for (const pid of left) if (pid !== holder) kill(pid);
      await sleep(POLL_MS);
    }
    await removeGroups(groups);
  }
  await killRecorded(state, HOLDER);
  // The kernel takes a network namespace apart some time after its last process; the link can go at once.
  try {
    execFileSync("ip", ["link", "delete", link], { stdio: "ignore" });
  } catch {
    // It went with the namespace.
  }
}

export function isLinked(link: string): boolean {
  return existsSync(`/sys/class/net/${link}`);
}

export interface RoomProcess {
  readonly pid: number;
  alive(): boolean;
}

/** All that lives in the room now, containers too. */
export function processesInRoom(state: string): RoomProcess[] {
  const room = roomOf(state);
  if (room === undefined) return [];
  return livingIn(room).map((pid) => {
    const started = startOf(pid) ?? "";
    return { pid, alive: () => isProcess(pid, started) && readStat(pid).state !== "Z" };
  });
}

/** What the mount of /run says that it comes from: by that a room is known even when all that was recorded has been killed. */
function markOf(state: string): string {
  return `heddle-${createHash("sha256").update(state).digest("hex").slice(0, 16)}`;
}

/** The room's mount namespace, as the kernel names it; undefined where nothing lives in one. */
function roomOf(state: string): string | undefined {
  const mark = ` ${markOf(state)} `;
  const seen = new Set<string>();
  for (const pid of allPids()) {
    const namespace = mountNamespaceOf(pid);
    if (namespace === undefined || seen.has(namespace)) continue;
    seen.add(namespace);
    try {
      if (readFileSync(`/proc/${pid}/mountinfo`, "utf8").includes(mark)) return namespace;
    } catch {
      // It has ended; another process may show the same mounts.
      seen.delete(namespace);
    }
  }
  return undefined;
}

/** Every process whose mounts are the room's, and every process below those: a container has mounts of its own. */
function livingIn(room: string): number[] {
  const processes = allPids()
    .map((pid) => ({ pid, ...readStat(pid) }))
    .filter(({ state }) => state !== "Z" && state !== "X" && state !== "");
  const inside = new Set(
    processes.filter(({ pid }) => mountNamespaceOf(pid) === room).map(({ pid }) => pid),
  );
  for (let before = -1; before !== inside.size;) {
    before = inside.size;
    for (const { pid, parent } of processes) if (inside.has(parent)) inside.add(pid);
  }
  return [...inside];
}

function allPids(): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
}

function readStat(pid: number): { readonly state: string; readonly parent: number } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state = "", parent = "0"] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state, parent: Number(parent) };
  } catch {
    return { state: "", parent: 0 };
  }
}

function mountNamespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
