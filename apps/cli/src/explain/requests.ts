/** Requests of the past that are to be explained: by their id, by a log line, or the last that a workload refused. */
import { type HeddleClient, type LogLine, refusalOf } from "@heddle/client";
import { readFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";
import { CliError } from "../output/cli-error.ts";

interface Looking {
  readonly client: HeddleClient;
  readonly mesh: string;
  /** How long to look back, in seconds. */
  readonly since: number;
}

/** Lines of one request; both sides of it may have logged it. */
const OF_ONE = 100;

/** By trace id or `x-request-id`: the lines of servers, and those of clients where no server has one. Throws HDL9126. */
export async function linesOf({ client, mesh, since }: Looking, id: string): Promise<LogLine[]> {
  const from = fromOf(since);
  const ofTrace = /^[0-9a-f]{32}$/i.test(id)
    ? (await client.logs(mesh, { from, traceId: id.toLowerCase(), limit: OF_ONE })).items
    : [];
  const lines =
    ofTrace.length > 0
      ? ofTrace
      : (await client.logs(mesh, { from, requestId: id, limit: OF_ONE })).items;
  const refused = lines.filter((line) => refusalOf(line));
  const wanted = refused.length > 0 ? refused : lines;
  const ofServers = wanted.filter(({ reporter }) => reporter === "destination");
  const found = ofServers.length > 0 ? ofServers : wanted.filter(({ reporter }) => reporter !== "");
  if (found.length > 0) return found;
  throw new CliError(
    "HDL9126",
    `No request ${id} is in the access logs.`,
    "Look back further with --since; and check that the mesh logs requests: `heddle mesh get` shows accessLog.",
  );
}

/** The last that the workload refused, newest first. Throws HDL9126 where there is none. */
export async function denialsOf(
  { client, mesh, since }: Looking,
  workload: string,
  limit: number,
): Promise<LogLine[]> {
  const { items } = await client.logs(mesh, {
    ...{ from: fromOf(since), workload, refused: true, limit },
  });
  if (items.length > 0) return items;
  throw new CliError(
    "HDL9126",
    `${workload} has refused nothing that is in the access logs.`,
    "Look back further with --since. A connection in plaintext that STRICT refuses is in no log: ask with --to and --from plaintext.",
  );
}

/** One line as `GET /v1/meshes/MESH/logs` has it, from a file or standard input. Throws HDL9127. */
export async function lineIn(file: string): Promise<LogLine> {
  const text =
    file === "-" ? await textOf(process.stdin) : await readFile(file, "utf8").catch(() => "");
  try {
    const line = JSON.parse(text) as Partial<LogLine> | null;
    if (line?.destination && line.source && line.attributes) return line as LogLine;
  } catch {
    // Said below.
  }
  throw notALine(file === "-" ? "Standard input" : file);
}

export function notALine(what: string): CliError {
  return new CliError(
    "HDL9127",
    `${what} is no line of an access log that says where a request went.`,
    "Give one item of `GET /v1/meshes/MESH/logs`, as JSON: of the proxy of the server, or of a client's that has reached one.",
  );
}

function fromOf(since: number): string {
  return new Date(Date.now() - since * 1000).toISOString();
}
