/** Fetches a document over HTTP from where the guard lets it: with bounds on time, size and redirects. */
import type { LookupOptions } from "node:dns";
import { lookup } from "node:dns/promises";
import { type IncomingMessage, request as plainRequest } from "node:http";
import { type RequestOptions as SecureOptions, request as secureRequest } from "node:https";
import { isIP } from "node:net";
import { callbackify } from "node:util";
import { type Guard, hostOf } from "./guard.ts";
import { JwksError } from "./jwks-error.ts";

/** Bytes of a document; sets of keys have a few thousand. */
export const MAX_DOCUMENT_BYTES = 512 * 1024;
const MAX_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** All addresses of a host, as DNS has them now. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export interface FetchOptions {
  readonly guard: Guard;
  /** Ends the whole, redirects and body included. */
  readonly signal: AbortSignal;
  readonly resolve?: Resolve;
  /** Whom a server has to prove that it is; by its host's name unless told. */
  readonly server?: Pick<SecureOptions, "ca" | "checkServerIdentity">;
  /** Redirects that are followed; three unless told. */
  readonly redirects?: number;
}

export interface Fetched {
  /** Where it was in the end. */
  readonly url: URL;
  readonly text: string;
  /** Seconds that the answer says it is good for; undefined where it does not. */
  readonly maxAge: number | undefined;
}

/** Throws HDL7290, HDL7291 for what is too large, and HDL7292. */
export async function guardedFetch(start: URL, options: FetchOptions): Promise<Fetched> {
  let url = start;
  const { redirects: most = MAX_REDIRECTS } = options;
  for (let redirects = 0; ; redirects++) {
    const response = await ask(url, options);
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (!REDIRECTS.has(status) || location === undefined) {
      if (status !== 200) {
        response.destroy();
        throw unreachable(url, `the answer is ${status}`);
      }
      const text = await bodyOf(url, response, options.signal);
      return { url, text, maxAge: maxAgeOf(response.headers["cache-control"]) };
    }
    response.destroy();
    if (redirects === most)
      throw unreachable(start, most === 0 ? "it leads elsewhere" : "it leads on without end");
    url = followed(url, location);
  }
}

/** A URL that another one leads to. Throws HDL7290. */
export function followed(from: URL, to: string): URL {
  const next = URL.parse(to, from);
  if (next === null || !/^https?:$/.test(next.protocol))
    throw unreachable(from, `it leads to ${JSON.stringify(to)}, which is no URL of http or https`);
  // Whoever is between would choose the keys.
  if (from.protocol === "https:" && next.protocol === "http:")
    throw unreachable(from, `it leads from https to http: ${next.origin}`);
  return next;
}

async function ask(url: URL, options: FetchOptions) {
  const { guard, signal, resolve = addressesOf, server = {} } = options;
  const host = hostOf(url);
  // Of an address nothing is looked up.
  if (isIP(host)) guard.permitted(url, [host]);
  /** What was checked is what is connected to: no second answer of DNS comes between. */
  const checked = callbackify(async (name: string, _options: LookupOptions) =>
    guard
      .permitted(url, await resolve(name))
      .map((address) => ({ address, family: isIP(address) })),
  );
  const send = url.protocol === "https:" ? secureRequest : plainRequest;
  const headers = { accept: "application/json", "accept-encoding": "identity" };
  const { promise, resolve: answered, reject } = Promise.withResolvers<IncomingMessage>();
  const { protocol, port, pathname, search } = url;
  send(
    {
      ...{ protocol, host, port, path: pathname + search },
      // Asks for all addresses, in one list.
      ...{ headers, signal, agent: false, lookup: checked, autoSelectFamily: true, ...server },
    },
    answered,
  )
    .on("error", reject)
    .end();
  try {
    return await promise;
  } catch (error) {
    throw failure(url, error, signal);
  }
}

async function bodyOf(url: URL, response: IncomingMessage, signal: AbortSignal): Promise<string> {
  const encoding = response.headers["content-encoding"] ?? "identity";
  // What is small when packed may have no end when it is not.
  if (encoding !== "identity") {
    response.destroy();
    throw unreachable(url, `the answer is packed (${encoding}), which was not asked for`);
  }
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > MAX_DOCUMENT_BYTES)
        throw new JwksError(
          "HDL7291",
          `what ${url.href} answers with is larger than ${MAX_DOCUMENT_BYTES} bytes`,
        );
      parts.push(part);
    }
  } catch (error) {
    throw failure(url, error, signal);
  }
  return Buffer.concat(parts).toString("utf8");
}

async function addressesOf(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function failure(url: URL, error: unknown, signal: AbortSignal): JwksError {
  if (error instanceof JwksError) return error;
  if (signal.aborted) return unreachable(url, "there was no whole answer in time", error);
  const { code, message } = error as { code?: string; message?: string };
  return unreachable(url, code ?? message ?? String(error), error);
}

function unreachable(url: URL, reason: string, cause?: unknown): JwksError {
  return new JwksError("HDL7290", `${url.href} cannot be fetched: ${reason}`, cause);
}

/** RFC 9111, section 5.2.2; what is not to be stored is good for no time. */
function maxAgeOf(cacheControl = ""): number | undefined {
  if (/\bno-(?:store|cache)\b/i.test(cacheControl)) return 0;
  const [, seconds] = /\bmax-age="?(\d+)/i.exec(cacheControl) ?? [];
  return seconds === undefined ? undefined : Number(seconds);
}
