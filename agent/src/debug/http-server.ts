/** The agent's own HTTP address: health for everybody, metrics handed on from telemetry, debugging for this machine only. */
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from "node:http";
import { AgentError } from "../agent-error.ts";
import { type Listening, listen } from "../listening.ts";
import { parseAddress } from "../options.ts";
import type { DebugSources } from "./debug-pages.ts";
import { debugPage } from "./debug-pages.ts";

export interface HttpSources extends DebugSources {
  /** `reasons` why it is not, or what is to be told of one that is. */
  ready(): { readonly ready: boolean; readonly reasons: readonly string[] };
  /** Port on the loopback where telemetry serves metrics; undefined without telemetry. */
  metricsPort(): number | undefined;
  /** The control's own metrics where there is no telemetry to add them to its own. */
  ownMetrics(): string;
}

/** Paths that telemetry answers. */
const METRICS = new Set(["/metrics", "/stats/prometheus"]);

/** `HDL7204` where the address is taken. */
export async function startHttpServer(address: string, sources: HttpSources): Promise<Listening> {
  const server = createServer((request, response) => {
    try {
      answer(request, response, sources);
    } catch (error) {
      if (!response.headersSent) response.writeHead(500, { "content-type": "text/plain" });
      response.end(`${String(error)}\n`);
    }
  });
  return listen(
    server,
    parseAddress(address),
    (reason) =>
      new AgentError("HDL7204", `The agent cannot listen at ${address}: ${reason.message}`, reason),
  );
}

function answer(request: IncomingMessage, response: ServerResponse, sources: HttpSources): void {
  const url = new URL(request.url ?? "/", "http://agent");
  if (url.pathname === "/healthz") return plain(response, 200, "ok");
  if (url.pathname === "/readyz") {
    const { ready, reasons } = sources.ready();
    return plain(response, ready ? 200 : 503, [...(ready ? ["ready"] : []), ...reasons].join("\n"));
  }
  if (METRICS.has(url.pathname)) return metrics(request, response, sources);
  if (url.pathname.startsWith("/debug")) {
    if (!isLoopback(request.socket.remoteAddress))
      return plain(response, 403, "Debugging is for this machine only.");
    const { status, body } = debugPage(url, sources);
    response.writeHead(status, { "content-type": "application/json" });
    return void response.end(`${JSON.stringify(body, undefined, 2)}\n`);
  }
  return plain(
    response,
    404,
    "There are /healthz, /readyz, /metrics, /stats/prometheus and /debug.",
  );
}

function metrics(request: IncomingMessage, response: ServerResponse, sources: HttpSources): void {
  const port = sources.metricsPort();
  if (port === undefined) return plain(response, 200, sources.ownMetrics().trimEnd());
  const { host: _, ...headers } = request.headers;
  const onward = httpRequest(
    { host: "127.0.0.1", port, path: request.url ?? "/", headers },
    (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(response);
    },
  );
  onward.on("error", (error) => {
    if (!response.headersSent) plain(response, 502, `telemetry does not answer: ${error.message}`);
    else response.destroy();
  });
  response.on("close", () => onward.destroy());
  onward.end();
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address);
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${text}\n`);
}
