/** A stand-in for the agent's OTLP gRPC receiver: keeps the attributes of log records and the spans that proxies send. */
import { type LogEntry, toLogEntry } from "@heddle/telemetry";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";

export interface Record {
  readonly resource: Readonly<{ [key: string]: string }>;
  readonly attributes: Readonly<{ [key: string]: string }>;
  /** Spans only. */
  readonly name: string;
  /** Hexadecimal. */
  readonly traceId: string;
}

export interface Collector {
  readonly logs: Record[];
  readonly spans: Record[];
  stop(): Promise<void>;
}

const LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

export async function startCollector(address: string, port: number): Promise<Collector> {
  const logs: Record[] = [];
  const spans: Record[] = [];
  const server: Http2Server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    const chunks: Buffer[] = [];
    // A proxy that ends, or the collector itself, cuts what is under way.
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const message = Buffer.concat(chunks).subarray(GRPC_PREFIX_BYTES);
      if (headers[":path"] === LOGS) logs.push(...recordsOf(message, LOG_FIELDS));
      if (headers[":path"] === TRACES) spans.push(...recordsOf(message, SPAN_FIELDS));
      stream.respond(
        { ":status": 200, "content-type": "application/grpc" },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.alloc(GRPC_PREFIX_BYTES));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, resolve);
  });
  const stop = () =>
    new Promise<void>((resolve) => {
      for (const session of sessions) session.destroy();
      server.close(() => resolve());
    });
  return { logs, spans, stop };
}

/** A proxy's log record as the plane keeps it. */
export function logEntryOf({ attributes, resource }: Record): LogEntry {
  return toLogEntry({
    ...{ timeNs: 0n, severity: "", body: "", traceId: "", spanId: "" },
    ...{ attributes, resource },
  });
}

const GRPC_PREFIX_BYTES = 5;

/** Field numbers of LogRecord and Span in OTLP. */
const LOG_FIELDS = { attributes: 6, traceId: 9, name: 0 };
const SPAN_FIELDS = { attributes: 9, traceId: 1, name: 5 };

/** Both requests are groups (1) of a resource (1) and scopes (2) of records (2). */
function recordsOf(message: Buffer, numbers: typeof LOG_FIELDS): Record[] {
  return all(message, 1).flatMap((group) => {
    const resource = Object.fromEntries(all(all(group, 1)[0] ?? Buffer.alloc(0), 1).map(keyValue));
    return all(group, 2).flatMap((scope) =>
      all(scope, 2).map((record) => ({
        resource,
        attributes: Object.fromEntries(all(record, numbers.attributes).map(keyValue)),
        name: all(record, numbers.name)[0]?.toString() ?? "",
        traceId: all(record, numbers.traceId)[0]?.toString("hex") ?? "",
      })),
    );
  });
}

function keyValue(message: Buffer): [string, string] {
  return [
    all(message, 1)[0]?.toString() ?? "",
    all(all(message, 2)[0] ?? Buffer.alloc(0), 1)[0]?.toString() ?? "",
  ];
}

/** All length-delimited fields of a number. */
function all(message: Buffer, number: number): Buffer[] {
  const found: Buffer[] = [];
  let position = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[position++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (position < message.length) {
    const tag = varint();
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    if (type === 0) varint();
    else if (type === 1) position += 8;
    else if (type === 5) position += 4;
    else {
      const length = varint();
      if (field === number) found.push(message.subarray(position, position + length));
      position += length;
    }
  }
  return found;
}
