// Brings the pinned Node and pnpm into .toolchain, installs the workspace, and runs the command line on them.
// It must run on any Node from 20 on, with nothing installed; everything comes as plain registry packages.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const NODE_VERSION = "24.21.0";
const PNPM_VERSION = "12.21.0";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const toolchain = path.join(root, ".toolchain");
const platform = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
// A command inside a command runs on the Node of .toolchain already, which stays what it is: fetched, not the system's.
const fetchedNode = realpathSync(process.execPath).startsWith(
  path.join(existsSync(toolchain) ? realpathSync(toolchain) : toolchain, "/"),
);
const systemNode = !fetchedNode && Number(process.versions.node.split(".")[0]) >= 24;
const node = systemNode
  ? process.execPath
  : path.join(toolchain, `node_modules/node-${platform}/bin/node`);
const pnpm = path.join(toolchain, `node_modules/@pnpm/exe.${platform}/pnpm`);

const env = {
  ...process.env,
  PATH: [path.dirname(node), path.dirname(pnpm), process.env.PATH].join(path.delimiter),
  // Compiled and type-stripped code is kept: every command and every process of a demo starts in half the time.
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? path.join(toolchain, "compile-cache"),
  WRANGLER_SEND_METRICS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
};

/** True where the file `name` in .toolchain says that `wanted` is done. */
function isDone(name, wanted) {
  const stamp = path.join(toolchain, name);
  return existsSync(stamp) && readFileSync(stamp, "utf8") === wanted;
}

function markDone(name, wanted) {
  writeFileSync(path.join(toolchain, name), wanted);
}

function step(title, command, args) {
  process.stderr.write(`heddle: ${title} …\n`);
  const result = spawnSync(command, args, {
    cwd: root,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (result.status === 0) return;
  process.stderr.write(
    `${result.stdout ?? ""}${result.stderr ?? ""}${result.error ? `${result.error.message}\n` : ""}`,
  );
  process.stderr.write(
    `heddle: HDL9001 ${title} failed. Check that npm reaches its registry, then run the same command again.\n`,
  );
  process.exit(1);
}

function installToolchain() {
  const wanted = JSON.stringify({
    node: systemNode ? "system" : NODE_VERSION,
    pnpm: PNPM_VERSION,
    platform,
  });
  if (isDone("toolchain.stamp", wanted) && existsSync(pnpm) && existsSync(node)) return;
  mkdirSync(toolchain, { recursive: true });
  writeFileSync(path.join(toolchain, "package.json"), '{"private":true}\n');
  const packages = [`@pnpm/exe.${platform}@${PNPM_VERSION}`];
  if (!systemNode) packages.push(`node-${platform}@${NODE_VERSION}`);
  step(`fetching ${systemNode ? "" : `Node ${NODE_VERSION} and `}pnpm ${PNPM_VERSION}`, "npm", [
    "install",
    "--prefix",
    toolchain,
    "--ignore-scripts",
    "--no-save",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    ...packages,
  ]);
  markDone("toolchain.stamp", wanted);
}

function installWorkspace() {
  const hash = createHash("sha256")
    .update(readFileSync(path.join(root, "pnpm-lock.yaml")))
    .digest("hex");
  if (isDone("workspace.stamp", hash) && existsSync(path.join(root, "node_modules/.modules.yaml")))
    return;
  step("installing the workspace", pnpm, [
    "install",
    "--frozen-lockfile",
    "--reporter=append-only",
  ]);
  markDone("workspace.stamp", hash);
}

installToolchain();
installWorkspace();

const args = process.argv.slice(2);
const [entry, rest] =
  args[0] === "--run" ? ["infra/toolchain/run.ts", args.slice(1)] : ["apps/cli/src/main.ts", args];
const child = spawn(
  node,
  ["--disable-warning=ExperimentalWarning", path.join(root, entry), ...rest],
  { stdio: "inherit", env },
);
// A terminal signals the child as well, which takes what comes twice as one (apps/cli/src/commands/until-signal.ts).
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) =>
  process.exit(signal ? 128 + os.constants.signals[signal] : code),
);
