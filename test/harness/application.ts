/** An application for tests: answers with what it was asked, or as the request's path tells it. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Server as ConnectionServer } from "node:net";

export interface Echo {
  readonly name: string;
  /** Where the application listens. */
  readonly port: number;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Application {
  /** Every request that arrived, oldest first. */
  readonly requests: Echo[];
  stop(): Promise<void>;
}

const LATE_MS = 1000;

/**
 * `/status/<code>` answers with that code, `/slow/<milliseconds>` after that time, `/flaky/<name>` with 503 for the first
 * request of that name, `/late/<name>` a second late for the first request of that name, `/failing/<name>` with 503 if the
 * application has that name; anything else with 200. A query `<name>=<load>` is the load that the application of that name
 * reports of itself. Bodies are the request as JSON.
 */
export async function startApplication(
  name: string,
  address: string,
  port: number,
  delayMs = 0,
): Promise<Application> {
  const requests: Echo[] = [];
  const seen = new Set<string>();
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      const echo = echoOf(name, request);
      requests.push(echo);
      const [, verb = "", argument = ""] = echo.url.split(/[/?]/);
      const first = !seen.has(echo.url);
      seen.add(echo.url);
      const failing =
        (verb === "flaky" && first) || (verb === "failing" && name.startsWith(argument));
      const status = verb === "status" ? Number(argument) : failing ? 503 : 200;
      const delay =
        verb === "slow" ? Number(argument) : verb === "late" && first ? LATE_MS : delayMs;
      setTimeout(() => {
        const load = new URLSearchParams(echo.url.split("?")[1]).get(name);
        response.writeHead(status, {
          "content-type": "application/json",
          "x-application": name,
          ...(load === null ? {} : { "endpoint-load-metrics": `TEXT ${load}` }),
        });
        response.end(JSON.stringify(echo));
      }, delay);
    });
  });
  // Envoy keeps connections, and would now and then ask over one that Node is just closing after its five seconds.
  server.keepAliveTimeout = 0;
  await listening(server, address, port);
  return { requests, stop: () => closed(server) };
}

function echoOf(name: string, request: IncomingMessage): Echo {
  const headers = Object.entries(request.headers).map(
    ([key, value]) => [key, String(value)] as const,
  );
  return {
    name,
    port: request.socket.localPort ?? 0,
    method: request.method ?? "",
    url: request.url ?? "",
    headers: Object.fromEntries(headers),
  };
}

export function listening(
  server: Pick<ConnectionServer, "listen" | "once">,
  address: string,
  port: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, resolve);
  });
}

export function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
