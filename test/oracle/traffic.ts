/** Random requests at a steady rate from a process of their own: a slow answer slows no other request. */
import { fork } from "node:child_process";
import http from "node:http";
import { ownHeaders } from "./applications.ts";
import { METHODS, PATHS, QUERIES, TIERS, USERS } from "./changes.ts";
import type { Ask } from "./meaning.ts";
import { type Random, randomOf } from "./random.ts";
import { HOSTS } from "./state.ts";

export interface Answered {
  readonly ask: Ask;
  /** Milliseconds since 1970. */
  readonly sent: number;
  readonly done: number;
  /** 0 where the connection failed; the body says how. */
  readonly status: number;
  readonly location: string;
  readonly body: string;
  readonly frontHost: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TrafficOptions {
  readonly address: string;
  readonly port: number;
  /** Requests per second. */
  readonly rate: number;
  readonly seed: number;
}

export interface Traffic {
  /** Ends it, waits for what is under way, and gives every answer. */
  stop(): Promise<readonly Answered[]>;
}

export function startTraffic(options: TrafficOptions): Traffic {
  const child = fork(import.meta.filename, [JSON.stringify(options)], {
    serialization: "advanced",
  });
  const result = new Promise<readonly Answered[]>((resolve, reject) => {
    child.on("message", (answers) => resolve(answers as Answered[]));
    child.on("exit", () => reject(new Error("the traffic ended without its result")));
  });
  result.catch(() => {});
  return {
    stop() {
      child.send("stop");
      return result;
    },
  };
}

function run({ address, port, rate, seed }: TrafficOptions): void {
  const random = randomOf(seed);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 500 });
  const answers: Answered[] = [];
  const started = performance.now();
  let count = 0;
  let pending = 0;
  let stopped = false;
  const finish = () => {
    if (stopped && pending === 0) process.send?.(answers, () => process.exit(0));
  };
  const send = () => {
    const ask = request(random, `${seed}-${++count}`);
    const sent = now();
    pending++;
    const record = (answer: Omit<Answered, "ask" | "sent" | "done">) => {
      pending--;
      answers.push({ ask, sent, done: now(), ...answer });
      finish();
    };
    const failed = (error: Error) =>
      record({ status: 0, location: "", body: error.message, frontHost: "", headers: {} });
    const { method, host, path, query, headers } = ask;
    const call = http.request(
      {
        host: address,
        port,
        agent,
        method,
        path: query ? `${path}?${query}` : path,
        headers: { ...headers, host },
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.on("error", failed);
        response.on("end", () =>
          record({
            status: response.statusCode ?? 0,
            location: response.headers.location ?? "",
            body,
            frontHost: String(response.headers["x-front-host"] ?? ""),
            headers: ownHeaders(response.headers),
          }),
        );
      },
    );
    call.on("error", failed);
    call.end();
  };
  const timer = setInterval(() => {
    const due = ((performance.now() - started) / 1000) * rate;
    while (count < due) send();
  }, 2);
  process.on("message", () => {
    clearInterval(timer);
    stopped = true;
    finish();
  });
  process.on("disconnect", () => process.exit(0));
}

const now = () => performance.timeOrigin + performance.now();

function request(random: Random, id: string): Ask {
  const behave = random.chance(0.06) ? "slow" : random.chance(0.15) ? "flaky" : undefined;
  return {
    method: random.chance(0.7) ? "GET" : random.pick(METHODS),
    host: random.pick(HOSTS),
    path: random.pick(PATHS),
    query: random.chance(0.5) ? `q=${random.pick(QUERIES)}` : "",
    headers: {
      "x-o-id": id,
      ...(behave ? { "x-o-behave": behave } : {}),
      ...(random.chance(0.6) ? { "x-o-user": random.pick(USERS) } : {}),
      ...(random.chance(0.4) ? { "x-o-tier": random.pick(TIERS) } : {}),
      ...(random.chance(0.2) ? { "x-o-noise": "1" } : {}),
    },
  };
}

if (process.argv[1] === import.meta.filename && process.argv[2])
  run(JSON.parse(process.argv[2]) as TrafficOptions);
