/** How long our programs take to start: the agent until it has configured a client, and commands until they have ended. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { freePorts } from "../../../agent/src/testing/free-ports.ts";
import { ROOT } from "../../harness/demo-process.ts";
import { end, startPlaneProcess, until } from "../../harness/plane-process.ts";
import { startAgent } from "./agent.ts";
import { startClients } from "./clients.ts";
import { meshObjects } from "./mesh.ts";
import type { Load, Start } from "./rows.ts";

const run = promisify(execFile);
const LONG_MS = 60_000;
const BARS = { agent: 1500, bare: 150, get: 300 };
/** Before they are measured: what is compiled once is kept. */
const WARM = 1;

export async function measureColdStart(
  { services, rounds }: Load,
  folder: string,
  programs: { readonly bundle: string; readonly clients: string },
): Promise<Start> {
  const config = path.join(folder, "config");
  await mkdir(config, { recursive: true });
  const list = { apiVersion: "v1", kind: "List", items: meshObjects(services) };
  await writeFile(path.join(config, "mesh.json"), JSON.stringify(list));
  const ms = await repeated(rounds, async () => {
    const start = performance.timeOrigin + performance.now();
    const source = ["--config", config];
    const agent = await startAgent({ bundle: programs.bundle, folder, source });
    try {
      await until(
        () => accepts(agent.address),
        LONG_MS,
        () => `an agent; see ${agent.log}`,
      );
      const load = { clients: 1, services, onDemand: undefined };
      const client = startClients({ ...load, program: programs.clients, address: agent.address });
      try {
        return (await client.ready).last - start;
      } finally {
        await client.close();
      }
    } finally {
      await end(agent.child, "SIGTERM");
    }
  });
  const what = `agent, cold, until a client has ${services} services from a file`;
  return { what, ms, barMs: BARS.agent };
}

export async function measureCommands({ rounds }: Load, folder: string): Promise<Start[]> {
  const [port = 0] = await freePorts(1);
  const plane = await startPlaneProcess(port, folder);
  try {
    const file = path.join(folder, "route.json");
    await writeFile(file, JSON.stringify(meshObjects(1).at(-1)));
    for (const args of [
      ["mesh", "create", "demo"],
      ["apply", "-f", file],
    ]) {
      const { code, stderr } = await plane.heddle(args);
      if (code !== 0) throw new Error(`heddle ${args.join(" ")}: ${stderr}`);
    }
    const env = { HEDDLE_URL: plane.url, HEDDLE_TOKEN: plane.token, HEDDLE_MESH: "demo" };
    const timed = async (args: readonly string[], barMs: number): Promise<Start> => {
      const ms = await repeated(rounds, async () => {
        const start = performance.now();
        await run(path.join(ROOT, "heddle"), [...args], { env: { ...process.env, ...env } });
        return performance.now() - start;
      });
      return { what: `heddle ${args.join(" ")}`, ms, barMs };
    };
    return [
      await timed(["--help"], BARS.bare),
      await timed(["version"], BARS.bare),
      await timed(["get", "virtualservices"], BARS.get),
    ];
  } finally {
    await plane.stop();
  }
}

async function repeated(rounds: number, act: () => Promise<number>): Promise<number[]> {
  const all: number[] = [];
  for (let nth = 0; nth < WARM + rounds; nth++) all.push(await act());
  return all.slice(WARM);
}

function accepts(address: string): Promise<boolean> {
  const [host = "", port] = address.split(":");
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
