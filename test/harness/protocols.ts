/** Applications and clients that speak one protocol each, to see what proxies between them make of it. */
import { createServer, request as send } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import {
  connect,
  createServer as createConnectionServer,
  type Server,
  type Socket,
} from "node:net";
import { createServer as createSecureServer } from "node:tls";
import {
  Client,
  credentials,
  Metadata,
  Server as GrpcServer,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { listening } from "./application.ts";
import type { Leaf } from "./certificates.ts";
import { connectThrough, type Destination } from "./intercepted.ts";

export interface Speaker {
  stop(): Promise<void>;
}

/** What an application of HTTP saw of a request. */
export interface Seen {
  readonly version: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** HTTP/1.1, with WebSocket upgrades on every path: what comes over one is sent back in upper case. */
export async function startHttp1(address: string, port: number): Promise<Speaker> {
  const server = createServer((request, response) => {
    response.end(seen(request.httpVersion, request.headers));
  });
  server.keepAliveTimeout = 0;
  server.on("upgrade", (_request, socket) => {
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n",
    );
    socket.on("data", (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
    socket.on("error", () => undefined).on("end", () => socket.end());
  });
  return speaking(server, address, port);
}

/** HTTP/2 in the clear, and nothing else. */
export async function startHttp2(address: string, port: number): Promise<Speaker> {
  const server = createHttp2Server();
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    stream.respond({ ":status": 200 });
    stream.end(seen("2.0", headers));
  });
  return speaking(server, address, port);
}

/** Sends back what it gets, in upper case; with a certificate, in TLS. */
export async function startEcho(address: string, port: number, leaf?: Leaf): Promise<Speaker> {
  const echo = (socket: Socket) => {
    socket.on("data", (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
    socket.on("error", () => undefined).on("end", () => socket.end());
  };
  const server = leaf
    ? createSecureServer({ cert: leaf.chain, key: leaf.key }, echo)
    : createConnectionServer(echo);
  return speaking(server, address, port);
}

function seen(version: string, headers: object): string {
  const texts = Object.entries(headers).map(([key, value]) => [key, String(value)] as const);
  return JSON.stringify({ version, headers: Object.fromEntries(texts) } satisfies Seen);
}

async function speaking(
  server: Pick<Server, "listen" | "once" | "on" | "close">,
  address: string,
  port: number,
): Promise<Speaker> {
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  await listening(server, address, port);
  return {
    stop() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const text = {
  requestSerialize: (value: string) => Buffer.from(value),
  requestDeserialize: (value: Buffer) => value.toString(),
  responseSerialize: (value: string) => Buffer.from(value),
  responseDeserialize: (value: Buffer) => value.toString(),
};
const SAY = { path: "/test.Echo/Say", requestStream: false, responseStream: false, ...text };
const TALK = { path: "/test.Echo/Talk", requestStream: true, responseStream: true, ...text };
const TELL = { path: "/test.Echo/Tell", requestStream: false, responseStream: true, ...text };
const FAILED_PRECONDITION = 9;

/**
 * A gRPC service: `Say` answers in upper case and fails where it is asked to, `Talk` answers each message, `Tell` answers as
 * often as it is told; all with trailers.
 */
export async function startGrpc(address: string, port: number): Promise<Speaker> {
  const server = new GrpcServer();
  const trailers = () => {
    const metadata = new Metadata();
    metadata.set("x-trailer", "after all");
    return metadata;
  };
  server.addService({ say: SAY, talk: TALK, tell: TELL } as never, {
    say: (call: ServerUnaryCall<string, string>, reply: sendUnaryData<string>) =>
      call.request === "fail"
        ? reply({ code: FAILED_PRECONDITION, details: "as asked", metadata: trailers() })
        : reply(null, call.request.toUpperCase(), trailers()),
    talk: (call: ServerDuplexStream<string, string>) => {
      call.on("data", (message: string) => call.write(message.toUpperCase()));
      call.on("end", () => call.end(trailers()));
    },
    tell: (call: ServerWritableStream<string, string>) => {
      for (let count = Number(call.request); count > 0; count--) call.write(String(count));
      call.end(trailers());
    },
  });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`${address}:${port}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  return {
    stop: () => {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

/** What a gRPC client has in the end: answers, status code, and the trailer of `startGrpc`. */
export interface GrpcOutcome {
  readonly answers: readonly string[];
  readonly code: number;
  readonly trailer: string | undefined;
}

/** For thousands of messages on a machine that is busy; a proxy that holds one up holds it longer. */
const GRPC_TIMEOUT_MS = 25_000;

export function grpcClient(address: string, port: number, authority: string) {
  const client = new Client(`${address}:${port}`, credentials.createInsecure(), {
    "grpc.default_authority": authority,
  });
  const deadline = () => ({ deadline: Date.now() + GRPC_TIMEOUT_MS });
  return {
    say: (message: string): Promise<GrpcOutcome> =>
      new Promise((resolve) => {
        const answers: string[] = [];
        client
          .makeUnaryRequest(
            SAY.path,
            text.requestSerialize,
            text.responseDeserialize,
            message,
            new Metadata(),
            deadline(),
            (_error, answer) => answer !== undefined && answers.push(answer),
          )
          .on("status", ({ code, metadata }) =>
            resolve({ answers, code, trailer: metadata.get("x-trailer")[0]?.toString() }),
          );
      }),
    /** Each message is sent when the one before has been answered: a proxy that waits for the end would hold it up for ever. */
    talk: (messages: readonly string[]): Promise<GrpcOutcome> =>
      new Promise((resolve) => {
        const answers: string[] = [];
        const call = client.makeBidiStreamRequest(
          TALK.path,
          text.requestSerialize,
          text.responseDeserialize,
          new Metadata(),
          deadline(),
        );
        const next = () => {
          const message = messages[answers.length];
          if (message === undefined) call.end();
          else call.write(message);
        };
        call.on("data", (answer: string) => {
          answers.push(answer);
          next();
        });
        call.on("error", () => undefined);
        call.on("status", ({ code, metadata }) =>
          resolve({ answers, code, trailer: metadata.get("x-trailer")[0]?.toString() }),
        );
        next();
      }),
    /** How many answers came. */
    tell: (times: number): Promise<number> =>
      new Promise((resolve) => {
        let count = 0;
        client
          .makeServerStreamRequest(
            TELL.path,
            text.requestSerialize,
            text.responseDeserialize,
            String(times),
            new Metadata(),
            deadline(),
          )
          .on("data", () => count++)
          .on("error", () => undefined)
          // The status is known before the last answers have been read.
          .on("end", () => resolve(count));
      }),
    close: () => client.close(),
  };
}

export interface HttpOutcome {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request in HTTP/1.1. */
export function askHttp1(address: string, port: number, authority: string): Promise<HttpOutcome> {
  return new Promise((resolve, reject) => {
    const options = { host: address, port, agent: false as const, headers: { host: authority } };
    const request = send(options, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: flat(response.headers), body }),
      );
    });
    request.setTimeout(10_000, () => request.destroy(new Error("no answer in 10 s")));
    request.on("error", reject).end();
  });
}

/** The same in HTTP/2, without asking whether it is spoken there. */
export function askHttp2(address: string, port: number, authority: string): Promise<HttpOutcome> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`http://${address}:${port}`);
    session.on("error", reject);
    const stream = session.request({ ":authority": authority, ":path": "/" });
    let outcome: HttpOutcome = { status: 0, headers: {}, body: "" };
    stream.on("response", (headers) => {
      outcome = { ...outcome, status: Number(headers[":status"]), headers: flat(headers) };
    });
    let body = "";
    stream.on("data", (chunk: Buffer) => (body += chunk.toString()));
    stream.on("error", reject);
    stream.setTimeout(10_000, () => session.destroy(new Error("no answer in 10 s")));
    stream.on("end", () => {
      session.close();
      resolve({ ...outcome, body });
    });
  });
}

/** Says some lines, one after the other was answered as far as `until` tells, and hangs up; all that was heard. */
export function converse(
  socket: Socket,
  lines: readonly { readonly say: string; readonly until: string }[],
): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = "";
    let turn = 0;
    const said = () => {
      const line = lines[turn];
      if (line) socket.write(line.say);
      else socket.end();
    };
    socket.setTimeout(10_000, () =>
      socket.destroy(new Error(`heard only ${JSON.stringify(heard)}`)),
    );
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
      while (turn < lines.length && heard.includes(lines[turn]?.until ?? "")) {
        turn += 1;
        said();
      }
    });
    socket.on("close", () => resolve(heard));
    said();
  });
}

/** An upgrade and two messages. */
export function webSocket(address: string, port: number, authority: string): Promise<string> {
  const handshake = [
    "GET /chat HTTP/1.1",
    `host: ${authority}`,
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
  ];
  return converse(connect(port, address), [
    { say: `${handshake.join("\r\n")}\r\n\r\n`, until: "\r\n\r\n" },
    { say: "one", until: "ONE" },
    { say: "two", until: "TWO" },
  ]);
}

/** A port by which clients reach a destination as a workload's application would, led to the workload's Envoy. */
export async function startRelay(
  address: string,
  port: number,
  workload: string,
  destination: Destination,
): Promise<Speaker> {
  const server = createConnectionServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    void connectThrough(workload, destination).then(
      (through) => {
        through.on("error", () => socket.destroy());
        through.on("close", () => socket.destroy());
        socket.on("close", () => through.destroy());
        socket.pipe(through).pipe(socket);
      },
      () => socket.destroy(),
    );
  });
  return speaking(server, address, port);
}

function flat(headers: object): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, String(value)]));
}
