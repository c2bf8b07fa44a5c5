/**
 * Checks requests in a thread of its own, one after the other: a pattern that takes long over some value, or a document that is
 * large, holds up neither proxies nor changes. A thread that does not answer is ended, and the next request has a new one.
 */
import { Worker } from "node:worker_threads";
import { AgentError } from "../agent-error.ts";
import type { CheckedRequest, Refused } from "./checked-request.ts";
import type { Answer, Ask } from "./checker-messages.ts";

/** A check takes well below a millisecond; what takes longer than this is cut off. Milliseconds. */
const CHECK_MS = 500;
/** A large document has thousands of schemas to compile. Milliseconds. */
const LOAD_MS = 10_000;
/** More than this wait for too long anyway. */
const MOST_WAITING = 1_000;
const MOST_MEMORY_MB = 256;

export interface CheckerOptions {
  readonly log: { warn(message: string, fields?: Readonly<Record<string, unknown>>): void };
  /** Milliseconds that a check may take; half a second unless told otherwise. */
  readonly checkMs?: number;
}

export interface AskedCheck {
  /** Of the object that has the document. */
  readonly name: string;
  readonly document: string;
  readonly request: CheckedRequest;
  /** Whether nobody waits for it any more. */
  readonly gone: () => boolean;
}

export interface Checker {
  /** Has a document ready before the first request comes: a thread and its schemas take a second. */
  prepare(name: string, document: string): void;
  /** Rejects where it cannot be checked: by a bad document, for too many that wait, or for time. */
  check(asked: AskedCheck): Promise<Refused | undefined>;
  close(): Promise<void>;
}

/** In a bundle it lies beside this code too, as JavaScript. */
const THREAD = new URL(
  `./checker-thread${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`,
  import.meta.url,
);

interface Thread {
  readonly worker: Worker;
  /** Documents that it has, by the name of their object; undefined for one that it could not compile, with why. */
  readonly documents: Map<string, { readonly text: string; readonly error: string | undefined }>;
}

export function createChecker({ log, checkMs = CHECK_MS }: CheckerOptions): Checker {
  let thread: Thread | undefined;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;

  function threadOf(): Thread {
    thread ??= {
      worker: new Worker(THREAD, {
        name: "heddle-openapi",
        execArgv: [],
        resourceLimits: { maxOldGenerationSizeMb: MOST_MEMORY_MB },
      }),
      documents: new Map(),
    };
    thread.worker.unref();
    return thread;
  }

  function give({ worker }: Thread, ask: Ask, within: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const done = (end: () => void) => {
        clearTimeout(timer);
        worker.removeAllListeners();
        // Without a listener an error would end the agent.
        worker.on("error", () => undefined);
        end();
      };
      const lost = (why: string) =>
        done(() => {
          thread = undefined;
          void worker.terminate();
          reject(new Error(why));
        });
      const timer = setTimeout(() => lost(`it took more than ${within} ms`), within);
      worker.removeAllListeners();
      worker.once("message", (answer: Answer) => done(() => resolve(answer)));
      worker.once("error", (error: Error) => lost(error.message));
      worker.once("exit", () => lost("its thread has ended"));
      worker.postMessage(ask);
    });
  }

  async function load(name: string, document: string): Promise<Thread> {
    const here = threadOf();
    const known = here.documents.get(name);
    if (known?.text !== document) {
      const { error } = await give(here, { type: "load", name, document }, LOAD_MS);
      here.documents.set(name, { text: document, error });
      if (error !== undefined)
        log.warn("HDL7310: an OpenAPI document cannot be used; its requests are not checked", {
          object: name,
          error,
        });
    }
    const error = here.documents.get(name)?.error;
    if (error !== undefined) throw new AgentError("HDL7310", `the document of ${name}: ${error}`);
    return here;
  }

  async function checked({
    name,
    document,
    request,
    gone,
  }: AskedCheck): Promise<Refused | undefined> {
    if (closed) throw new Error("the agent is ending");
    if (gone()) throw new Error("its proxy waits no longer");
    const here = await load(name, document);
    try {
      const { refused, error } = await give(here, { type: "check", name, request }, checkMs);
      if (error !== undefined) throw new Error(error);
      return refused;
    } catch (error) {
      log.warn("HDL7311: a request could not be checked against its OpenAPI document", {
        object: name,
        error: String(error),
      });
      throw error;
    }
  }

  /** One after the other. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  }

  return {
    prepare(name, document) {
      // What is wrong with it was told; its requests hear of it.
      void inTurn(() => load(name, document)).catch(() => undefined);
    },
    async check(asked) {
      if (waiting >= MOST_WAITING) throw new Error(`${waiting} requests wait already`);
      waiting++;
      try {
        return await inTurn(() => checked(asked));
      } finally {
        waiting--;
      }
    },
    async close() {
      closed = true;
      await thread?.worker.terminate();
    },
  };
}
