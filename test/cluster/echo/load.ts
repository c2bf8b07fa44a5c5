/**
 * Asks a URL again and again, at a rate that answers do not slow down, and tells on `/` of a port of its own how that goes: what was
 * asked and answered since the last `/new`, and how the rest failed.
 */
import { Agent, createServer, get } from "node:http";

const { URL: url = "", RATE = "100", PORT = "8081" } = process.env;
const TIME_OUT_MS = 10_000;
const KINDS_TOLD = 20;
const agent = new Agent({ keepAlive: true, maxSockets: 200 });

interface Told {
  readonly since: number;
  asked: number;
  answered: number;
  readonly pods: Record<string, number>;
  readonly failures: string[];
}

let told: Told = fresh();

function fresh(): Told {
  return { since: Date.now(), asked: 0, answered: 0, pods: {}, failures: [] };
}

/** Counts for what is told when it is asked, though its answer may come when that is over. */
function ask(): void {
  const own = told;
  own.asked += 1;
  const failed = (why: string) => {
    if (own.failures.length < KINDS_TOLD) own.failures.push(`${new Date().toISOString()} ${why}`);
  };
  const call = get(url, { agent, timeout: TIME_OUT_MS }, (response) => {
    let body = "";
    response.setEncoding("utf8");
    response.on("data", (part: string) => (body += part));
    response.on("error", (error) => failed(String(error)));
    response.on("end", () => {
      if (response.statusCode !== 200) return failed(`${response.statusCode} ${body}`);
      own.answered += 1;
      const { pod } = JSON.parse(body) as { pod: string };
      own.pods[pod] = (own.pods[pod] ?? 0) + 1;
    });
  });
  call.on("timeout", () => call.destroy(new Error("no answer")));
  call.on("error", (error) => failed(String(error)));
}

// As many as are due by now: timers of a busy machine come late.
const start = performance.now();
let sent = 0;
setInterval(() => {
  for (const due = ((performance.now() - start) / 1000) * Number(RATE); sent < due; sent++) ask();
}, 10);

createServer((request, response) => {
  response.end(JSON.stringify(told));
  if (request.url === "/new") told = fresh();
}).listen(Number(PORT));

process.on("SIGTERM", () => process.exit(0));
