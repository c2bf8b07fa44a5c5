/** What every Bookinfo service shares: a JSON server that ends cleanly, and calls that carry a trace along. */
import http from "node:http";

/** Headers that join the calls of one request into one trace, and those that rules match on. */
const PROPAGATED = [
  "x-request-id",
  "traceparent",
  "tracestate",
  "baggage",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
  "b3",
  "end-user",
  "user-agent",
  "cookie",
  "authorization",
];

export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export type Handler = (call: Call) => Promise<Reply> | Reply;

export function json(status: number, value: unknown): Reply {
  return { status, body: JSON.stringify(value), headers: { "content-type": "application/json" } };
}

/** Serves until SIGTERM or SIGINT, then finishes what is under way. Address and port come from ADDRESS and PORT. */
export function serve(name: string, handle: Handler): void {
  const address = process.env["ADDRESS"] ?? "0.0.0.0";
  const port = Number(process.env["PORT"] ?? 9080);
  const server = http.createServer((request, response) => {
    void answer(request, handle).then((reply) => {
      response.writeHead(reply.status, {
        "content-length": Buffer.byteLength(reply.body),
        ...reply.headers,
      });
      response.end(reply.body);
    });
  });
  // A proxy keeps connections to us open; closing an idle one under its hands would cost it a request.
  server.keepAliveTimeout = 3_600_000;
  server.on("error", (error: NodeJS.ErrnoException) => {
    console.error(`${name}: cannot listen on ${address}:${port}: ${error.code ?? error.message}`);
    process.exit(1);
  });
  server.listen(port, address, () => console.log(`${name} listens on ${address}:${port}`));
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      server.close(() => process.exit(0));
      server.closeIdleConnections();
      setTimeout(() => process.exit(0), 2_000).unref();
    });
  }
}

async function answer(request: http.IncomingMessage, handle: Handler): Promise<Reply> {
  const url = new URL(request.url ?? "/", "http://bookinfo");
  if (url.pathname === "/health") return json(200, { status: "healthy" });
  try {
    const body = await readAll(request);
    return await handle({ method: request.method ?? "GET", url, headers: request.headers, body });
  } catch (error) {
    return json(500, { error: (error as Error).message });
  }
}

/** GETs a service of the mesh on behalf of `call`. Rejects after `timeoutMs`, or where no connection can be made. */
export function get(url: string, call: Call, timeoutMs = 10_000): Promise<Reply> {
  const headers: Record<string, string> = {};
  for (const name of PROPAGATED) {
    const value = call.headers[name];
    if (typeof value === "string") headers[name] = value;
  }
  return new Promise((resolve, reject) => {
    const request = http.get(url, { headers, agent, timeout: timeoutMs }, (response) => {
      readAll(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    request.on("timeout", () =>
      request.destroy(new Error(`no answer from ${url} within ${timeoutMs} ms`)),
    );
    request.on("error", reject);
  });
}

/** Reuses connections, and goes through HTTP_PROXY where the sidecar is reached that way. */
const agent = new http.Agent({ keepAlive: true, proxyEnv: process.env } as http.AgentOptions);

async function readAll(stream: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > 1_048_576) throw new Error("body over 1 MiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
