/** The worker thread that runs PGlite: one statement at a time, in the order they come. */
import { PGlite, types } from "@electric-sql/pglite";
import { parentPort, workerData } from "node:worker_threads";
import type { Failure, OpenOptions, Reply, Request } from "./messages.ts";
import { diskSpaceCheck } from "./disk-space.ts";
import { createFlusher, isRead, type Flusher } from "./flusher.ts";

const port = parentPort;
if (!port) throw new Error("This file runs as a worker thread.");
const options = workerData as OpenOptions;

const same = (value: string) => value;
const parsers = {
  [types.DATE]: same,
  [types.TIMESTAMP]: same,
  [types.TIMESTAMPTZ]: same,
  [types.TIME]: same,
};

const db = await PGlite.create({
  ...(options.directory === undefined ? {} : { dataDir: options.directory }),
  relaxedDurability: false,
  parsers,
});
const flusher: Flusher | undefined =
  options.directory !== undefined && options.durable
    ? createFlusher(options.directory, async () => void (await db.exec("checkpoint")))
    : undefined;

const checkSpace = options.directory === undefined ? () => {} : diskSpaceCheck(options.directory);

let queue: Promise<void> = Promise.resolve();
port.on("message", (request: Request) => {
  queue = queue.then(() => answer(request));
});
port.postMessage({ id: 0, value: "ready" } satisfies Reply);

async function answer(request: Request): Promise<void> {
  try {
    const value = await run(request);
    port?.postMessage({ id: request.id, value } satisfies Reply);
  } catch (error) {
    port?.postMessage({ id: request.id, error: failure(error) } satisfies Reply);
  }
  if (request.op === "close") port?.close();
}

async function run(request: Request): Promise<unknown> {
  switch (request.op) {
    case "rows":
      before(request.text);
      return (await db.query(request.text, [...request.params], { rowMode: "array" })).rows;
    case "records":
      before(request.text);
      return (await db.query(request.text, [...request.params])).rows;
    case "script":
      before(request.text);
      await db.exec(request.text);
      if (request.text === "commit") await flusher?.commit();
      return undefined;
    case "close":
      await db.close();
      flusher?.close();
      return undefined;
  }
}

function before(text: string): void {
  if (isRead(text)) return;
  checkSpace();
  flusher?.wrote();
}

function failure(error: unknown): Failure {
  const fields = error as Partial<Record<keyof Failure, string>>;
  return {
    message: error instanceof Error ? error.message : String(error),
    code: fields.code,
    detail: fields.detail,
    constraint: fields.constraint,
  };
}
