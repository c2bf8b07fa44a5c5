/** What Prometheus and probes ask of an agent over HTTP. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { prometheusContentType } from "@heddle/telemetry";
import { type Listening, listen } from "../listening.ts";
import { parseAddress } from "./telemetry-options.ts";

const compress = promisify(gzip);

export interface MetricsSources {
  /** Every proxy's series. */
  proxies(): Promise<string>;
  /** The agent's own. */
  agent(): Promise<string>;
  ready(): Promise<boolean>;
}

/**
 * `/stats/prometheus` has the series of all proxies, each with its `pod` and `namespace`; `/metrics` has these and the agent's own. Scrape
 * one of the two, with `honor_labels: true` where the target has labels of these names. Throws where the address is taken.
 */
export async function startMetricsServer(
  address: string,
  sources: MetricsSources,
): Promise<Listening> {
  const server = createServer((request, response) => {
    answer(request, response, sources).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { "content-type": "text/plain" });
      response.end(`${String(error)}\n`);
    });
  });
  return listen(
    server,
    parseAddress(address),
    (cause) =>
      new Error(`HDL5204: can't listen for scrapes at ${address}: ${cause.message}`, { cause }),
  );
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  sources: MetricsSources,
): Promise<void> {
  const path = new URL(request.url ?? "/", "http://agent").pathname;
  if (path === "/stats/prometheus") return send(request, response, await sources.proxies());
  if (path === "/metrics")
    return send(request, response, (await sources.agent()) + (await sources.proxies()));
  if (path === "/healthz") return plain(response, 200, "ok");
  if (path === "/readyz")
    return (await sources.ready())
      ? plain(response, 200, "ready")
      : plain(response, 503, "not ready");
  return plain(response, 404, "There are /metrics, /stats/prometheus, /healthz and /readyz.");
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  text: string,
): Promise<void> {
  const zipped = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
  const body = zipped ? await compress(text, { level: 1 }) : Buffer.from(text);
  response.writeHead(200, {
    "content-type": prometheusContentType,
    ...(zipped ? { "content-encoding": "gzip" } : {}),
    "content-length": body.byteLength,
  });
  response.end(body);
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${text}\n`);
}
