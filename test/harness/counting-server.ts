/** A server of HTTP/1.1 and HTTP/2 in the clear that counts connections and requests, and fails as it is told. */
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2, type Http2ServerRequest } from "node:http2";
import type { Http2ServerResponse } from "node:http2";
import { createServer, type Socket } from "node:net";
import { Duplex } from "node:stream";

export interface CountingServer {
  /** Connections so far. */
  readonly connections: number;
  /** Connections now. */
  readonly open: number;
  /** The most connections that there were at one time. */
  readonly mostOpen: number;
  readonly requests: number;
  /** Forgets what was counted; connections stay. */
  reset(): void;
  stop(): Promise<void>;
}

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/**
 * `/slow/<milliseconds>` answers after that time, `/status/<code>` with that code, and `/fail/<name>/<code>` with that code
 * where the server has the name. `x-protocol` in the answer says which HTTP was spoken, `x-connection` on which connection.
 */
export async function startCountingServer(
  name: string,
  address: string,
  port: number,
): Promise<CountingServer> {
  const sockets = new Set<Socket>();
  /** HTTP/1.1 sockets and HTTP/2 sessions. */
  const numbers = new WeakMap<object, number>();
  let [connections, mostOpen, requests] = [0, 0, 0];
  const answer = (request: Request, response: Response) => {
    requests++;
    request.resume();
    const [, verb = "", first = "", second = ""] = (request.url ?? "").split(/[/?]/);
    const failing = verb === "fail" && first === name;
    const status = verb === "status" ? Number(first) : failing ? Number(second) : 200;
    setTimeout(
      () => {
        response.statusCode = status;
        response.setHeader("x-application", name);
        response.setHeader("x-protocol", request.httpVersion);
        response.setHeader("x-connection", String(connectionOf(request)));
        response.end();
      },
      verb === "slow" ? Number(first) : 0,
    );
  };
  const connectionOf = (request: Request) =>
    numbers.get(("stream" in request ? request.stream.session : undefined) ?? request.socket);
  const http = createHttp(answer);
  http.keepAliveTimeout = 0;
  const http2 = createHttp2(answer);
  const server = createServer((socket) => {
    sockets.add(socket);
    numbers.set(socket, ++connections);
    mostOpen = Math.max(mostOpen, sockets.size);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    const number = connections;
    socket.once("data", (chunk: Buffer) => {
      socket.pause();
      socket.unshift(chunk);
      if (chunk.subarray(0, 3).toString() !== "PRI") {
        http.emit("connection", socket);
        socket.resume();
        return;
      }
      http2.once("session", (session) => numbers.set(session, number));
      // A session takes a socket's handle, and with it loses what has been read already; a stream it has to read.
      http2.emit("connection", Duplex.from({ readable: socket, writable: socket }));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return {
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    get mostOpen() {
      return mostOpen;
    },
    get requests() {
      return requests;
    },
    reset() {
      [connections, mostOpen, requests] = [0, sockets.size, 0];
    },
    stop() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
