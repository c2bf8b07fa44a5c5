/** Bounded steady traffic at the ingress gateway, so that a demo has something to show. */
import http from "node:http";

export interface TrafficOptions {
  readonly url: string;
  /** Requests per second, at most 50. */
  readonly rate: number;
}

export interface Traffic {
  readonly sent: number;
  readonly failed: number;
  close(): void;
}

const MAX_RATE = 50;
/** Requests that may wait for their answer at once; further ones are left out rather than piled up. */
const MAX_PENDING = 20;
/** Every so many requests come from a signed-in reader. */
const SIGNED_IN_EVERY = 5;

export function startTraffic({ url, rate }: TrafficOptions): Traffic {
  const agent = new http.Agent({ keepAlive: true, maxSockets: MAX_PENDING });
  const counts = { sent: 0, failed: 0, pending: 0 };
  const send = () => {
    if (counts.pending >= MAX_PENDING) return;
    counts.pending++;
    counts.sent++;
    const headers = counts.sent % SIGNED_IN_EVERY === 0 ? { cookie: "session=jason" } : {};
    const request = http.get(url, { agent, headers, timeout: 10_000 }, (response) => {
      if ((response.statusCode ?? 500) >= 500) counts.failed++;
      response.resume();
      response.on("close", () => counts.pending--);
    });
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", () => {
      counts.failed++;
      counts.pending--;
    });
  };
  const timer = setInterval(send, 1000 / Math.min(Math.max(rate, 0.1), MAX_RATE));
  return {
    get sent() {
      return counts.sent;
    },
    get failed() {
      return counts.failed;
    },
    close() {
      clearInterval(timer);
      agent.destroy();
    },
  };
}
