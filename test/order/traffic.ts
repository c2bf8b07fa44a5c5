/** Traffic of every kind at once, and what of it failed or was cut: requests, connections, streams. */
import { Agent, request as ask } from "node:http";
import { request as askSecurely } from "node:https";
import { connect, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { Client, credentials, Metadata } from "@grpc/grpc-js";

/** `requests` and `connections` are begun again and again; the others last. */
export interface Targets {
  readonly requests: Readonly<Record<string, RequestTarget>>;
  readonly connections: Readonly<Record<string, ConnectionTarget>>;
  readonly sockets: Readonly<Record<string, ConnectionTarget & { readonly authority?: string }>>;
  readonly streams: Readonly<Record<string, Place & { readonly authority: string }>>;
}

export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface ConnectionTarget extends Place {
  /** In TLS, for this name. */
  readonly secure?: string;
  /** The place is an Envoy that is told where the connection was meant to go. */
  readonly to?: string;
}

export interface RequestTarget extends Place {
  readonly authority: string;
  /** Each on a connection of its own; else connections are kept. */
  readonly apart?: boolean;
  readonly secure?: boolean;
}

export interface Outcome {
  /** How many there were of each kind. */
  readonly done: Readonly<Record<string, number>>;
  /** Requests and new connections that failed, with when (milliseconds since the start) and how. */
  readonly failed: readonly string[];
  /** What should have lasted and did not, by kind. */
  readonly cut: readonly string[];
}

export interface Traffic {
  /** What has happened since it was last asked. */
  take(): Outcome;
  stop(): Promise<void>;
}

/** Between two requests of one kind, milliseconds. */
const EVERY = { kept: 10, apart: 40, connection: 40, said: 50 };
/** A request or an answer that takes longer has failed, milliseconds. */
const LATE = 4_000;

export function startTraffic({ requests, connections, sockets, streams }: Targets): Traffic {
  const begun = performance.now();
  const timers: NodeJS.Timeout[] = [];
  const ends: (() => void)[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  let done: Record<string, number> = {};
  let failed: string[] = [];
  let cut: string[] = [];
  let [underWay, stopped] = [0, false];
  const at = () => `${Math.round(performance.now() - begun)} ms`;
  const every = (ms: number, run: () => void) => timers.push(setInterval(run, ms));
  const once = async (kind: string, run: () => Promise<void>) => {
    underWay++;
    const since = at();
    try {
      await run();
      done[kind] = (done[kind] ?? 0) + 1;
    } catch (error) {
      failed.push(`${kind} begun at ${since}, at ${at()}: ${(error as Error).message}`);
    } finally {
      underWay--;
    }
  };
  for (const [kind, target] of Object.entries(requests)) {
    every(target.apart ? EVERY.apart : EVERY.kept, () =>
      once(kind, () => requestOf(target, agent)),
    );
  }
  for (const [kind, place] of Object.entries(connections)) {
    every(EVERY.connection, () => once(kind, () => connectionOf(place)));
  }
  const lasting = (kind: string, start: (onCut: (why: string) => void) => Lasting) => {
    const begin = () => {
      let live = true;
      const each = start((why) => {
        if (!live || stopped) return;
        live = false;
        cut.push(`${kind} at ${at()}: ${why}`);
        setTimeout(begin, 100);
      });
      const said = setInterval(() => live && each.say(), EVERY.said);
      timers.push(said);
      ends.push(each.end);
    };
    begin();
  };
  for (const [kind, place] of Object.entries(sockets))
    lasting(kind, (onCut) => socketOf(place, onCut));
  for (const [kind, place] of Object.entries(streams))
    lasting(kind, (onCut) => streamOf(place, onCut));
  return {
    take() {
      const outcome = { done, failed, cut };
      [done, failed, cut] = [{}, [], []];
      return outcome;
    },
    async stop() {
      stopped = true;
      for (const timer of timers) clearInterval(timer);
      const limit = performance.now() + LATE;
      while (underWay > 0 && performance.now() < limit)
        await new Promise((resolve) => setTimeout(resolve, 20));
      for (const end of ends) end();
      agent.destroy();
    },
  };
}

function requestOf(target: RequestTarget, agent: Agent): Promise<void> {
  const { host, port, authority, apart, secure } = target;
  return new Promise((resolve, reject) => {
    const options = {
      ...{ host, port, path: "/", headers: { host: authority }, timeout: LATE },
      ...(secure ? { servername: authority, rejectUnauthorized: false } : {}),
      agent: apart || secure ? (false as const) : agent,
    };
    const request = (secure ? askSecurely : ask)(options, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("error", reject);
      response.on("end", () =>
        response.statusCode === 200
          ? resolve()
          : reject(new Error(`${response.statusCode} ${body.slice(0, 200)}`)),
      );
    });
    request.on("timeout", () => request.destroy(new Error("no answer")));
    request.on("error", reject).end();
  });
}

/** Tells at once that it is neither TLS nor a request. */
const WORD = "\u0001A WORD OR TWO";

/** Says a word and waits to hear it in upper case. */
function connectionOf(target: ConnectionTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = begin(target, () => socket.write(WORD.toLowerCase()));
    socket.setTimeout(LATE, () => socket.destroy(new Error("no answer")));
    let heard = "";
    socket.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
      if (heard === WORD) socket.end();
    });
    socket.on("error", reject);
    socket.on("close", () =>
      heard === WORD ? resolve() : reject(new Error(`closed after ${JSON.stringify(heard)}`)),
    );
  });
}

