/** PGlite as a driver: Postgres inside a worker thread of this process, one lease at a time. */
import { Worker } from "node:worker_threads";
import type { Connection, Driver } from "../drivers/driver.ts";
import type { Failure, OpenOptions, Reply, Request } from "./messages.ts";

/** A statement failed; `code` is Postgres' SQLSTATE. */
export class DatabaseError extends Error {
  readonly code: string | undefined;
  readonly detail: string | undefined;
  readonly constraint: string | undefined;

  constructor(failure: Failure) {
    super(failure.message);
    this.name = "DatabaseError";
    this.code = failure.code;
    this.detail = failure.detail;
    this.constraint = failure.constraint;
  }
}

type Unnumbered<T> = T extends unknown ? Omit<T, "id"> : never;

/**
 * Starts the thread and waits until it serves. Where the thread dies (a full disk ends Postgres in the middle of a
 * write), the next lease starts another, which recovers from the log.
 */
export async function pgliteDriver(
  options: OpenOptions & { readonly release?: () => void },
): Promise<Driver> {
  let thread = await startThread(options);
  let tail: Promise<unknown> = Promise.resolve();
  let closed = false;
  return {
    kind: "pglite",
    lease(work) {
      const turn = tail.then(async () => {
        if (closed)
          throw new DatabaseError({
            ...NOTHING,
            message: "The database is closed.",
            code: "57P01",
          });
        if (thread.dead() && options.directory !== undefined) thread = await startThread(options);
        return work(connection(thread));
      });
      tail = turn.catch(() => {});
      return turn;
    },
    async close() {
      if (closed) return;
      closed = true;
      await tail;
      await thread.close();
      options.release?.();
    },
  };
}

interface Thread {
  ask(request: Unnumbered<Request>): Promise<unknown>;
  dead(): boolean;
  stop(): void;
  close(): Promise<void>;
}

/** In a bundle it lies beside this code too, as JavaScript. */
const THREAD = new URL(
  `./thread${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`,
  import.meta.url,
);

const NOTHING = { code: undefined, detail: undefined, constraint: undefined };

function startThread(options: OpenOptions): Promise<Thread> {
  const { directory, durable } = options;
  const worker = new Worker(THREAD, {
    workerData: { directory, durable } satisfies OpenOptions,
    name: "heddle-database",
    execArgv: [],
  });
  const waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  let last = 0;
  let death: Error | undefined;
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const die = (error: Error) => {
    death ??= error;
    for (const { reject } of waiting.values()) reject(death);
    waiting.clear();
  };
  const send = (request: Unnumbered<Request>) =>
    new Promise<unknown>((resolve, reject) => {
      if (death) return reject(death);
      const id = ++last;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ ...request, id });
    });
  worker.on("error", (error: Error) => die(error));
  worker.on("exit", () =>
    die(new DatabaseError({ ...NOTHING, message: "The database thread ended.", code: "57P01" })),
  );

  const thread: Thread = {
    async ask(request) {
      try {
        return await send(request);
      } catch (error) {
        if (error instanceof DatabaseError && isFatal(error)) thread.stop();
        throw error;
      }
    },
    dead: () => death !== undefined,
    stop() {
      die(
        new DatabaseError({ ...NOTHING, message: "The database thread was ended.", code: "57P01" }),
      );
      void worker.terminate();
    },
    async close() {
      if (death) return;
      await send({ op: "close" }).catch(() => {});
      await exited;
    },
  };
  return new Promise((resolve, reject) => {
    waiting.set(0, { resolve: () => resolve(thread), reject });
    worker.on("message", (reply: Reply) => {
      const waiter = waiting.get(reply.id);
      waiting.delete(reply.id);
      if ("error" in reply) waiter?.reject(new DatabaseError(reply.error));
      else waiter?.resolve(reply.value);
    });
  });
}

/** After these Postgres is in no state to go on: it panicked, or WebAssembly aborted. */
function isFatal(error: DatabaseError): boolean {
  return (
    error.code === undefined ||
    /^(XX|57P|58|53100)/.test(error.code) ||
    /Aborted|unreachable|exited/i.test(error.message)
  );
}

function connection(thread: Thread): Connection {
  return {
    rows: async (text, params) => (await thread.ask({ op: "rows", text, params })) as unknown[][],
    records: async (text, params) =>
      (await thread.ask({ op: "records", text, params })) as Record<string, unknown>[],
    script: async (text) => {
      await thread.ask({ op: "script", text });
    },
    discard: () => thread.stop(),
  };
}
