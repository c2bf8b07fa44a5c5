/** One request to the API server, and its answer as it begins. Credentials are read anew for each, since they rotate. */
import { request as plainRequest, type IncomingMessage } from "node:http";
import { request as tlsRequest } from "node:https";
import type { ApiAccess } from "./access.ts";
import { ApiFailure } from "./api-failure.ts";

/** TCP asks a silent peer after so long, milliseconds; one that is gone is known 10 s later. */
const KEEP_ALIVE = 15_000;
/** The beginning of an answer that is no document: it may be a proxy's page. Characters. */
const MAX_REASON = 300;

export type Query = Readonly<Record<string, string | number | undefined>>;

export interface ApiRequest {
  /** GET where none is named. */
  readonly method?: string;
  readonly path: string;
  readonly query?: Query;
  readonly body?: { readonly type: string; readonly text: string };
  readonly accept?: string;
  /** Nothing heard for so long, milliseconds: the connection is given up. */
  readonly silence: number;
  readonly signal: AbortSignal;
}

/** Resolves when the server begins a good answer (2xx). Rejects with `ApiFailure`. */
export async function openRequest(access: ApiAccess, ask: ApiRequest): Promise<IncomingMessage> {
  const { method = "GET", path, query = {}, body, accept = "application/json" } = ask;
  const url = new URL(access.server);
  url.pathname = url.pathname.replace(/\/$/, "") + path;
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value));
  const options = await access.options().catch((error: unknown) => {
    throw new ApiFailure(`no credentials: ${String(error)}`, undefined, "", 0, error);
  });
  const send = url.protocol === "http:" ? plainRequest : tlsRequest;
  const headers = { ...options.headers, accept, "user-agent": "heddle-agent" };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send(url, {
      ...options,
      method,
      headers: body ? { ...headers, "content-type": body.type } : headers,
      signal: ask.signal,
    });
    request.setTimeout(ask.silence, () => request.destroy(new Error("it has gone silent")));
    request.on("socket", (socket) => socket.setKeepAlive(true, KEEP_ALIVE));
    request.once("response", resolve);
    request.on("error", (error) => reject(noAnswer(error)));
    request.end(body?.text);
  });
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  throw refusal(status, response.headers["retry-after"], await textOf(response));
}

/** As whatever a broken connection throws. */
export function noAnswer(error: unknown): ApiFailure {
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

/** The whole answer. Rejects with `ApiFailure` where it breaks off. */
export async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch (error) {
    throw noAnswer(error);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Throws `ApiFailure` for what is no JSON. */
export function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiFailure(`the answer is no JSON: ${text.slice(0, MAX_REASON)}`, 200, "", 0, error);
  }
}