function begin({ host, port, secure, to }: ConnectionTarget, ready: () => void): Socket {
  if (secure !== undefined) {
    return connectSecurely({ host, port, servername: secure, rejectUnauthorized: false }, ready);
  }
  const socket = connect(port, host, () => {
    const [address, toPort] = to?.split(":") ?? [];
    if (address) socket.write(`PROXY TCP4 10.99.0.1 ${address} 40000 ${toPort}\r\n`);
    ready();
  });
  return socket;
}

interface Lasting {
  say(): void;
  end(): void;
}

/** A connection that lasts; with an authority it is a WebSocket. What is not answered is as good as cut. */
function socketOf(
  { authority, ...target }: ConnectionTarget & { readonly authority?: string },
  onCut: (why: string) => void,
): Lasting {
  let open = false;
  let [said, heard] = [0, 0];
  const socket = begin(target, () => {
    open = authority === undefined;
    if (open) return;
    socket.write(
      `GET / HTTP/1.1\r\nhost: ${authority}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
  });
  let head = "";
  socket.on("data", (chunk: Buffer) => {
    if (open) {
      heard += chunk.length;
      return;
    }
    head += chunk.toString();
    if (!head.includes("\r\n\r\n")) return;
    if (head.startsWith("HTTP/1.1 101")) open = true;
    else socket.destroy(new Error(head.slice(0, 60)));
  });
  socket.on("error", (error) => onCut(error.message));
  socket.on("close", () => onCut(`closed; ${heard} of ${said} answered`));
  return {
    say() {
      if (!open) return;
      if (said - heard > LATE / EVERY.said) onCut(`only ${heard} of ${said} answered`);
      said++;
      socket.write("\u0001");
    },
    end: () => socket.destroy(),
  };
}

/** A stream of gRPC in both directions. */
function streamOf(
  { host, port, authority }: Place & { readonly authority: string },
  onCut: (why: string) => void,
): Lasting {
  const client = new Client(`${host}:${port}`, credentials.createInsecure(), {
    "grpc.default_authority": authority,
    "grpc.use_local_subchannel_pool": 1,
  });
  const call = client.makeBidiStreamRequest(
    "/test.Echo/Talk",
    (value: string) => Buffer.from(value),
    (value: Buffer) => value.toString(),
    new Metadata(),
  );
  call.on("data", () => undefined);
  call.on("error", () => undefined);
  call.on("status", ({ code, details }) => {
    onCut(`status ${code} ${details}`);
    client.close();
  });
  return {
    say: () => void call.write("x"),
    end: () => {
      call.cancel();
      client.close();
    },
  };
}
