/** The applications of the oracle's mesh in a process of their own: `front` calls `reviews` through its Envoy, and three `reviews` tell what they were asked. */
import { fork } from "node:child_process";
import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import { listening } from "../harness/application.ts";
import { type Ask, SLOW_MS } from "./meaning.ts";
import { PORT } from "./state.ts";

export interface Addresses {
  readonly front: string;
  /** Where the Envoy of `front` takes what it sends. */
  readonly proxy: { readonly address: string; readonly port: number };
  /** By version. */
  readonly reviews: Readonly<Record<string, string>>;
}

/** Requests that have arrived, by their x-o-id. */
export interface Arrived {
  readonly front: ReadonlySet<string>;
  /** Whichever version. */
  readonly reviews: ReadonlySet<string>;
}

export interface Applications {
  arrived(): Promise<Arrived>;
  stop(): void;
}

/** Resolves when all listen. */
export async function startApplications(addresses: Addresses): Promise<Applications> {
  const child = fork(import.meta.filename, [JSON.stringify(addresses)], {
    serialization: "advanced",
  });
  await new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", () => reject(new Error("the applications ended")));
  });
  return {
    async arrived() {
      const answer = once(child, "message");
      child.send("arrived");
      return (await answer)[0] as Arrived;
    },
    stop: () => void child.kill("SIGTERM"),
  };
}

/** Headers that the rules under test speak of. */
export function ownHeaders(headers: http.IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith("x-o-"))
      .map(([name, value]) => [name, String(value)]),
  );
}

async function run({ front, proxy, reviews }: Addresses): Promise<void> {
  const keptAlive = { keepAliveTimeout: 60_000 };
  const agent = new http.Agent({ keepAlive: true, maxSockets: 500 });
  const arrived = { front: new Set<string>(), reviews: new Set<string>() };
  await listening(
    http.createServer(keptAlive, (request, response) => {
      arrived.front.add(idOf(request));
      forward(request, response, agent, proxy);
    }),
    front,
    PORT,
  );
  for (const [name, address] of Object.entries(reviews))
    await listening(http.createServer(keptAlive, echo(name, arrived.reviews)), address, PORT);
  process.on("message", () => process.send?.(arrived));
  process.on("disconnect", () => process.exit(0));
  process.send?.("ready");
}

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  agent: http.Agent,
  proxy: Addresses["proxy"],
): void {
  request.resume();
  const failing = (error: Error) => {
    if (!response.headersSent) response.writeHead(599);
    response.end(`front: ${error.message}`);
  };
  const call = http.request(
    {
      host: proxy.address,
      port: proxy.port,
      agent,
      method: request.method,
      path: request.url,
      headers: { ...ownHeaders(request.headers), host: `reviews:${PORT}` },
    },
    (answer) => {
      const { location } = answer.headers;
      response.writeHead(answer.statusCode ?? 599, {
        ...ownHeaders(answer.headers),
        ...(location ? { location } : {}),
        "x-front-host": request.headers.host,
      });
      answer.on("error", failing);
      answer.pipe(response);
    },
  );
  call.on("error", failing);
  call.end();
}

function idOf({ headers }: IncomingMessage): string {
  return String(headers["x-o-id"] ?? "");
}

/** The first try of a request that is to be flaky fails, whichever application it gets to. */
function echo(name: string, arrived: Set<string>) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    const headers = ownHeaders(request.headers);
    const [path = "", query = ""] = (request.url ?? "").split("?");
    const ask: Ask = {
      method: request.method ?? "",
      host: request.headers.host ?? "",
      path,
      query,
      headers,
    };
    const id = idOf(request);
    const fails = headers["x-o-behave"] === "flaky" && !arrived.has(id);
    arrived.add(id);
    setTimeout(
      () => {
        response.writeHead(fails ? 503 : 200, { "x-o-of-app": name });
        response.end(JSON.stringify({ name, ask }));
      },
      headers["x-o-behave"] === "slow" ? SLOW_MS : 0,
    );
  };
}

if (process.argv[1] === import.meta.filename && process.argv[2])
  await run(JSON.parse(process.argv[2]) as Addresses);
