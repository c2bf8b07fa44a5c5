/** Fetches over HTTP with bounds on time and size. */
import { ModuleError } from "./module-error.ts";
import { MAX_MODULE_BYTES } from "./unpack.ts";

/** Milliseconds for a whole download. */
const TIMEOUT = 30_000;

/** Any status is an answer. Throws HDL7220 where there is none. */
export async function ask(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  try {
    return await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT) });
  } catch (error) {
    const { cause } = error as { cause?: { code?: string; message?: string } };
    const reason = cause?.code ?? cause?.message ?? String(error);
    throw unreachable(url, reason, error);
  }
}

/** The body of an answer that must be a success. Throws HDL7220. */
export async function bodyOf(url: string, response: Response): Promise<Buffer> {
  if (!response.ok) throw unreachable(url, `the answer is ${response.status}`);
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of response.body ?? []) {
      size += part.length;
      if (size > MAX_MODULE_BYTES)
        throw unreachable(url, `it is larger than ${MAX_MODULE_BYTES} bytes`);
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof ModuleError) throw error;
    throw unreachable(url, String(error), error);
  }
  return Buffer.concat(parts);
}

export function unreachable(url: string, reason: string, cause?: unknown): ModuleError {
  return new ModuleError(
    "HDL7220",
    `the module cannot be fetched from ${url}: ${reason}`,
    "Check the URL, and that the agent can reach it; it is tried again by itself.",
    cause,
  );
}
