/** One scrape of one proxy over HTTP. */

import { Agent, request } from "node:http";
import { defaults } from "./telemetry-options.ts";

/** What a proxy may answer at most. */
const maximumBytes = 32 * 1024 * 1024;

/** Connections are kept between scrapes. */
export function createConnections(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 512 });
}

/**
 * The exposition's text. Statistics that nobody here reads are left out by the proxy. Rejects after
 * `timeoutMs`, on any status but 200, and on an answer that is too long.
 */
export function scrape(agent: Agent, address: string, timeoutMs: number): Promise<string> {
  const { host, port } = splitAddress(address);
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const outgoing = request(
      { agent, host, port, path, signal, headers: { accept: "text/plain" } },
      (response) => {
        if (response.statusCode !== 200) {
          response.resume();
          reject(new Error(`status ${response.statusCode}`));
          return;
        }
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.byteLength;
          if (size > maximumBytes)
            outgoing.destroy(new Error(`answer longer than ${maximumBytes} bytes`));
          else chunks.push(chunk);
        });
        response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
        response.on("error", reject);
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
}

/**
 * Envoy filters by its own names: the service metrics, and `server.` for the proxy's health. `all`, since its listener for scrapes
 * has a question mark and `usedonly` of its own in front, and must not mean it: to Envoy a counter is unused when nobody has
 * counted for a while, though it keeps its total, and one that was missing would be counted again.
 */
const path = `/stats/prometheus?all&filter=${encodeURIComponent(String.raw`istio_|^server\.(uptime|live|memory_|total_connections|concurrency)`)}`;

function splitAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(address);
  return match
    ? { host: match[1] ?? match[2]!, port: Number(match[3]) }
    : { host: address, port: defaults.scrapePort };
}
