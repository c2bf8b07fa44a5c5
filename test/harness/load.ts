/** An open-loop load at a steady rate from a process of its own, so that what else a test does never delays it. */
import { fork } from "node:child_process";
import http from "node:http";

export interface Sample {
  /** When the request was sent and when its answer was complete, in milliseconds of `Date.now()`. */
  readonly sent: number;
  readonly done: number;
  /** 0 where the connection failed. */
  readonly status: number;
  /** What `pattern` captured from the body, or the error. */
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
  /** Ends the load, waits for what is under way, and answers with every request. */
  stop(): Promise<Sample[]>;
}

export function startLoad(options: LoadOptions): Load {
  const child = fork(import.meta.filename, [JSON.stringify(options)], {
    serialization: "advanced",
  });
  const result = new Promise<Sample[]>((resolve, reject) => {
    child.on("message", (samples) => resolve(samples as Sample[]));
    child.on("exit", () => reject(new Error("the load ended without its result")));
  });
  result.catch(() => {});
  return {
    stop() {
      child.send("stop");
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
    process.send?.(samples, () => process.exit(0));
  };
  const send = () => {
    pending++;
    const sent = Date.now();
    const record = (status: number, seen: string) => {
      pending--;
      samples.push({ sent, done: Date.now(), status, seen });
      finish();
    };
    const request = http.get(url, { agent, headers, timeout: 15_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => record(response.statusCode ?? 0, match?.exec(body)?.[1] ?? ""));
      response.on("error", (error) => record(0, error.message));
    });
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", (error) => record(0, error.message));
  };
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - started) / 1000) * rate);
    while (count < due) {
      count++;
      send();
    }
    if (performance.now() - started > maxMs) stop();
  }, 2);
  const stop = () => {
    clearInterval(timer);
    stopped = true;
    finish();
  };
  process.on("message", stop);
  process.on("disconnect", () => process.exit(0));
}

if (process.argv[1] === import.meta.filename && process.argv[2])
  run(JSON.parse(process.argv[2]) as LoadOptions);
