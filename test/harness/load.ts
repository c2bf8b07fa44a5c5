/** An open-loop load at a steady rate from a process of its own, so that what else a test does never delays it. */
import { fork } from "node:child_process";
import http from "node:http";

export interface Sample {
  /** When the request was sent and when its answer was complete, in milliseconds of `Date.now()`. */
  readonly sent: number;
  readonly done: number;
  /** What went wrong, here or at a hop further in; empty where nothing did. */
  readonly fault: string;
  /** What `pattern` captured from the body. */
  readonly seen: string;
}

export interface LoadOptions {
  readonly url: string;
  /** Requests per second. */
  readonly rate: number;
  /** Ends by itself after this many milliseconds. */
  readonly maxMs: number;
  /** The first capture group is kept as `seen`. */
  readonly pattern?: string;
  readonly headers?: Record<string, string>;
}

export interface Load {
  /** Resolves when this many requests, sent at or after `since` (milliseconds of `Date.now()`), are answered; rejects where it takes too long. */
  answered(count: number, since: number): Promise<void>;
  /** Ends the load, waits for what is under way, and answers with every request. Rejects where it had ended before. */
  stop(): Promise<Sample[]>;
}

/** How Bookinfo's pages and answers tell of a call to another service that failed: they are answered with 200 all the same. */
const INNER_FAULT =
  /(?:Details|Reviews) are not available right now[^]{0,120}|[^"<>]{0,60}service is currently unavailable|"error":"[^"]{0,120}/;

/** What is wrong with an answer of Bookinfo, of the request itself or of those that it led to; empty where nothing is. */
export function faultOf(status: number, body: string): string {
  if (status !== 200) return `status ${status}: ${body.slice(0, 120)}`;
  return INNER_FAULT.exec(body)?.[0] ?? "";
}

/** The requests that failed, at any hop. */
export function failedOf(samples: readonly Sample[]): Sample[] {
  return samples.filter(({ fault }) => fault !== "");
}

/** How long a busy machine may take to answer what `answered` waits for. */
const ANSWERED_WITHIN_MS = 20_000;

interface Threshold {
  readonly count: number;
  readonly since: number;
}
type ToChild = "stop" | { readonly tell: Threshold };
type FromChild = { readonly samples: Sample[] } | { readonly answered: true };

export function startLoad(options: LoadOptions): Load {
  const child = fork(import.meta.filename, [JSON.stringify(options)], {
    serialization: "advanced",
  });
  let ended = false;
  const result = new Promise<Sample[]>((resolve, reject) => {
    child.on("message", (message: FromChild) => {
      if (!("samples" in message)) return;
      ended = true;
      resolve(message.samples);
    });
    child.on("exit", () => {
      ended = true;
      reject(new Error("the load ended without its result"));
    });
  });
  result.catch(() => {});
  const send = (message: ToChild) => child.send(message);
  return {
    answered(count, since) {
      return new Promise((resolve, reject) => {
        const finish = (error?: Error) => {
          clearTimeout(timer);
          child.off("message", listen);
          if (error) reject(error);
          else resolve();
        };
        const listen = (message: FromChild) => "answered" in message && finish();
        const timer = setTimeout(
          () => finish(new Error(`fewer than ${count} answers within ${ANSWERED_WITHIN_MS} ms`)),
          ANSWERED_WITHIN_MS,
        );
        child.on("message", listen);
        send({ tell: { count, since } });
      });
    },
    async stop() {
      if (ended) throw new Error(`the load had ended before; at most it takes ${options.maxMs} ms`);
      send("stop");
      return result;
    },
  };
}

function run({ url, rate, maxMs, pattern, headers = {} }: LoadOptions): void {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 200 });
  const samples: Sample[] = [];
  const match = pattern ? new RegExp(pattern) : undefined;
  let pending = 0;
  let stopped = false;
  const started = performance.now();
  let count = 0;
  const finish = () => {
    if (!stopped || pending > 0) return;
    process.send?.({ samples } satisfies FromChild, () => process.exit(0));
  };
  let waiting: Threshold | undefined;
  const tell = () => {
    if (!waiting) return;
    const { count: enough, since } = waiting;
    if (samples.filter(({ sent }) => sent >= since).length < enough) return;
    waiting = undefined;
    process.send?.({ answered: true } satisfies FromChild);
  };
  const send = () => {
    pending++;
    const sent = Date.now();
    const record = (fault: string, seen = "") => {
      pending--;
      samples.push({ sent, done: Date.now(), fault, seen });
      finish();
    };
    const request = http.get(url, { agent, headers, timeout: 15_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () =>
        record(faultOf(response.statusCode ?? 0, body), match?.exec(body)?.[1]),
      );
      response.on("error", (error) => record(error.message));
    });
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", (error) => record(error.message));
  };
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - started) / 1000) * rate);
    while (count < due) {
      count++;
      send();
    }
    tell();
    if (performance.now() - started > maxMs) stop();
  }, 2);
  const stop = () => {
    clearInterval(timer);
    stopped = true;
    finish();
  };
  process.on("message", (message: ToChild) => {
    if (message === "stop") return stop();
    waiting = message.tell;
  });
  process.on("disconnect", () => process.exit(0));
}

if (process.argv[1] === import.meta.filename && process.argv[2])
  run(JSON.parse(process.argv[2]) as LoadOptions);
