/** One request to the plane: bearer token, JSON both ways, problems as errors, and another try where that is safe. */
import { HeddleApiError, readApiError } from "./heddle-api-error.ts";

export interface ClientOptions {
  /** `http://127.0.0.1:8700`, with or without a trailing slash; empty in a browser for the page's own origin. */
  readonly baseUrl: string;
  /** A token, or how to get the one of the moment. */
  readonly token?: string | (() => string | undefined);
  readonly fetch?: typeof fetch;
  /** Tries of a GET beyond the first; 3 unless told. */
  readonly retries?: number;
}

export type QueryValue = string | number | boolean | undefined;

export interface RequestOptions {
  readonly query?: Readonly<Record<string, QueryValue>> | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
}

export interface Transport {
  /** The answer's JSON; undefined where it has none. Throws `HeddleApiError`. */
  json<T>(method: string, path: string, options?: RequestOptions): Promise<T>;
  /** The answer itself. Throws `HeddleApiError` where it is a refusal. */
  send(method: string, path: string, options?: RequestOptions): Promise<Response>;
}

/** Milliseconds before the second try; each further one waits twice as long, less a random half. */
const FIRST_WAIT = 100;
const LONGEST_WAIT = 5_000;

/** What may pass by itself. */
const PASSING = new Set([429, 502, 503, 504]);

export function createTransport(options: ClientOptions): Transport {
  const base = options.baseUrl.replace(/\/+$/, "");
  const retries = options.retries ?? 3;
  const call = options.fetch ?? ((input, init) => fetch(input, init));

  const once = async (method: string, path: string, request: RequestOptions): Promise<Response> => {
    const token = typeof options.token === "function" ? options.token() : options.token;
    const headers: Record<string, string> = { accept: "application/json" };
    if (token) headers["authorization"] = `Bearer ${token}`;
    if (request.body !== undefined) headers["content-type"] = "application/json";
    for (const [name, value] of Object.entries(request.headers ?? {}))
      if (value !== undefined) headers[name.toLowerCase()] = value;
    const response = await call(`${base}${path}${search(request.query)}`, {
      method,
      headers,
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      ...(request.signal ? { signal: request.signal } : {}),
    });
    if (response.ok) return response;
    const error = await readApiError(response);
    throw Object.assign(error, { retryAfter: Number(response.headers.get("retry-after")) || 0 });
  };

  const send = async (
    method: string,
    path: string,
    request: RequestOptions = {},
  ): Promise<Response> => {
    const tries = method === "GET" ? retries : 0;
    for (let attempt = 0; ; attempt++) {
      try {
        return await once(method, path, request);
      } catch (error) {
        if (attempt >= tries || request.signal?.aborted || !mayPass(error)) throw error;
        await wait(backoff(attempt, error), request.signal);
      }
    }
  };
  return {
    send,
    async json<T>(method: string, path: string, request: RequestOptions = {}) {
      const response = await send(method, path, request);
      return (response.status === 204 ? undefined : await response.json()) as T;
    },
  };
}

/** No answer at all, or one that says that another time may be better. */
function mayPass(error: unknown): boolean {
  if (error instanceof HeddleApiError) return PASSING.has(error.status);
  return error instanceof TypeError;
}

function backoff(attempt: number, error: unknown): number {
  const asked = ((error as { retryAfter?: number }).retryAfter ?? 0) * 1000;
  const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt);
  return Math.max(Math.min(asked, LONGEST_WAIT), longest / 2 + (Math.random() * longest) / 2);
}

function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason ?? new DOMException("The request was aborted.", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

function search(query: RequestOptions["query"] = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) parameters.set(name, String(value));
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}
