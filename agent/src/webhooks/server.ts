/** The webhooks' HTTPS server: one review in, one answer out. Its certificate may change while it runs. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { AgentError } from "../agent-error.ts";
import { type Listening, listen } from "../listening.ts";
import type { AgentLog } from "../log.ts";
import { parseAddress } from "../options.ts";

/** Takes a parsed AdmissionReview; undefined: it is none. */
export type ReviewHandler = (review: unknown) => object | undefined | Promise<object | undefined>;

export interface WebhookServer extends Listening {
  /** PEM. For connections from now on; those that are open stay as they are. */
  serve(certificate: string, key: string): void;
}

/** An object has 3 MiB at most, as the API server takes it, and an update brings the older one too. Bytes. */
const MAX_BODY = 8 * 1024 * 1024;
/** A review that is not here after so long is not waited for, milliseconds: nor does the API server. */
const REQUEST_TIMEOUT = 10_000;
/** Longer than the API server keeps a connection that it does not use (90 s), or it would ask on one that is just ending. Milliseconds. */
const KEEP_ALIVE = 120_000;
/** Far more than replicas of an API server have; each costs memory before anybody knows who it is. */
const MAX_CONNECTIONS = 500;

/** Listens at once; connections fail until there is a certificate. `HDL7204` where the address is taken. */
export async function startWebhookServer(
  address: string,
  handlers: Readonly<Record<string, ReviewHandler>>,
  log: AgentLog,
): Promise<WebhookServer> {
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT,
      headersTimeout: REQUEST_TIMEOUT,
      keepAliveTimeout: KEEP_ALIVE,
      minVersion: "TLSv1.2",
    },
    (request, response) => void answer(request, response, handlers, log),
  );
  server.maxConnections = MAX_CONNECTIONS;
  const listening = await listen(
    server,
    parseAddress(address),
    (reason) =>
      new AgentError("HDL7204", `The webhooks cannot be at ${address}: ${reason.message}`, reason),
  );
  return {
    ...listening,
    serve: (cert, key) => server.setSecureContext({ cert, key, minVersion: "TLSv1.2" }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: Readonly<Record<string, ReviewHandler>>,
  log: AgentLog,
): Promise<void> {
  const [path = "/"] = (request.url ?? "/").split("?");
  try {
    const handler = Object.hasOwn(handlers, path) ? handlers[path] : undefined;
    if (!handler) throw new NoReview(404, `There are ${Object.keys(handlers).join(" and ")}.`);
    if (request.method !== "POST") throw new NoReview(405, "Reviews come by POST.");
    const review = await handler(parsed(await bodyOf(request)));
    if (!review) throw new NoReview(400, "The body is no AdmissionReview with a request.");
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(review));
  } catch (error) {
    if (response.destroyed || response.headersSent) return void response.destroy();
    const status = error instanceof NoReview ? error.status : 500;
    const message = error instanceof Error ? error.message : String(error);
    if (status === 500) log.error("HDL7281: a review could not be answered", { path, message });
    // The rest of a body that is too long is not read.
    response.writeHead(status, {
      "content-type": "text/plain; charset=utf-8",
      connection: "close",
    });
    response.end(`HDL7281: ${message}\n`);
  }
}

class NoReview extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new NoReview(413, `The body has more than ${MAX_BODY} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new NoReview(400, "The body is no JSON.");
  }
}
