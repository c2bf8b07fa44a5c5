/** What every request goes through: an id, headers that a browser should honour, and a limit on its body. */
import type { MiddlewareHandler } from "hono";
import type { AppDeps } from "../deps.ts";
import { problem } from "./problem.ts";
import type { Env } from "./router.ts";

/** Takes the caller's `X-Request-Id` where it is harmless, else makes one; it comes back in the answer. */
export function requestId(): MiddlewareHandler<Env> {
  return async (c, next) => {
    const sent = c.req.header("x-request-id");
    const id = sent && /^[\w.:/=+-]{1,128}$/.test(sent) ? sent : crypto.randomUUID();
    c.set("requestId", id);
    await next();
    setHeader(c, "x-request-id", id);
  };
}

/** The console loads only its own parts; nobody may frame it. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

export function securityHeaders(): MiddlewareHandler<Env> {
  return async (c, next) => {
    await next();
    setHeader(c, "x-content-type-options", "nosniff");
    setHeader(c, "referrer-policy", "no-referrer");
    setHeader(c, "x-frame-options", "DENY");
    setHeader(c, "cross-origin-opener-policy", "same-origin");
    setHeader(c, "content-security-policy", CONTENT_SECURITY_POLICY);
    if (c.req.path.startsWith("/v1/") && !c.res.headers.has("cache-control"))
      setHeader(c, "cache-control", "no-store");
  };
}

/** A response of a WebSocket upgrade has headers that cannot be changed. */
function setHeader(c: Parameters<MiddlewareHandler<Env>>[0], name: string, value: string): void {
  if (c.res.status === 101) return;
  c.header(name, value);
}

/** Telemetry comes compressed and has limits of its own, on what it unfolds to. */
const OWN_LIMIT = /^\/v1\/otlp\//;

/** Refuses bodies above the limit: by their announced length at once, else when the stream passes it. */
export function bodyLimit(deps: AppDeps): MiddlewareHandler<Env> {
  const limit = deps.config.maxBodyBytes;
  return async (c, next) => {
    if (OWN_LIMIT.test(c.req.path) || !c.req.raw.body) return next();
    const announced = Number(c.req.header("content-length") ?? Number.NaN);
    if (announced > limit) {
      if (announced <= limit * DRAINED) await drain(c.req.raw.body);
      throw tooLarge(announced, limit);
    }
    if (Number.isNaN(announced)) {
      const body = await readAtMost(c.req.raw.body, limit);
      // Not made of the old request as a whole: the Node adapter's are of a class of their own.
      const { url, method, headers, signal } = c.req.raw;
      const rest = body.byteLength > 0 ? { body } : {};
      c.req.raw = new Request(url, { method, headers, signal, ...rest });
    }
    return next();
  };
}

/** A client that is still sending when its connection ends does not see the answer: up to so many times the limit is read and dropped. */
const DRAINED = 5;

async function drain(stream: ReadableStream<Uint8Array>): Promise<void> {
  for await (const _ of stream);
}

async function readAtMost(
  stream: ReadableStream<Uint8Array>,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > limit * DRAINED) break;
    if (size <= limit) chunks.push(chunk);
    else chunks.length = 0;
  }
  if (size > limit) throw tooLarge(size, limit);
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

function tooLarge(size: number, limit: number) {
  return problem("HDL1005", `The body has ${size} bytes or more; the limit is ${limit}.`, {
    headers: { connection: "close" },
  });
}
