/** Requests to the API server: one document, or a watch's lines as they come. */
import { request as plainRequest, type IncomingMessage } from "node:http";
import { request as tlsRequest } from "node:https";
import { StringDecoder } from "node:string_decoder";
import type { ApiAccess } from "./access.ts";

/** Nothing heard for so long, milliseconds: the connection is given up. Watches are silent longer, see `Reflector`. */
const SILENCE = 30_000;
/** TCP asks a silent peer after so long, milliseconds; one that is gone is known 10 s later. */
const KEEP_ALIVE = 15_000;
/** An object has 3 MiB at most, as the API server takes it; in JSON with escapes it may be larger. */
const MAX_LINE = 32 * 1024 * 1024;
/** The beginning of an answer that is no document: it may be a proxy's page. Characters. */
const MAX_REASON = 300;

export type Query = Readonly<Record<string, string | number | undefined>>;

export interface ApiServer {
  readonly address: string;
  /** Whether it knows by now all that it is to serve, so that what it lacks is not there. Rejects with `ApiFailure`. */
  isReady(signal: AbortSignal): Promise<boolean>;
  /** A document. Rejects with `ApiFailure`. */
  get(path: string, query: Query, ask: Ask): Promise<unknown>;
  /** The lines of an answer that does not end. `opened` is called when the server has begun to answer. Throws `ApiFailure`. */
  lines(
    path: string,
    query: Query,
    ask: Ask & { readonly silence: number; readonly opened: () => void },
  ): AsyncGenerator<string>;
}

interface Ask {
  readonly signal: AbortSignal;
  readonly accept?: string;
}

export class ApiFailure extends Error {
  /** HTTP status of the answer; undefined: there was none. */
  readonly status: number | undefined;
  /** Kubernetes' word for it: `Forbidden`, `Expired`. */
  readonly reason: string;
  /** Milliseconds that the server asks to wait. */
  readonly retryAfter: number;
  constructor(message: string, status?: number, reason = "", retryAfter = 0, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ApiFailure";
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }

  /** As whatever was thrown; what is none stands for an answer that cannot be used. */
  static of(error: unknown): ApiFailure {
    return error instanceof ApiFailure ? error : new ApiFailure(String(error), 0, "", 0, error);
  }

  /** The server does not let the agent ask. */
  get refused(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

export function createApiServer(access: ApiAccess): ApiServer {
  return {
    address: access.server.origin,
    async isReady(signal) {
      try {
        await textOf(await open(access, "/readyz", {}, { signal, accept: "text/plain" }, SILENCE));
        return true;
      } catch (error) {
        const { status, refused } = error as ApiFailure;
        if (status === undefined) throw error;
        // Where nobody is let to ask, what it answers otherwise has to do.
        return refused || status === 404;
      }
    },
    async get(path, query, ask) {
      const response = await open(access, path, query, ask, SILENCE);
      return parse(await textOf(response));
    },
    async *lines(path, query, { opened, silence, ...ask }) {
      const response = await open(access, path, query, ask, SILENCE);
      response.socket.setTimeout(silence);
      opened();
      yield* linesOf(response);
    },
  };
}

async function open(
  access: ApiAccess,
  path: string,
  query: Query,
  { signal, accept = "application/json" }: Ask,
  silence: number,
): Promise<IncomingMessage> {
  const url = new URL(access.server);
  url.pathname = url.pathname.replace(/\/$/, "") + path;
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value));
  const options = await access.options().catch((error: unknown) => {
    throw new ApiFailure(`no credentials: ${String(error)}`, undefined, "", 0, error);
  });
  const send = url.protocol === "http:" ? plainRequest : tlsRequest;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send(url, {
      ...options,
      headers: { ...options.headers, accept, "user-agent": "heddle-agent" },
      signal,
    });
    request.setTimeout(silence, () => request.destroy(new Error("it has gone silent")));
    request.on("socket", (socket) => socket.setKeepAlive(true, KEEP_ALIVE));
    request.once("response", resolve);
    request.on("error", (error) => reject(noAnswer(error)));
    request.end();
  });
  const status = response.statusCode ?? 0;
  if (status === 200) return response;
  throw refusal(status, response.headers["retry-after"], await textOf(response));
}

function noAnswer(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error;
  const { message, code, errors } = error as Error & { code?: string; errors?: Error[] };
  // Several addresses were tried: each has its own error, and the whole has no message.
  const what = message || errors?.[0]?.message || code || String(error);
  return new ApiFailure(what, undefined, "", 0, error);
}

function refusal(status: number, retryAfter: string | undefined, text: string): ApiFailure {
  const { message, reason } = statusOf(text);
  return new ApiFailure(
    message ?? (text.slice(0, MAX_REASON) || `status ${status}`),
    status,
    reason,
    (Number(retryAfter) || 0) * 1000,
  );
}

/** A `Status` object, if it is one. */
function statusOf(text: string): { message?: string; reason?: string } {
  try {
    const value = JSON.parse(text) as { kind?: unknown; message?: string; reason?: string } | null;
    return value?.kind === "Status" ? value : {};
  } catch {
    return {};
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch (error) {
    throw noAnswer(error);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiFailure(`the answer is no JSON: ${text.slice(0, MAX_REASON)}`, 200, "", 0, error);
  }
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let parts: string[] = [];
  let length = 0;
  try {
    for await (const chunk of response) {
      const pieces = decoder.write(chunk as Buffer).split("\n");
      for (const [index, piece] of pieces.entries()) {
        if (index > 0) {
          const line = parts.join("");
          parts = [];
          length = 0;
          if (line !== "") yield line;
        }
        parts.push(piece);
        length += piece.length;
        if (length > MAX_LINE)
          throw new ApiFailure(`an event has more than ${MAX_LINE} characters`, 200);
      }
    }
  } catch (error) {
    throw noAnswer(error);
  } finally {
    response.destroy();
  }
}
