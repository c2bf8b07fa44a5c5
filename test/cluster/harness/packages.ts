/** The programs of a cluster that come from Debian's packages, and Go. */
import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { CliError } from "../../../apps/cli/src/output/cli-error.ts";
import type { Say } from "./components.ts";

const run = promisify(execFile);
const INSTALL_WITHIN_MS = 600_000;

/** Where Debian has the plugins that set up pods' networks. */
export const CNI_PLUGINS = "/usr/lib/cni";
/** Looked through besides PATH, which need not hold all of root's. */
const FOLDERS = ["/usr/sbin", "/sbin", CNI_PLUGINS];

/** Each program with the package that has it. */
const CONTROL_PLANE = { etcd: "etcd-server" };
const NODE = {
  ...CONTROL_PLANE,
  containerd: "containerd",
  ctr: "containerd",
  runc: "runc",
  ptp: "containernetworking-plugins",
  iptables: "iptables",
  ip: "iproute2",
  sysctl: "procps",
  nsenter: "util-linux",
  mount: "mount",
};

/**
 * Makes sure that the programs are there. What is missing is installed only as root with `CI` set, where the machine is the
 * run's own; else HDL9070 says the command. `what` is for a whole cluster, or for its control plane alone.
 */
export async function ensurePackages(what: "cluster" | "control plane", say: Say): Promise<void> {
  if (process.platform !== "linux")
    throw new CliError(
      "HDL9070",
      "A test cluster needs Linux.",
      "Use a machine or a container with Linux.",
    );
  if (what === "cluster" && process.getuid?.() !== 0)
    throw new CliError(
      "HDL9070",
      "A test cluster needs root: it mounts file systems and makes network namespaces.",
      "Run it as root, best in a container or a machine of its own.",
    );
  if (!isThere("go"))
    throw new CliError(
      "HDL9070",
      "A test cluster needs Go to build Kubernetes.",
      "Install Go 1.24 or newer.",
    );
  const needed = Object.entries(what === "cluster" ? NODE : CONTROL_PLANE);
  const packages = [...new Set(needed.filter(([name]) => !isThere(name)).map(([, each]) => each))];
  if (packages.length === 0) return;
  const install = ["install", "-y", "-qq", "--no-install-recommends", ...packages];
  if (!process.env["CI"] || process.getuid?.() !== 0 || !isThere("apt-get"))
    throw new CliError(
      "HDL9070",
      `Programs of Debian's packages ${packages.join(", ")} are missing.`,
      `Install them: \`apt-get install --no-install-recommends ${packages.join(" ")}\`.`,
    );
  say(`installing ${packages.join(", ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    await run("apt-get", ["update", "-qq"], { env, timeout: INSTALL_WITHIN_MS });
    await run("apt-get", install, { env, timeout: INSTALL_WITHIN_MS });
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || (error as Error).message;
    throw new CliError(
      "HDL9070",
      `Debian's packages ${packages.join(", ")} could not be installed: ${said.split("\n").at(-1)}`,
      `Try \`apt-get ${install.join(" ")}\`.`,
    );
  }
}

function isThere(program: string): boolean {
  return [...(process.env["PATH"] ?? "").split(path.delimiter), ...FOLDERS].some((folder) => {
    if (folder === "") return false;
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
