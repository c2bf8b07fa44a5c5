/** For tests: a plane's ingest address that keeps what it is sent, and can be told to fail. */

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { gunzipSync } from "node:zlib";
import {
  decodeLogs,
  decodeMetrics,
  decodeTraces,
  fromMetrics,
  type LogRecord,
  type RequestPoint,
  type SpanRecord,
} from "@heddle/telemetry";

export interface Collector {
  readonly url: string;
  readonly port: number;
  /** In order of arrival, those that were answered with an error too. */
  readonly requests: {
    signal: string;
    batch: string;
    headers: IncomingHttpHeaders;
    status: number;
  }[];
  readonly points: RequestPoint[];
  readonly spans: SpanRecord[];
  readonly logs: LogRecord[];
  /** The status of the next answers; "store and hang up" keeps the batch and breaks the connection before the answer. */
  answer: number | "store and hang up";
  close(): Promise<void>;
}

/** Stores each numbered batch once, as the plane does. */
export async function startCollector(port = 0): Promise<Collector> {
  const marks = new Map<string, number>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const signal = request.url!.split("/").at(-1)!;
      const batch = String(request.headers["x-heddle-batch"]);
      const { answer } = collector;
      collector.requests.push({
        signal,
        batch,
        headers: request.headers,
        status: answer === "store and hang up" ? 0 : answer,
      });
      if (answer === 200 || answer === "store and hang up")
        store(signal, batch, gunzipSync(Buffer.concat(chunks)));
      if (answer === "store and hang up") request.socket.destroy();
      else response.writeHead(answer, { "content-type": "application/x-protobuf" }).end();
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const bound = (server.address() as { port: number }).port;
  const collector: Collector = {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    requests: [],
    points: [],
    spans: [],
    logs: [],
    answer: 200,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return collector;

  function store(signal: string, batch: string, body: Uint8Array): void {
    const [stream, number] = batch.split("/") as [string, string];
    if (Number(number) <= (marks.get(stream) ?? 0)) return;
    marks.set(stream, Number(number));
    if (signal === "traces") collector.spans.push(...decodeTraces(body).records);
    else if (signal === "logs") collector.logs.push(...decodeLogs(body).records);
    else collector.points.push(...fromMetrics(decodeMetrics(body).records).requests);
  }
}

/** Waits until the condition holds; fails with `what` after 25 seconds. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = Date.now() + 25_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
